"""Uploads that go past this server: links for a file's parts, and which of them have arrived.

A link is made only for an upload that the caller may write to, and names its random staging key.
"""

from collections.abc import Sequence

from core import clock
from core.errors import Invalid
from core.storage import DirectStore, Link, PartSizes, get_direct_store
from tracking.errors import NotDirect, UploadCommitted
from tracking.models import Upload


def sizes_of(upload: Upload) -> PartSizes:
    """How the file is cut: as when its first part was asked for, whatever a later release would choose. Raises NotDirect."""
    return PartSizes(upload.size, upload.part_size) if upload.part_size else _direct().part_sizes(upload.size)


def make_links(*, upload: Upload, numbers: Sequence[int]) -> list[tuple[int, Link]]:
    """A link for each part, with its number. The first call begins the upload in the store.

    Raises:
        NotDirect: clients do not reach the store.
        UploadCommitted: the file is recorded already.
        Invalid: a number that is no part of this file.
        StoreAway: the store does not answer.
    """
    direct = _direct()
    if upload.committed_at is not None:
        raise UploadCommitted
    sizes = sizes_of(upload)
    if not all(1 <= number <= sizes.count for number in numbers):
        raise Invalid(f"This file has the parts 1 to {sizes.count}.", field="parts")
    if sizes.count == 1:
        return [(1, whole_link(upload))]
    _begin_parts(upload, direct, sizes)
    key, upload_id = upload.staging_key, upload.multipart_id
    return [(number, direct.part_link(key, upload_id, number, sizes.of(number))) for number in numbers]


def whole_link(upload: Upload) -> Link:
    """To send a file of one part. Raises NotDirect."""
    return _direct().put_link(upload.staging_key, upload.size, upload.sha256)


def _begin_parts(upload: Upload, direct: DirectStore, sizes: PartSizes) -> None:
    """Give the upload the store's id for it. Of two that begin at once one wins, and the other drops what it began."""
    rows = Upload.objects.filter(pk=upload.pk)
    if upload.multipart_id:
        rows.update(touched_at=clock.now())
        return
    began = direct.start_parts(upload.staging_key)
    if not rows.filter(multipart_id="").update(multipart_id=began, part_size=sizes.part, touched_at=clock.now()):
        direct.drop_parts(upload.staging_key, began)
    upload.refresh_from_db(fields=["multipart_id", "part_size"])


def arrived_numbers(upload: Upload) -> list[int]:
    """The parts that have arrived whole. Where the store has lost them, the upload begins again. Raises NotDirect, StoreAway."""
    direct, sizes = _direct(), sizes_of(upload)
    every = list(range(1, sizes.count + 1))
    if upload.committed_at is not None:
        return every
    parts = direct.arrived_parts(upload.staging_key, upload.multipart_id) if upload.multipart_id else {}
    if parts:
        return [number for number in every if parts.get(number) == sizes.of(number)]
    if upload.size and direct.staged_size(upload.staging_key) == upload.size:
        return every
    if parts is None:
        Upload.objects.filter(pk=upload.pk, multipart_id=upload.multipart_id).update(multipart_id="")
    return []


def _direct() -> DirectStore:
    direct = get_direct_store()
    if direct is None:
        raise NotDirect
    return direct
