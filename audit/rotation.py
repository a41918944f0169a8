"""Handing the log over to a new key: asking for it, and the checkpoints in which it was done.

The request is an event like any other; the sequencer, which alone holds the keys, ends a checkpoint with it and signs
that one with both (see `keyring`).
"""

from dataclasses import dataclass

from django.db import transaction

from audit import keys
from audit.events import Target
from audit.keyring import is_rotation
from audit.ledger_actions import ROTATE_KEY
from audit.models import AuditCheckpoint, AuditEvent
from audit.services import record
from core.access import system_principal
from core.errors import Invalid

LEDGER = Target("ledger", "ledger", "the ledger")


@dataclass(frozen=True, slots=True)
class Handover:
    """From one public key to another, in their text form."""

    old: str
    new: str


def ask_for_rotation(*, reason: str) -> Handover:
    """Make the next key and record the request. Asked for again before it is done, it is the same request.

    Raises:
        Invalid: no reason is given.
        WrongKey: the log's secret key is not on this machine.
    """
    if not reason.strip():
        raise Invalid("A rotation needs a reason: it stays on the ledger.", field="reason")
    keys.ensure_key()
    old, heir = keys.find_vkey() or "", keys.make_successor()
    with transaction.atomic():
        if not _is_waiting(heir.vkey):
            record(
                action=ROTATE_KEY.name,
                target=LEDGER,
                actor=system_principal("operator"),
                project=None,
                reason=reason,
                before={"vkey": old},
                after={"vkey": heir.vkey},
            )
    return Handover(old, heir.vkey)


def _is_waiting(vkey: str) -> bool:
    """Stands a request for this key in the queue? One that a sequencer took without having the key is asked for anew."""
    waiting = AuditEvent.objects.filter(action=ROTATE_KEY.name, pending__isnull=False)
    return any(f'"after":{{"vkey":"{vkey}"}}' in body for body in waiting.values_list("body", flat=True))


def rotations(*, up_to: int | None = None) -> list[str]:
    """The notes of the checkpoints in which the log was handed over, oldest first; few, and found by an index."""
    events = AuditEvent.objects.filter(action=ROTATE_KEY.name, leaf__isnull=False)
    sizes = [seq + 1 for seq in events.values_list("leaf__seq", flat=True) if up_to is None or seq < up_to]
    found = AuditCheckpoint.objects.filter(size__in=sizes).order_by("size")
    return [note for note in found.values_list("note", flat=True) if is_rotation(note)]
