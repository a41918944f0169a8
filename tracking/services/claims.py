"""Claims on stored bytes: how whoever is about to refer to a blob meets a sweep that is about to take it away.

A sweep deletes bytes only of rows that it has given up (state missing), and under the row's lock. So a row that is usable
under its lock has its bytes; one that is not, or that was made anew since the bytes were published, may have lost them.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from core.errors import Unavailable
from core.storage import get_store
from tracking.models import Blob

TRIES = 3  # each needs another mark, and another grace, to be lost again


class Swept(Unavailable):
    """Bytes were published and taken away before their row was locked. Publish them again."""

    code = "swept"
    title = "Stored bytes were swept away"

    def __init__(self) -> None:
        super().__init__("The same bytes were being deleted in this moment. Send them again.")


def hold(project_id: int, digests: Collection[str]) -> dict[str, Blob]:
    """The project's blobs of these digests, none of which a sweep takes away before this transaction ends.

    Raw, because the ORM has no FOR KEY SHARE: the lock that a reference takes, which many share. SQLite has one writer
    at a time and needs none of this.
    """
    if connection.vendor == "postgresql" and digests:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM tracking_blob WHERE project_id = %s AND sha256 = ANY(%s) ORDER BY id FOR KEY SHARE",
                [project_id, sorted(digests)],
            )
    return {blob.sha256: blob for blob in Blob.objects.filter(project_id=project_id, sha256__in=digests)}


def known(project_id: int, digests: Collection[str]) -> dict[str, int]:
    """Primary keys of the rows there are, by digest: to be asked before bytes are published, for `claim`."""
    return dict(Blob.objects.filter(project_id=project_id, sha256__in=digests).values_list("sha256", "pk"))


def claim(
    project: Any, sizes: Mapping[str, int], before: Mapping[str, int], *, proven: Collection[str]
) -> dict[str, Blob]:
    """Usable rows, locked, for bytes that were published a moment ago; made where there are none. `before` are the rows
    that there were before that.

    `proven` are those whose bytes this server has hashed, and then written. A row that was verified may have been so for
    bytes that are lost since: others may lie there now, sent by whoever holds a link, or found there. So it is unverified
    again, and whoever claims it asks a worker to read it.

    Asks the store only about what a sweep may have touched meanwhile.

    Raises:
        Swept: it did.
    """
    new = [Blob(project_id=project.pk, sha256=digest, size=size) for digest, size in sorted(sizes.items())]
    Blob.objects.bulk_create(new, ignore_conflicts=True)
    rows = Blob.objects.select_for_update().filter(project_id=project.pk, sha256__in=sizes).order_by("pk")
    blobs = {blob.sha256: blob for blob in rows}
    doubted = {
        digest
        for digest, blob in blobs.items()
        if not blob.is_usable or blob.condemned_at is not None or before.get(digest, blob.pk) != blob.pk
    }
    if len(blobs) < len(sizes) or (doubted and get_store().existing(project.uuid, doubted) != doubted):
        raise Swept
    unread = {digest for digest, blob in blobs.items() if blob.state == Blob.State.VERIFIED and digest not in proven}
    mended = [blobs[digest] for digest in doubted | unread]
    for blob in mended:
        blob.state, blob.marked_at, blob.condemned_at = Blob.State.UNVERIFIED, None, None
    Blob.objects.bulk_update(mended, ["state", "marked_at", "condemned_at"])
    return blobs


def unmark(blobs: Iterable[Blob]) -> None:
    """What is referred to again is no longer on its way out."""
    marked = [blob.pk for blob in blobs if blob.marked_at is not None]
    if marked:
        Blob.objects.filter(pk__in=marked).update(marked_at=None)
