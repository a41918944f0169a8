"""The ledger as a file (`lineal-audit-export/1`): JSON lines that the offline verifier checks with the public key alone.

A full export holds every leaf in order and every checkpoint right after the leaf that it covers last. A filtered one holds
one checkpoint and then chosen events, each with its inclusion proof. The lines are canonical JSON; the last one carries
the SHA-256 of all bytes before it.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import orjson
from django.db.models import QuerySet

from audit import keys
from audit.canonical import encode
from audit.errors import CheckpointNotFound
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPrivate
from audit.opened import is_shown
from audit.rotation import rotations
from audit.selectors import latest_checkpoint
from audit.tiles import TileReader
from core import clock

SCHEMA = "lineal-audit-export/1"
ROWS_AT_ONCE = 1_000


def full_export() -> Iterator[bytes]:
    """All lines up to the newest checkpoint, which is fixed before the first line is made. Flat memory.

    Raises:
        CheckpointNotFound: nothing was signed yet.
    """
    head = _head()
    return _ended(_full_lines(head))


def filtered_export(events: QuerySet[AuditEvent], *, withhold: bool = True) -> Iterator[bytes]:
    """The lines of those events that the newest checkpoint covers, oldest first; without the personal values that readers
    of a trail do not see, unless told not to withhold them. Raises CheckpointNotFound.
    """
    head = _head()
    return _ended(_filtered_lines(head, events, withhold=withhold))


def _head() -> AuditCheckpoint:
    head = latest_checkpoint()
    if head is None:
        raise CheckpointNotFound("The ledger has no signed checkpoint yet; the sequencer makes the first one.")
    return head


def _full_lines(head: AuditCheckpoint) -> Iterator[dict[str, Any]]:
    yield _header(head, filtered=False)
    notes = dict(AuditCheckpoint.objects.filter(size__lte=head.size).values_list("size", "note"))
    for start in range(0, head.size, ROWS_AT_ONCE):
        leaves = AuditLeaf.objects.filter(seq__gte=start, seq__lt=min(start + ROWS_AT_ONCE, head.size))
        rows = list(leaves.select_related("event").order_by("seq"))
        private = _private(row.event_id for row in rows)
        for leaf in rows:
            yield _event_line(leaf)
            yield from _private_lines(leaf, private)
            if leaf.seq + 1 in notes:
                yield {"type": "checkpoint", "size": leaf.seq + 1, "note": notes[leaf.seq + 1]}


def _filtered_lines(head: AuditCheckpoint, events: QuerySet[AuditEvent], *, withhold: bool) -> Iterator[dict[str, Any]]:
    yield _header(head, filtered=True)
    yield {"type": "checkpoint", "size": head.size, "note": head.note}
    reader = TileReader()
    leaves = AuditLeaf.objects.filter(event__in=events.order_by().values("pk"), seq__lt=head.size)
    at = -1
    while rows := list(leaves.filter(seq__gt=at).select_related("event").order_by("seq")[:ROWS_AT_ONCE]):
        private = _private(row.event_id for row in rows)
        for leaf in rows:
            proof = [_base64(each) for each in reader.inclusion_proof(leaf.seq, head.size)]
            yield _event_line(leaf) | {"proof": proof}
            yield from _private_lines(leaf, private, withhold=withhold)
        at = rows[-1].seq


def _ended(lines: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """The lines as bytes, and the end line over them."""
    whole, events = sha256(), 0
    for line in lines:
        events += line["type"] == "event"
        raw = encode(line) + b"\n"
        whole.update(raw)
        yield raw
    yield encode({"type": "end", "events": events, "sha256": whole.hexdigest()}) + b"\n"


def _header(head: AuditCheckpoint, *, filtered: bool) -> dict[str, Any]:
    return {
        "type": "header",
        "schema": SCHEMA,
        "origin": keys.origin(),
        "vkey": head.vkey,
        "from": 0,
        "size": head.size,
        "generated_at": clock.text(clock.now()),
        "filtered": filtered,
        "rotations": rotations(up_to=head.size),
    }


def _event_line(leaf: AuditLeaf) -> dict[str, Any]:
    return {"type": "event", "seq": leaf.seq, "body": leaf.event.body, "leaf_hash": _base64(bytes(leaf.leaf_hash))}


def _private(event_ids: Iterable[int]) -> dict[int, list[AuditPrivate]]:
    found: dict[int, list[AuditPrivate]] = {}
    for row in AuditPrivate.objects.filter(event__in=list(event_ids)).order_by("event_id", "path"):
        found.setdefault(row.event_id, []).append(row)
    return found


def _private_lines(
    leaf: AuditLeaf, private: dict[int, list[AuditPrivate]], *, withhold: bool = False
) -> Iterator[dict[str, Any]]:
    for row in private.get(leaf.event_id, []):
        if withhold and not is_shown(row.path):
            continue
        yield {
            "type": "private",
            "seq": leaf.seq,
            "path": row.path,
            "salt": _base64(bytes(row.salt)),
            "value": orjson.loads(row.value),
        }


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
