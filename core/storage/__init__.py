"""Object storage: bytes under their SHA-256, per project.

They are written to a random staging key first and published when complete. A user's path never reaches this room: keys
are made of a project's id and a digest, or are random.
"""

from functools import cache

from django.conf import settings

from core.storage.base import (
    OF_NOTHING,
    DirectStore,
    Link,
    NothingStaged,
    ObjectMissing,
    ObjectStore,
    PartSizes,
    StagingBusy,
    StagingHole,
    StoreAway,
    StoredObject,
    StoreRefused,
)
from core.storage.local import LocalStore
from core.storage.s3 import S3Store
from core.storage.s3_direct import S3DirectStore

__all__ = [
    "OF_NOTHING",
    "DirectStore",
    "Link",
    "LocalStore",
    "NothingStaged",
    "ObjectMissing",
    "ObjectStore",
    "PartSizes",
    "S3DirectStore",
    "S3Store",
    "StagingBusy",
    "StagingHole",
    "StoreAway",
    "StoreRefused",
    "StoredObject",
    "get_direct_store",
    "get_store",
]

NOT_REACHED = "none"  # of LINEAL_BLOBS_PUBLIC_URL: clients do not reach the store


@cache
def _store_at(url: str, encryption: str, public_url: str, link_life_s: int) -> ObjectStore:
    scheme, _, rest = url.partition("://")
    if scheme == "file":
        return LocalStore(rest)
    if public_url == NOT_REACHED:
        return S3Store(url, encryption=encryption)
    return S3DirectStore(url, encryption=encryption, public_url=public_url, link_life_s=link_life_s)


def get_store() -> ObjectStore:
    """The store that LINEAL_BLOBS_URL names. One for all threads of a process."""
    return _store_at(
        settings.BLOBS_URL, settings.BLOBS_ENCRYPTION, settings.BLOBS_PUBLIC_URL, settings.BLOBS_LINK_LIFE_S
    )


def get_direct_store() -> DirectStore | None:
    """The same store, where clients reach it by themselves."""
    store = get_store()
    return store if isinstance(store, S3DirectStore) else None
