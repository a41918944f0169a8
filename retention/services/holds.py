"""Holds put and lifted by people, on the record."""

from typing import Any

from django.db import transaction

from audit.events import Target
from audit.services import record
from core import clock
from core.access import Principal
from core.errors import Conflict
from retention import holds, kinds
from retention.models import Hold


@transaction.atomic
def add_hold(*, project: Any, kind: str, name: str, reason: str, actor: Principal) -> Hold:
    """Keep the thing that people call `name`, and all that it came from, from being deleted or purged. What lies in the
    bin is kept there. Each hold stands for itself: a second one on the same thing is another.

    Raises:
        UnknownKind, NotFound: there is no such thing.
        Conflict: it is purged already.
    """
    found = kinds.get_kind(kind)
    holds.enter(project)
    (key,) = found.resolve(project, [name])
    item = found.items(project, [key], False)[key]
    if item.state == "purged":
        raise Conflict(f"{item.label} was purged; there is nothing left to hold.")
    hold = Hold.objects.create(
        project=project, kind=kind, key=key, label=item.label[:600], reason=reason, placed_by=actor.name
    )
    record(
        action="hold.add",
        target=_target(hold),
        actor=actor,
        project=project,
        reason=reason,
        after={"hold": hold.uuid},
    )
    return hold


@transaction.atomic
def remove_hold(*, hold: Hold, reason: str, actor: Principal) -> Hold:
    """Lift it. Again changes nothing."""
    locked = Hold.objects.select_for_update(of=("self",)).select_related("project").get(pk=hold.pk)
    if locked.lifted_at is not None:
        return locked
    locked.lifted_at, locked.lifted_by, locked.lift_reason = clock.now(), actor.name, reason
    locked.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    record(
        action="hold.remove",
        target=_target(locked),
        actor=actor,
        project=locked.project,
        reason=reason,
        before={"hold": locked.uuid},
    )
    return locked


def _target(hold: Hold) -> Target:
    return Target(hold.kind, hold.key, hold.label)
