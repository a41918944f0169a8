"""What keeps things from being deleted: living versions, whatever they came from, and people's word.

    roots    things that are alive or held by hand, each with the reason; they keep all that they came from
    direct   things that another one needs itself, without regard to what lies above

Rooms register both at app-ready, so that a run need not know that models exist.

A hold that comes to be while something is purged must not come too late. So whoever makes one (`enter`) and whoever
deletes (`guard`) meet at one lock per project, which the makers share and the deleters do not. It is taken before any
row is locked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.access import ProjectRef
from core.locks import lock_in_transaction
from lineage.selectors import ancestry
from retention import kinds
from retention.errors import Held
from retention.kinds import Act
from retention.models import Hold

MOST_WHYS = 20  # reasons given for one thing
BATCH = 500  # keys in one query
CONTENT_EDGES = ("used", "generated", "derived", "parent_run")
"""Edges along which content flows. A cause is no content: what set a retraining off need not outlive it."""


@dataclass(frozen=True, slots=True)
class Root:
    """A node of the line that stays, and why, as `churn v3 holds production`."""

    kind: str
    key: str
    why: str


Roots = Callable[[ProjectRef], Iterable[Root]]
Direct = Callable[[ProjectRef, Sequence[str], Act], Mapping[str, Sequence[str]]]
_roots: list[Roots] = []
_direct: dict[str, list[Direct]] = defaultdict(list)


def register_roots(roots: Roots) -> None:
    if roots not in _roots:
        _roots.append(roots)


def register_direct(kind: str, direct: Direct) -> None:
    """`direct(project, keys, act)` gives the reasons for which each key must not be deleted or purged."""
    if direct not in _direct[kind]:
        _direct[kind].append(direct)


def enter(project: ProjectRef) -> None:
    """Before making a hold (a promotion, an alias, a deployment, a legal hold): wait for a deletion that has begun."""
    lock_in_transaction(_lock_of(project), shared=True)


def guard(project: ProjectRef) -> None:
    """Before deleting or purging: nothing new is held in this project until this transaction ends."""
    lock_in_transaction(_lock_of(project))


def _lock_of(project: ProjectRef) -> str:
    return f"retention of project {project.id}"


def guarded(project: ProjectRef) -> "Holds":
    """The holds of `project`, under `guard`."""
    guard(project)
    return Holds(project)


class Holds:
    """All that is held in `project` now. The walk up the line is made once, at the first question.

    Under `guard` the answers stay true until the transaction ends.
    """

    def __init__(self, project: ProjectRef) -> None:
        self.project = project

    def on(self, kind: str, keys: Sequence[str], act: Act) -> Mapping[str, Sequence[str]]:
        """Why each of `keys` that is held must not be put to `act`. Keys that nothing holds are left out."""
        found: dict[str, list[str]] = defaultdict(list)
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            self._add_words(found, kind, some)
            for direct in _direct[kind]:
                for key, whys in direct(self.project, some, act).items():
                    found[key] += whys
            for key, nodes in kinds.get_kind(kind).line(self.project, some).items() if self._held_nodes else ():
                for node in nodes:
                    found[key] += self._held_nodes.get(node, ())
        return {key: list(dict.fromkeys(whys))[:MOST_WHYS] for key, whys in found.items() if whys}

    def refuse(self, kind: str, key: str, act: Act, *, label: str) -> None:
        """Raises Held where something keeps it."""
        whys = self.on(kind, [key], act).get(key)
        if whys:
            raise Held(label, whys)

    def _add_words(self, found: dict[str, list[str]], kind: str, keys: Sequence[str]) -> None:
        """Holds put on the things themselves, be they nodes of the line or not."""
        for hold in self._words:
            if hold.kind == kind and hold.key in keys:
                found[hold.key].append(_word(hold))

    @cached_property
    def _words(self) -> list[Hold]:
        return list(Hold.objects.filter(project_id=self.project.id, lifted_at=None).order_by("id"))

    @cached_property
    def _held_nodes(self) -> Mapping[tuple[str, str], Sequence[str]]:
        """(kind, key) of every node that stays, with the roots that keep it."""
        reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
        for roots in _roots:
            for root in roots(self.project):
                reasons[root.kind, root.key].append(root.why)
        for hold in self._words:
            for nodes in kinds.get_kind(hold.kind).line(self.project, [hold.key]).values():
                for node in nodes:
                    reasons[node].append(_word(hold))
        return ancestry(project=self.project, starts=reasons, edges=CONTENT_EDGES, most=MOST_WHYS)


def _word(hold: Hold) -> str:
    return f"hold on {hold.label} by {hold.placed_by}: {hold.reason}"
