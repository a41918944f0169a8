"""Object storage: bytes under their SHA-256, per project.

They are written to a random staging key first and published when complete. A user's path never reaches this room: keys
are made of a project's id and a digest, or are random.
"""

from functools import cache

from django.conf import settings

from core.storage.base import ObjectMissing, ObjectStore, StagingBusy, StagingHole, StoredObject
from core.storage.local import LocalStore

__all__ = ["LocalStore", "ObjectMissing", "ObjectStore", "StagingBusy", "StagingHole", "StoredObject", "get_store"]


@cache
def _store_at(url: str) -> ObjectStore:
    scheme, _, rest = url.partition("://")
    if scheme != "file":
        raise ValueError(f"LINEAL_BLOBS_URL: '{scheme}://' is not served by this release; 'file:///folder' is.")
    return LocalStore(rest)


def get_store() -> ObjectStore:
    """The store that LINEAL_BLOBS_URL names."""
    return _store_at(settings.BLOBS_URL)
