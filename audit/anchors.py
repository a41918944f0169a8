"""Copies of checkpoints where the server's operators cannot change them unseen: a folder, and a bucket where one is set.

Without an anchor two attacks stay unseen by any log: a rewrite signed with the stolen key, and a tail cut off.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import transaction

from audit.buckets import bucket_at
from audit.events import Target
from audit.models import Anchor, AuditCheckpoint
from audit.services import record
from core import clock
from core.access import system_principal
from core.folders import write_once

OWN_ENTRIES = 1  # anchoring in a place is itself an entry, which must not be a reason to anchor again


class Place(Protocol):
    """Somewhere that keeps what it is given once."""

    kind: str

    def put(self, checkpoint: AuditCheckpoint) -> str:
        """Keep the checkpoint's note, never replacing one; where it lies. Raises OSError."""

    def read(self, location: str) -> str:
        """The note at a location. Raises OSError."""

    def locations(self) -> Iterator[str]:
        """Everything it keeps, whatever our own tables say of it. Raises OSError."""


class Folder:
    """`<home>/anchors/checkpoints/<size>`, made exclusively and read-only. Mount or sync it from elsewhere to be worth its name."""

    kind = "folder"

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, checkpoint: AuditCheckpoint) -> str:
        path = self._root / f"{checkpoint.size:012d}"
        write_once(path, checkpoint.note.encode, mode=0o444)
        if path.read_text() != checkpoint.note:
            raise FileExistsError(f"{path} holds another checkpoint of that size.")
        return str(path)

    def read(self, location: str) -> str:
        """By its name: the home may have moved since, as after a restore."""
        return (self._root / Path(location).name).read_text()

    def locations(self) -> Iterator[str]:
        for path in sorted(self._root.glob("[0-9]*")):
            yield str(path)


def places() -> Sequence[Place]:
    kept: list[Place] = [Folder(Path(settings.HOME) / "anchors" / "checkpoints")]
    if settings.ANCHORS_URL:
        kept.append(bucket_at(settings.ANCHORS_URL, settings.ANCHORS_LOCK_DAYS))
    return kept


def anchor_latest() -> list[Anchor]:
    """Put the newest checkpoint into each place that lacks it, and record how that went. Safe to run twice."""
    checkpoint = AuditCheckpoint.objects.order_by("-size").first()
    if checkpoint is None:
        return []
    all_places = places()
    own_entries = OWN_ENTRIES * len(all_places)
    return [done for place in all_places if (done := _anchor(place, checkpoint, own_entries))]


def _anchor(place: Place, checkpoint: AuditCheckpoint, own_entries: int) -> Anchor | None:
    newest = Anchor.objects.filter(kind=place.kind, outcome=Anchor.Outcome.OK).order_by("-checkpoint_id").first()
    if newest is not None and checkpoint.size - newest.checkpoint_id <= own_entries:
        return None
    try:
        location, detail = place.put(checkpoint), ""
    except OSError as exc:
        location, detail = place.kind, str(exc)
    return _keep(place, checkpoint, location, detail)


@transaction.atomic
def _keep(place: Place, checkpoint: AuditCheckpoint, location: str, detail: str) -> Anchor:
    outcome = Anchor.Outcome.ERROR if detail else Anchor.Outcome.OK
    anchor = Anchor.objects.create(
        kind=place.kind, checkpoint=checkpoint, location=location[:1024], outcome=outcome, detail=detail, at=clock.now()
    )
    record(
        action="audit.anchor",
        target=Target("checkpoint", str(checkpoint.size), f"the ledger up to event {checkpoint.size}"),
        actor=system_principal("anchor"),
        project=None,
        outcome="error" if detail else "ok",
        after={"kind": place.kind, "location": Path(location).name, "detail": detail},
    )
    return anchor
