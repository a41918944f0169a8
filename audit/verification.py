"""Does the stored ledger still say what was signed? Asked every hour by a job that holds no secret."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from audit import guards, keys, merkle, verifiers
from audit.cosigning import verify_cosignature
from audit.events import Target
from audit.faithful import altered_paths, is_shown_as_logged
from audit.keyring import Keyring, rotation_in
from audit.ledger_actions import ROTATE_KEY
from audit.models import Anchor, AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending, Verification
from audit.notes import Checkpoint, InvalidCheckpoint, InvalidNote, NotSignedBy, parse_checkpoint
from audit.restores import Head, given_up_heads
from audit.rotation import rotations
from audit.services import record
from core import clock
from core.access import system_principal
from core.storage import ObjectMissing

ROWS_AT_ONCE = 2_000
MOST_FINDINGS = 20  # more says nothing new; the count tells how bad it is


@dataclass(frozen=True, slots=True)
class _Copy:
    """A note that was kept elsewhere. `note` is None where it cannot be read, for the reason in `trouble`."""

    location: str
    note: str | None
    trouble: str = ""


class _Notes:
    """Checkpoints of the log and their copies elsewhere, each compared with the leaves once these are as many."""

    def __init__(self, ring: Keyring, copies: Sequence[_Copy], given_up: Collection[Head]) -> None:
        """Copies of heads that a restore has given up, by an entry of its own, are left aside."""
        self._ring = ring
        self._given_up = given_up
        self._cosigner_vkey = keys.find_cosigner_vkey()
        self._stored: dict[int, str] = {}
        self._read_up_to = 0
        self._unreadable: list[str] = []
        self._copies: dict[int, list[tuple[str, Checkpoint]]] = defaultdict(list)
        for copy in copies:
            self._take(copy)

    def _take(self, copy: _Copy) -> None:
        name = f"The anchor at {copy.location}"
        if copy.note is None:
            self._unreadable.append(f"{name} cannot be read: {copy.trouble}")
            return
        if _said_head(copy.note) in self._given_up:
            return
        try:
            signed = self._ring.open(copy.note)
        except (InvalidNote, InvalidCheckpoint) as exc:
            self._unreadable.append(f"{name} is not a checkpoint of this log: {exc}")
            return
        self._copies[signed.size].append((name, signed))

    def findings_at(self, frontier: merkle.Frontier, last: AuditEvent) -> Iterator[str]:
        """What the notes for this size, which ends with the event `last`, say otherwise."""
        note = self._stored_note(frontier.size)
        if note is not None:
            yield from self._checkpoint_findings(note, frontier, last)
        for name, signed in self._copies.pop(frontier.size, ()):
            if signed.root != frontier.root():
                yield f"{name} was signed over another log: what stands before {signed.size} was rewritten since."

    def _stored_note(self, size: int) -> str | None:
        if size >= self._read_up_to:  # a page of them at a time: a quiet log has one for each event
            self._read_up_to = size + ROWS_AT_ONCE
            page = AuditCheckpoint.objects.filter(size__gte=size, size__lt=self._read_up_to)
            self._stored = dict(page.values_list("size", "note"))
        return self._stored.get(size)

    def _checkpoint_findings(self, note: str, frontier: merkle.Frontier, last: AuditEvent) -> Iterator[str]:
        try:
            signed = self._ring.open(note)
            rotation = rotation_in(signed)
            self._check_cosignature(note)
        except (InvalidNote, InvalidCheckpoint) as exc:
            yield f"The checkpoint for {frontier.size} is not validly signed: {exc}"
            return
        if (signed.size, signed.root) != (frontier.size, frontier.root()):
            yield f"The checkpoint for {frontier.size} was signed over another log."
        if rotation is not None and (last.action != ROTATE_KEY.name or f'"vkey":"{rotation.new}"' not in last.body):
            yield f"The checkpoint for {frontier.size} hands the log to a key that no event there speaks of."

    def _check_cosignature(self, note: str) -> None:
        """A checkpoint from before the second signer has none of it; a wrong one is a finding. Raises InvalidNote."""
        if self._cosigner_vkey is not None:
            with suppress(NotSignedBy):
                verify_cosignature(note, self._cosigner_vkey)

    def findings_after(self, size: int) -> Iterator[str]:
        """Copies that no size of the log could be compared with."""
        yield from self._unreadable
        for name, signed in (each for copies in self._copies.values() for each in copies):
            yield f"{name} is of {signed.size} events, and the log has only {size}: its tail was cut off."


def _said_head(note: str) -> Head | None:
    """Size and root that a note speaks of, whoever signed it."""
    try:
        said = parse_checkpoint(note[: note.rfind("\n\n") + 1])
    except InvalidCheckpoint:
        return None
    return said.size, said.root.hex()


def verify_ledger() -> Verification:
    """Every leaf against its event, every checkpoint and every anchor against the leaves, and what is shown of events
    against what was logged. Result and event are kept whatever comes out. Reads the whole log, in flat memory.
    """
    started = clock.now()
    copies = list(_anchored_notes())  # before the log's end, or a copy made meanwhile would seem to reach beyond it
    leaves, signed = _ends()
    findings = list(_ledger_findings(leaves, signed, copies))
    return _keep("ledger", findings, checked=leaves, size=signed, started=started)


def verify_registered() -> list[Verification]:
    """Run what other rooms registered, such as the check of stored bytes."""
    results = []
    for name, verifier in verifiers.registered().items():
        started = clock.now()
        checked = verifier()
        results.append(_keep(name, checked.findings, checked=checked.count, size=None, started=started))
    return results


def _ends() -> tuple[int, int]:
    """Number of the next leaf, and size of the last checkpoint: one statement, since the sequencer writes both at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT coalesce(max(seq) + 1, 0) FROM audit_leaf), (SELECT coalesce(max(size), 0) FROM audit_checkpoint)"
        )
        leaves, signed = cursor.fetchone()
    return leaves, signed


