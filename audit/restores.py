"""What a restore from a backup leaves behind on the ledger: that it was done, from which place on, and which heads it gave up.

A restored log goes on from where the backup stood. Heads that were signed after that and kept elsewhere belong to events
that are gone: whoever restores has to accept that, and the entry names each of them, so that the verifier can tell them
from heads of a log that somebody cut. It says nothing for heads that are not named, and nothing for what stands before.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Q

from audit.events import Target
from audit.ledger_actions import BACKUP, RESTORE
from audit.models import AuditEvent, AuditPending
from audit.services import record
from core.access import system_principal

STORE = Target("store", "store", "the store")
HEADS_AN_ENTRY = 400  # of 80 bytes each: an entry may have 65,535
MOST_WAITING = 10_000  # events that were written at the backup and got their numbers after it

Head = tuple[int, str]
"""Size and root, in hex."""


@transaction.atomic
def record_backup(*, name: str, by: str, facts: Mapping[str, Any]) -> UUID:
    """Taking everything away is an act like an export."""
    return record(
        action=BACKUP.name,
        target=STORE,
        actor=system_principal("operator"),
        project=None,
        after={"backup": name, "by": by, **facts},
    )


@transaction.atomic
def record_restore(
    *, name: str, position: int, given_up: Sequence[Head], by: str, reason: str, facts: Mapping[str, Any]
) -> None:
    """The restore, as one entry, or several where it gave up hundreds of heads. Has to be the first that is written after it."""
    waiting = AuditPending.objects.count()
    parts = [given_up[at : at + HEADS_AN_ENTRY] for at in range(0, len(given_up), HEADS_AN_ENTRY)] or [[]]
    for part in parts:
        record(
            action=RESTORE.name,
            target=STORE,
            actor=system_principal("operator"),
            project=None,
            reason=reason,
            after={
                "backup": name,
                "by": by,
                "position": position,
                "waiting": waiting,
                "lost_up_to": max((size for size, _ in given_up), default=None),
                "given_up": [f"{size}:{root}" for size, root in part],
                **facts,
            },
        )


def is_recorded(name: str) -> bool:
    """Does the ledger know that this backup was restored?"""
    return any(_after(body).get("backup") == name for body, _ in _restores())


def given_up_heads() -> frozenset[Head]:
    """Heads that restores have named as lost. Few, and found by an index."""
    found: set[Head] = set()
    for body, seq in _restores():
        found |= set(_heads_of(_after(body), seq))
    return frozenset(found)


def _heads_of(after: Mapping[str, Any], seq: int | None) -> Iterable[Head]:
    """None from an entry that stands elsewhere than a restore would put it: it could give up what came long before."""
    position = after.get("position")
    if not isinstance(position, int) or (seq is not None and not 0 <= seq - position <= MOST_WAITING):
        return []
    pairs = [text.partition(":") for text in after.get("given_up") or []]
    return [(int(size), root) for size, _, root in pairs if size.isdecimal() and int(size) > position]


def _restores() -> Iterable[tuple[str, int | None]]:
    """Bodies with their numbers; events that are neither numbered nor waiting were slipped in."""
    known = Q(leaf__isnull=False) | Q(pending__isnull=False)
    return AuditEvent.objects.filter(known, action=RESTORE.name).values_list("body", "leaf__seq")


def _after(body: str) -> Mapping[str, Any]:
    after = orjson.loads(body)["after"]
    return after if isinstance(after, dict) else {}
