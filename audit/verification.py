"""Does the stored ledger still say what was signed? Asked every hour by a job that holds no secret."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from audit import keys, merkle, verifiers
from audit.events import Target
from audit.models import Anchor, AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending, Verification
from audit.notes import InvalidCheckpoint, InvalidNote, parse_checkpoint, verify_note
from audit.services import record
from core import clock
from core.access import system_principal
from core.storage import ObjectMissing

ROWS_AT_ONCE = 2_000
MOST_FINDINGS = 20  # more says nothing new; the count tells how bad it is


def verify_ledger() -> Verification:
    """Every leaf against its event, every checkpoint against the leaves, every anchor against the checkpoints. Result and
    event are kept whatever comes out. 1.5 s per million events for the hashes, and as long as the database takes to read.
    """
    started = clock.now()
    last = AuditCheckpoint.objects.order_by("-size").first()
    size = last.size if last else 0
    findings = list(_ledger_findings(size))
    return _keep("ledger", findings, checked=size, size=size, started=started)


def verify_registered() -> list[Verification]:
    """Run what other rooms registered, such as the check of stored bytes."""
    results = []
    for name, verifier in verifiers.registered().items():
        started = clock.now()
        checked = verifier()
        results.append(_keep(name, checked.findings, checked=checked.count, size=None, started=started))
    return results


def _ledger_findings(size: int) -> Iterator[str]:
    vkey = keys.find_vkey()
    if size and vkey is None:
        yield "There is a log, and no public key to check it with."
        return
    checkpoints = dict(AuditCheckpoint.objects.filter(size__lte=size).values_list("size", "note"))
    frontier = merkle.Frontier()
    for leaf in _leaves(size):
        if leaf.seq != frontier.size:
            yield f"The log jumps from {frontier.size - 1} to {leaf.seq}."
            return
        if merkle.leaf_hash(leaf.event.body.encode()) != bytes(leaf.leaf_hash):
            yield f"Event {leaf.seq} ({leaf.event.uuid}, {leaf.event.action}) is not what was numbered."
        frontier.append(bytes(leaf.leaf_hash))
        note = checkpoints.get(frontier.size)
        if note is not None:
            yield from _checkpoint_findings(note, vkey or "", frontier)
    if frontier.size != size:
        yield f"The log ends at {frontier.size}, and its last checkpoint is for {size}."
    yield from _count_findings(size)
    yield from _anchor_findings()


def _leaves(size: int) -> Iterator[AuditLeaf]:
    for start in range(0, size, ROWS_AT_ONCE):
        rows = AuditLeaf.objects.filter(seq__gte=start, seq__lt=min(size, start + ROWS_AT_ONCE))
        yield from rows.select_related("event").order_by("seq")


def _checkpoint_findings(note: str, vkey: str, frontier: merkle.Frontier) -> Iterator[str]:
    try:
        signed = parse_checkpoint(verify_note(note, vkey))
    except (InvalidNote, InvalidCheckpoint) as exc:
        yield f"The checkpoint for {frontier.size} is not validly signed: {exc}"
        return
    if (signed.size, signed.root) != (frontier.size, frontier.root()):
        yield f"The checkpoint for {frontier.size} was signed over another log."


def _count_findings(size: int) -> Iterator[str]:
    """Events that are neither numbered nor waiting were slipped in, or their place was taken away."""
    strays = AuditEvent.objects.filter(leaf=None).exclude(pk__in=AuditPending.objects.values("pk")).count()
    if strays:
        yield f"{strays} events are neither in the log of {size} nor waiting for it."


def _anchor_findings() -> Iterator[str]:
    """The newest copy in each place outside must be the checkpoint that we still have."""
    from audit.anchors import places  # noqa: PLC0415 - anchors record verification's sibling events

    for place in places():
        anchor = Anchor.objects.filter(kind=place.kind, outcome=Anchor.Outcome.OK).order_by("-id").first()
        if anchor is None:
            continue
        try:
            note = place.read(anchor.location)
        except (OSError, ObjectMissing) as exc:
            yield f"The anchor at {anchor.location} cannot be read: {exc}"
            continue
        if note != anchor.checkpoint.note:
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
