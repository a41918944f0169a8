"""What an act would do to a selection: the dry run, which the act itself is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.access import Principal, ProjectRef, require
from core.errors import Invalid
from retention import kinds
from retention.errors import SelectionTooLarge
from retention.holds import Holds
from retention.kinds import GUARDED, Act, Item, Kind

MOST_SELECTED = 100_000  # things in one deletion
STATE_AFTER = {Act.ARCHIVE: "archived", Act.DELETE: "deleted", Act.RESTORE: "active", Act.PURGE: "purged"}
SEARCHED = {Act.ARCHIVE: "active", Act.DELETE: "active", Act.RESTORE: "deleted", Act.PURGE: "deleted"}
"""Which runs a filter is about where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Planned:
    """`outcome` is what would come of it: done, unchanged, held (by `whys`) or failed (for want of being in the bin)."""

    item: Item
    outcome: str
    whys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    kind: Kind
    act: Act
    entries: Sequence[Planned]
    selection: Mapping[str, Any] = field(default_factory=dict)

    def count(self, outcome: str) -> int:
        return sum(entry.outcome == outcome for entry in self.entries)

    @property
    def going(self) -> list[Planned]:
        return [entry for entry in self.entries if entry.outcome == "done"]


def make_plan(
    *,
    project: ProjectRef,
    kind: str,
    act: str,
    principal: Principal,
    ids: Sequence[str] | None = None,
    query: Mapping[str, Any] | None = None,
    keys: Sequence[str] | None = None,
    measured: bool = True,
) -> Plan:
    """What `act` would do to the things called `ids`, or to those that `query` (filter, experiments, lifecycle) finds; or
    to `keys`, of a caller that has looked them up.

    Raises:
        Invalid: neither or both were given, or the kind knows no such act or filter.
        NotFound: one of `ids` names nothing.
        NotAllowed: the caller may not do this to all of them.
        SelectionTooLarge: more than MOST_SELECTED.
    """
    known = kinds.get_kind(kind)
    if act not in known.perform:
        raise Invalid(f"A {kind} has no act {act!r}; it has {', '.join(known.perform)}.", field="act")
    wanted = Act(act)
    keys = _selected(project, known, wanted, ids, query) if keys is None else keys
    items = known.items(project, keys, measured)
    _require(principal, known, wanted, items, project)
    holds = Holds(project).on(kind, keys, wanted) if wanted in GUARDED else {}
    entries = [_planned(items[key], wanted, holds.get(key, ())) for key in keys if key in items]
    return Plan(known, wanted, entries, selection=dict(query or {}))


def _selected(
    project: ProjectRef, kind: Kind, act: Act, ids: Sequence[str] | None, query: Mapping[str, Any] | None
) -> Sequence[str]:
    if (ids is None) == (query is None):
        raise Invalid("Name what it is about: either ids, or a filter.", field="ids")
    if ids is not None:
        keys = kind.resolve(project, ids)
    elif kind.search is None:
        raise Invalid(f"A {kind.name} is not found by a filter; name the ids.", field="filter")
    else:
        keys = kind.search(project, {"lifecycle": SEARCHED[act], **(query or {})}, MOST_SELECTED + 1)
    if len(keys) > MOST_SELECTED:
        raise SelectionTooLarge(f"More than {MOST_SELECTED} are selected; narrow the filter, and go on after that.")
    return keys


def _require(principal: Principal, kind: Kind, act: Act, items: Mapping[str, Item], project: ProjectRef) -> None:
    """What all of them need; where there are none, what one's own would."""
    creators = {item.creator for item in items.values()} or {principal.id}
    for permission in sorted({kind.needed(act, creator=creator, by=principal) for creator in creators}):
        require(principal, permission, project)


def _planned(item: Item, act: Act, whys: Sequence[str]) -> Planned:
    if item.state == STATE_AFTER[act]:
        return Planned(item, "unchanged")
    if item.state == "purged":
        return Planned(item, "failed", ["it was purged"])
    if act is Act.PURGE and item.state != "deleted":
        return Planned(item, "failed", ["it is not deleted yet"])
    if act is Act.ARCHIVE and item.state == "deleted":
        return Planned(item, "failed", ["it is deleted; restore it first"])
    return Planned(item, "held", whys) if whys else Planned(item, "done")
