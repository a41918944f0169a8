"""What refers to stored bytes: every foreign key to `Blob`, of whatever room, so that none can be forgotten."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, ForeignObjectRel, OuterRef, QuerySet

from tracking.models import Blob


def unreferenced(blobs: QuerySet[Blob]) -> QuerySet[Blob]:
    """Those of `blobs` that nothing refers to. One index look-up for each and each kind of reference."""
    for source, column in _references():
        blobs = blobs.filter(~Exists(source.objects.filter(**{column: OuterRef("pk")})))
    return blobs


def is_referenced(blob: Blob) -> bool:
    return not unreferenced(Blob.objects.filter(pk=blob.pk)).exists()


def _references() -> Iterator[tuple[Any, str]]:
    """(model, name of its foreign key), hidden ones included."""
    for relation in Blob._meta.get_fields(include_hidden=True):  # noqa: SLF001 - documented, for all its name
        if isinstance(relation, ForeignObjectRel):
            yield relation.related_model, relation.field.name
