"""How the log grows: committed events get their numbers, the tree its leaves, and the new head a signature.

One transaction a step, so a crash leaves no half step. An event is visible only after its commit, hence a number
never belongs to a change that was rolled back, and of two acts in succession the first has the smaller number.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from django.db import connection, transaction

from audit import keys, merkle, tiles
from audit.cosigning import Cosigner
from audit.errors import LedgerBroken
from audit.keyring import Rotation
from audit.keys import WrongKey
from audit.ledger_actions import ROTATE_KEY
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending
from audit.notes import Checkpoint, Signer, format_checkpoint, parse_checkpoint, sign_note, verify_note
from core import clock
from core.locks import lock_in_transaction

log = logging.getLogger(__name__)

STEP_EVENTS = 2_000  # keeps a step under 100 ms, so that SQLite's other writers hardly wait
LOCK = "audit sequencer"
_TAKE_PENDING = """
    DELETE FROM audit_pending WHERE event_id IN (SELECT event_id FROM audit_pending ORDER BY event_id LIMIT %s)
    RETURNING event_id
"""


class _Entry(NamedTuple):
    event_id: int
    body: str

    def hands_over_to(self, heir: Signer) -> bool:
        """Is this the event of the rotation to this key? Whoever can write events cannot make the key they name."""
        if f'"action":"{ROTATE_KEY.name}"' not in self.body:
            return False
        content = orjson.loads(self.body)
        return bool(content["action"] == ROTATE_KEY.name and content["after"].get("vkey") == heir.vkey)


class Sequencer:
    """Holds the log's secret key. Several may run: a lock lets one work at a time."""

    def __init__(self, signer: Signer, cosigner: Cosigner | None = None) -> None:
        self._signer = signer
        self._beside = [cosigner] if cosigner else []

    def step(self) -> int:
        """Give places to at most 2,000 events; how many. 0 when there are none, or when another sequencer works.

        Raises:
            LedgerBroken: the log does not fit its last checkpoint; nothing was changed.
            WrongKey: the last checkpoint was signed by another key.
        """
        if not AuditPending.objects.exists():  # outside a transaction, which on SQLite would stop the writers
            return 0
        with transaction.atomic():
            if not lock_in_transaction(LOCK, wait=False):
                return 0
            frontier = self._frontier()
            entries = _take_pending()
            heir = self._append(frontier, entries)
        if heir is not None:
            keys.settle_successor(heir)
            self._signer = heir
        return len(entries)

    def check_start(self) -> None:
        """What `step` takes on trust for speed: that no leaf is missing in the middle. Counts them all.

        Raises:
            LedgerBroken, WrongKey: as `step`.
        """
        try:
            self._check_count()
        except LedgerBroken:  # or another sequencer wrote between two of our reads; none does while we hold the lock
            with transaction.atomic():
                lock_in_transaction(LOCK)
                self._check_count()

    def _check_count(self) -> None:
        size, count = self._frontier().size, AuditLeaf.objects.count()
        if count != size:
            raise LedgerBroken(f"The log has {count} leaves, and its last checkpoint is for {size}.")

    def _frontier(self) -> merkle.Frontier:
        last = AuditCheckpoint.objects.order_by("-size").first()
        newest = AuditLeaf.objects.order_by("-seq").values_list("seq", flat=True).first()
        size = 0 if newest is None else newest + 1
        if size != (last.size if last else 0):
            raise LedgerBroken(f"The log ends at {size}, and its last checkpoint is for {last.size if last else 0}.")
        if last is None:
            return merkle.Frontier()
        return self._checked_frontier(last)

    def _checked_frontier(self, last: AuditCheckpoint) -> merkle.Frontier:
        if last.vkey != self._signer.vkey:
            raise WrongKey(
                f"The last checkpoint is signed with {last.vkey}, and the key at hand is {self._signer.vkey}."
            )
        try:
            frontier = merkle.Frontier.from_bytes(bytes(last.frontier))
            signed = parse_checkpoint(verify_note(last.note, self._signer.vkey))
        except ValueError as exc:
            raise LedgerBroken(f"The checkpoint for {last.size} cannot be relied on: {exc}") from exc
        if (signed.size, signed.root) != (frontier.size, frontier.root()) or signed.size != last.size:
            raise LedgerBroken(f"The frontier stored with checkpoint {last.size} is not the one that was signed.")
        return frontier

    def _append(self, frontier: merkle.Frontier, entries: Sequence[_Entry]) -> Signer | None:
        """Grow the log by these events, handing it over where one of them says so; the new key then, to be settled."""
        heir = keys.find_successor()
        turn = next((at for at, entry in enumerate(entries, 1) if heir and entry.hands_over_to(heir)), None)
        if heir is None or turn is None:
            self._grow(frontier, entries, [self._signer])
            return None
        self._grow(frontier, entries[:turn], [self._signer, heir])
        self._grow(frontier, entries[turn:], [heir])
        return heir

    def _grow(self, frontier: merkle.Frontier, entries: Sequence[_Entry], signers: Sequence[Signer]) -> None:
        """Leaves and one checkpoint. Of two signers the first hands the log to the second."""
        if not entries:
            return
        first = frontier.size
        hashes = [merkle.leaf_hash(entry.body.encode()) for entry in entries]
        frontier.extend(hashes)
        AuditLeaf.objects.bulk_create(
            AuditLeaf(seq=first + offset, event_id=entry.event_id, leaf_hash=hashes[offset])
            for offset, entry in enumerate(entries)
        )
        tiles.store_completed(first, frontier.size)
        root, last = frontier.root(), signers[-1]
        said = [Rotation(signers[0].vkey, last.vkey).line()] if len(signers) > 1 else []
        text = format_checkpoint(Checkpoint(last.name, frontier.size, root, tuple(said)))
        checkpoint = AuditCheckpoint(
            size=frontier.size,
            root=root,
            frontier=frontier.to_bytes(),
            note=sign_note(text, *signers, *self._beside),
            vkey=last.vkey,
            created_at=clock.now(),
        )
        AuditCheckpoint.objects.bulk_create([checkpoint])


def _take_pending() -> list[_Entry]:
    """The oldest events that wait, in the order of their writing, taken off the waiting list."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_PENDING, [STEP_EVENTS])
        ids = [event_id for (event_id,) in cursor.fetchall()]
    found = AuditEvent.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "body")
    entries = [_Entry(*row) for row in found]
    if len(entries) != len(ids):
        raise LedgerBroken(f"{len(ids) - len(entries)} events that wait for their place are gone.")
    return entries