def _ledger_findings(leaves: int, signed: int, copies: Sequence[_Copy]) -> Iterator[str]:
    vkey = keys.find_vkey()
    yield from (f"The guard {name} is gone: the ledger can be changed." for name in guards.missing(connection))
    if leaves != signed:
        yield f"The log has {leaves} events, and its last checkpoint is for {signed}."
    if vkey is None:
        if leaves or copies:
            yield "There is a log, and no public key to check it with."
        return
    yield from _log_findings(leaves, vkey, copies)
    yield from _count_findings(leaves)
    yield from _anchor_findings()


def _log_findings(leaves: int, vkey: str, copies: Sequence[_Copy]) -> Iterator[str]:
    notes = _Notes(Keyring(vkey, rotations()), copies, given_up_heads())
    frontier = merkle.Frontier()
    for leaf in _leaves(leaves):
        if leaf.seq != frontier.size:
            yield f"The log jumps from {frontier.size - 1} to {leaf.seq}."
            return
        yield from _event_findings(leaf)
        frontier.append(bytes(leaf.leaf_hash))
        yield from notes.findings_at(frontier, leaf.event)
    yield from notes.findings_after(frontier.size)


def _event_findings(leaf: AuditLeaf) -> Iterator[str]:
    """The body against its leaf; what lists are searched by, and personal values, against the body."""
    event = leaf.event
    name = f"Event {leaf.seq} ({event.uuid}, {event.action})"
    if merkle.leaf_hash(event.body.encode()) != bytes(leaf.leaf_hash):
        yield f"{name} is not what was numbered."
        return
    if not is_shown_as_logged(event):
        yield f"{name} is listed as something else than was logged."
    altered = altered_paths(event)
    if altered:
        yield f"{name} has altered personal values at {', '.join(altered)}."


def _leaves(size: int) -> Iterator[AuditLeaf]:
    for start in range(0, size, ROWS_AT_ONCE):
        rows = AuditLeaf.objects.filter(seq__gte=start, seq__lt=min(size, start + ROWS_AT_ONCE))
        yield from rows.select_related("event").prefetch_related("event__private").order_by("seq")


def _count_findings(size: int) -> Iterator[str]:
    """Events that are neither numbered nor waiting were slipped in, or their place was taken away."""
    strays = AuditEvent.objects.filter(leaf=None).exclude(pk__in=AuditPending.objects.values("pk")).count()
    if strays:
        yield f"{strays} events are neither in the log of {size} nor waiting for it."


def _anchored_notes() -> Iterator[_Copy]:
    """All that the places hold, found by looking there: our own rows about it can be deleted with the rest."""
    from audit.anchors import places  # noqa: PLC0415 - anchors record verification's sibling events

    for place in places():
        try:
            locations = list(place.locations())
        except OSError as exc:
            yield _Copy(f"the {place.kind}", None, str(exc))
            continue
        for location in locations:
            try:
                yield _Copy(location, place.read(location))
            except (OSError, UnicodeDecodeError, ObjectMissing) as exc:
                yield _Copy(location, None, str(exc))


def _anchor_findings() -> Iterator[str]:
    """The newest copy in each place outside must be the checkpoint that we still have."""
    from audit.anchors import places  # noqa: PLC0415 - anchors record verification's sibling events

    for place in places():
        anchor = Anchor.objects.filter(kind=place.kind, outcome=Anchor.Outcome.OK).order_by("-id").first()
        if anchor is None:
            continue
        try:
            note = place.read(anchor.location)
        except (OSError, UnicodeDecodeError, ObjectMissing) as exc:
            yield f"The anchor at {anchor.location} cannot be read: {exc}"
            continue
        kept = AuditCheckpoint.objects.filter(size=anchor.checkpoint_id).values_list("note", flat=True).first()
        if note != kept:
            yield f"The anchor at {anchor.location} is not the checkpoint for {anchor.checkpoint_id} that the ledger has."


@transaction.atomic
def _keep(subject: str, findings: list[str], *, checked: int, size: int | None, started: datetime) -> Verification:
    result = Verification.objects.create(
        subject=subject,
        mode="full",
        outcome=Verification.Outcome.FAILED if findings else Verification.Outcome.OK,
        checked=checked,
        size=size,
        findings=findings[:MOST_FINDINGS],
        started_at=started,
        ended_at=clock.now(),
    )
    record(
        action="audit.verify",
        target=Target("ledger" if subject == "ledger" else "verifier", subject, f"the {subject}"),
        actor=system_principal("verifier"),
        project=None,
        outcome="error" if findings else "ok",
        after={"checked": checked, "findings": len(findings), "first": findings[:3]},
    )
    return result
