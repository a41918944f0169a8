"""Whether a thing is put away or held, what may be done about it, and the form that does it; for pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts import archives
from accounts.models import Project
from core.access import Principal
from core.errors import Conflict, Forbidden, Gone, Invalid
from retention import bin as the_bin
from retention import kinds, tombstones
from retention.holds import Holds
from retention.kinds import Act
from retention.models import Tombstone
from web.views.base import PageRequest

LONGEST_REASON = 500  # characters; the form says the same
REFUSALS = (Conflict, Forbidden, Gone, Invalid)
LABELS = {Act.ARCHIVE: "Archive", Act.DELETE: "Delete", Act.RESTORE: "Restore", Act.PURGE: "Purge for good"}


@dataclass(frozen=True, slots=True)
class Standing:
    """`state` is active, archived, deleted or purged; `acts` are those that the viewer may do, as (value, label)."""

    state: str
    deleted_at: datetime | None
    purge_at: datetime | None
    stone: Tombstone | None
    held_by: Sequence[str]
    acts: Sequence[tuple[str, str]]
    action: str
    error: str = ""


def standing_of(
    *,
    project: Project,
    viewer: Principal,
    kind: str,
    key: str,
    state: str,
    deleted_at: datetime | None,
    creator: UUID,
    action: str,
    error: str = "",
) -> Standing:
    """What is held is asked of the line, a walk up from everything that lives in the project. So it is asked where it decides
    what the page says: whether the viewer may delete it, or how long it stays in the bin.
    """
    free = [act for act in _acts(kind, state) if _may(viewer, kind, act, creator, project)]
    is_asked = state == "deleted" or not kinds.GUARDED.isdisjoint(free)
    held_by = Holds(project).on(kind, [key], Act.DELETE).get(key, []) if is_asked else []
    return Standing(
        state=state,
        deleted_at=deleted_at,
        purge_at=the_bin.purged_from(deleted_at) if state == "deleted" else None,
        stone=tombstones.find(project=project, kind=kind, key=key) if state == "purged" else None,
        held_by=held_by,
        acts=[(act.value, LABELS[act]) for act in free if not (held_by and act in kinds.GUARDED)],
        action=action,
        error=error,
    )


def _acts(kind: str, state: str) -> Sequence[Act]:
    known = kinds.get_kind(kind).perform
    wanted: Mapping[str, Sequence[Act]] = {
        "active": (Act.ARCHIVE, Act.DELETE),
        "archived": (Act.RESTORE, Act.DELETE),
        "deleted": (Act.RESTORE, Act.PURGE),
    }
    return [act for act in wanted.get(state, ()) if act in known]


def _may(viewer: Principal, kind: str, act: Act, creator: UUID, project: Project) -> bool:
    return archives.can(viewer, kinds.get_kind(kind).needed(act, creator=creator, by=viewer), project)


def asked(request: PageRequest, services: Mapping[str, Any]) -> tuple[Act, Any, str]:
    """The act of a form, its service, and the reason given. Raises Invalid."""
    act, reason = request.POST.get("act", ""), request.POST.get("reason", "").strip()
    if act not in services:
        raise Invalid(f"{act[:20]!r} is none of {', '.join(services)}.", field="act")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    return Act(act), services[act], reason
