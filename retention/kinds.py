"""What can be put away, and who carries it out: each room registers its kinds of things at app-ready."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from uuid import UUID

from core.access import Permission, Principal, ProjectRef
from retention.errors import UnknownKind

if TYPE_CHECKING:
    from retention.holds import Holds


class Act(StrEnum):
    ARCHIVE = "archive"
    DELETE = "delete"
    RESTORE = "restore"
    PURGE = "purge"


GUARDED = frozenset({Act.DELETE, Act.PURGE})
"""Acts that a hold forbids."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing as a plan shows it. `name` is how people name it, `key` its lasting id; `points` and `bytes` are what it
    holds: points of metrics, and bytes of metrics and files, counted for it alone even where files are shared.
    """

    key: str
    name: str
    label: str
    state: str  # active, archived or deleted
    creator: UUID
    points: int = 0
    bytes: int = 0


class Expired(NamedTuple):
    """A thing that the bin may let go; `pk` orders the things of its kind, whatever their project."""

    pk: int
    project_id: int
    key: str


class Perform(Protocol):
    def __call__(self, *, project: Any, key: str, actor: Principal, reason: str, holds: "Holds | None") -> bool:
        """Do it to one thing, with its event, in the caller's transaction; whether anything changed.

        Raises Held, NotInBin, or another of the room's errors, having changed nothing.
        """


@dataclass(frozen=True, slots=True)
class Kind:
    """`resolve` finds keys by what people call things, or raises NotFound; `search` by a filter, where there is one.

    `line` gives the lineage nodes (kind, key) that stand for each key, for holds that come up the line. `expired` are
    things that lie in the bin since before a moment, after a `pk`, in that order, at most so many.
    """

    name: str
    resolve: Callable[[ProjectRef, Sequence[str]], Sequence[str]]
    items: Callable[[ProjectRef, Sequence[str], bool], Mapping[str, Item]]
    line: Callable[[ProjectRef, Sequence[str]], Mapping[str, Sequence[tuple[str, str]]]]
    perform: Mapping[Act, Perform]
    own: Permission
    others: Permission
    expired: Callable[[datetime, int, int], Sequence[Expired]]
    search: Callable[[ProjectRef, Mapping[str, Any], int], Sequence[str]] | None = None

    def needed(self, act: Act, *, creator: UUID, by: Principal) -> Permission:
        """What it takes to put a thing that `creator` made to `act`: a purge is an administrator's."""
        return Permission.PURGE if act is Act.PURGE else self.to_change(creator=creator, by=by)

    def to_change(self, *, creator: UUID, by: Principal) -> Permission:
        """One's own may be changed by those who may make such things, others' by those who may delete them."""
        return self.own if creator == by.id else self.others


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    _kinds[kind.name] = kind


def get_kind(name: str) -> Kind:
    """Raises UnknownKind."""
    if name not in _kinds:
        raise UnknownKind(f"{name[:80]!r} is none of {', '.join(sorted(_kinds))}.", field="kind")
    return _kinds[name]


def all_kinds() -> list[Kind]:
    """In the order in which they registered: what stands on other things comes after them."""
    return list(_kinds.values())
