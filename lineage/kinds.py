"""The vocabulary of the graph, and who speaks for each kind of node.

A room that owns a kind registers at app-ready how its nodes are shown (`register`) and which texts name them
(`register_resolver`), so that this room need not know what a dataset or a deployment is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.access import ProjectRef

NODE_CODES: Mapping[str, int] = {
    "dataset_version": 1,
    "run": 2,
    "model_version": 3,
    "deployment": 4,
    "code_commit": 5,
    "environment": 6,
    "evaluation": 7,
    "cause": 8,
}
EDGE_CODES: Mapping[str, int] = {
    "used": 1,
    "generated": 2,
    "derived": 3,
    "deployed": 4,
    "evaluated_by": 5,
    "parent_run": 6,
    "supersedes": 7,
    "caused_by": 8,
}
STRENGTHS = ("content", "snapshot", "declared", "path")  # strongest first: how far a node's identity can be trusted
MOST_KEYS = 10_000  # asked for at once: SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535

Description = Mapping[str, Any]
Describe = Callable[[Sequence[str], ProjectRef], Mapping[str, Description]]
Resolve = Callable[[ProjectRef, str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds the keys of nodes of `kind` that a text after its prefix names; none is an empty answer, not an error."""

    kind: str
    resolve: Resolve


_describers: dict[str, Describe] = {}
_resolvers: dict[str, list[Resolver]] = {}


def register(*, kind: str, describe: Describe) -> None:
    """Say how nodes of `kind` are shown: `describe(keys, project)` gives a mapping by key with `label`, and where known
    `url`, `digest`, `strength` (one of STRENGTHS) and whatever else a reader should see. Called with many keys at once.
    """
    _known(kind)
    _describers[kind] = describe


def register_resolver(*, prefix: str, kind: str, resolve: Resolve) -> None:
    """Let `prefix:rest` name nodes of `kind`: `resolve(project, rest)` gives their keys. Several kinds may share a
    prefix (`sha256:` names datasets and models); all of them are asked.
    """
    _known(kind)
    others = [resolver for resolver in _resolvers.get(prefix, []) if resolver.kind != kind]
    _resolvers[prefix] = [*others, Resolver(kind=kind, resolve=resolve)]


def describe(*, kind: str, keys: Sequence[str], project: ProjectRef) -> Mapping[str, Description]:
    """What the owner of `kind` says of `keys`; a key that the owner does not know is left out."""
    describer = _describers.get(kind)
    found: dict[str, Description] = {}
    if describer is not None:
        for start in range(0, len(keys), MOST_KEYS):
            found.update(describer(keys[start : start + MOST_KEYS], project))
    return found


def resolvers_of(prefix: str) -> Sequence[Resolver]:
    return _resolvers.get(prefix, ())


def prefixes() -> list[str]:
    return sorted(_resolvers)


def weakest(strengths: Iterable[str | None]) -> str | None:
    """The least trustworthy of `strengths`, ignoring None; None where nothing has one."""
    ranks = [STRENGTHS.index(strength) for strength in strengths if strength is not None]
    return STRENGTHS[max(ranks)] if ranks else None


def _known(kind: str) -> None:
    if kind not in NODE_CODES:
        raise ValueError(f"{kind!r} is not a kind of node; known are {', '.join(NODE_CODES)}.")
