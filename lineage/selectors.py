"""Questions to the graph: what a thing came from (`trace`), what came of it (`impact`), what a text names."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from accounts.models import Project
from core.access import Principal, ProjectRef, visible_project_ids
from lineage import kinds as vocabulary
from lineage import walk
from lineage.errors import UnknownReference
from lineage.fields import EDGE_WORDS, NODE_WORDS
from lineage.models import Edge, Node
from lineage.walk import Direction

MAX_NODES = 50_000
SOME = 500  # nodes in one query: SQLite takes some thousand parameters


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node with what its owner says of it: `label`, and where known `url`, `digest`, `strength` and more."""

    id: int
    project: str
    kind: str
    key: str
    live: bool
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return str(self.about.get("label", self.key))

    @property
    def strength(self) -> str | None:
        return self.about.get("strength")


@dataclass(frozen=True, slots=True)
class GraphEdge:
    src: int
    dst: int
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The answer to a walk.

    `truncated` says that the node cap was met and more exists. `hidden` counts nodes of projects that the viewer may
    not read. `weakest_strength` is taken over every node walked, filtered or not, and is None where the whole is not
    known: truncated, or in part hidden.
    """

    starts: Sequence[int]
    nodes: Sequence[GraphNode]
    edges: Sequence[GraphEdge]
    truncated: bool
    hidden: int
    weakest_strength: str | None

    def of_kind(self, kind: str) -> list[GraphNode]:
        return [node for node in self.nodes if node.kind == kind]


def trace(
    *,
    starts: Sequence[Node],
    kinds: Collection[str] | None = None,
    live: bool | None = None,
    max_nodes: int = MAX_NODES,
    visible_to: Principal | None = None,
) -> Graph:
    """All that `starts` came from, themselves included.

    `kinds` and `live` choose which of the nodes walked are given back; the walk itself passes through all.
    `visible_to` hides projects that the principal may not read; None sees everything and is for judgements of ours.

    Raises:
        WalkTooSlow: the database stopped the walk.
    """
    return _walk(Direction.UPSTREAM, starts, _Wanted(kinds, live), max_nodes, visible_to)


def impact(
    *,
    starts: Sequence[Node],
    kinds: Collection[str] | None = None,
    live: bool | None = None,
    max_nodes: int = MAX_NODES,
    visible_to: Principal | None = None,
) -> Graph:
    """All that came of `starts`, themselves included. Arguments and errors as for `trace`."""
    return _walk(Direction.DOWNSTREAM, starts, _Wanted(kinds, live), max_nodes, visible_to)


def reaches(*, start: Node, goal: Node) -> bool:
    """Whether `goal` is downstream of `start`, or is it."""
    with walk.time_limit():
        return walk.is_reachable(start=start.pk, goal=goal.pk)


def resolve(project: ProjectRef, text: str) -> list[Node]:
    """The nodes of `project` that `text` names, as in `model:churn@production` or `sha256:9f2c…`; empty where none.

    Raises:
        UnknownReference: no kind of node is named by such a text.
    """
    prefix, colon, rest = text.partition(":")
    resolvers = vocabulary.resolvers_of(prefix)
    if not colon or not rest or not resolvers:
        known = ", ".join(f"{name}:…" for name in vocabulary.prefixes())
        raise UnknownReference(f"{text[:200]!r} names no node. Expected one of {known}.", field="of")
    wanted = Q()
    for resolver in resolvers:
        wanted |= Q(kind=resolver.kind, key__in=list(resolver.resolve(project, rest)))
    return list(Node.objects.filter(wanted, project_id=project.id).order_by("id"))


def find_node(*, project: ProjectRef, kind: str, key: str) -> Node | None:
    return Node.objects.filter(project_id=project.id, kind=kind, key=key).first()


def ancestry(
    *,
    project: ProjectRef,
    starts: Mapping[tuple[str, str], Sequence[str]],
    edges: Collection[str],
    most: int,
) -> dict[tuple[str, str], list[str]]:
    """What each start says, passed up the line along `edges` (kinds): by (kind, key), starts included, at most `most`
    sayings for one node. Every node is reached, whatever the size of the graph. A start that is no node stands alone.

    One query for each level of the line and 500 nodes; what is known of a node is passed on once for each change.
    """
    said: dict[int, dict[str, None]] = {}
    names: dict[int, tuple[str, str]] = {}
    for node in _nodes_named(project, list(starts)):
        names[node.pk] = (node.kind, node.key)
        said[node.pk] = dict.fromkeys(starts[node.kind, node.key][:most])
    frontier = set(said)
    while frontier:
        changed: set[int] = set()
        for src, dst in _edges_into(sorted(frontier), edges):
            known = said.setdefault(src, {})
            before = len(known)
            for word in said[dst]:
                if len(known) < most:
                    known.setdefault(word)
            if len(known) > before:
                changed.add(src)
        frontier = changed
    for start in range(0, len(unnamed := [pk for pk in said if pk not in names]), SOME):
        rows = Node.objects.filter(pk__in=unnamed[start : start + SOME]).only("kind", "key")
        names.update({node.pk: (node.kind, node.key) for node in rows})
    found = {names[pk]: list(words) for pk, words in said.items() if pk in names}
    return {**{start: list(words)[:most] for start, words in starts.items()}, **found}


def _nodes_named(project: ProjectRef, names: Sequence[tuple[str, str]]) -> list[Node]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, key in names:
        by_kind[kind].append(key)
    return [
        node
        for kind, keys in by_kind.items()
        for start in range(0, len(keys), SOME)
        for node in Node.objects.filter(project_id=project.id, kind=kind, key__in=keys[start : start + SOME])
    ]


def _edges_into(nodes: Sequence[int], kinds: Collection[str]) -> list[tuple[int, int]]:
    """(source, end) of all edges of these kinds that end at `nodes`."""
    return [
        pair
        for start in range(0, len(nodes), SOME)
        for pair in Edge.objects.filter(dst__in=nodes[start : start + SOME], kind__in=list(kinds)).values_list(
            "src", "dst"
        )
    ]


@dataclass(frozen=True, slots=True)
class _Wanted:
    kinds: Collection[str] | None
    live: bool | None

    def __contains__(self, node: GraphNode) -> bool:
        return (self.kinds is None or node.kind in self.kinds) and (self.live is None or node.live == self.live)


def _walk(
    direction: Direction, starts: Sequence[Node], wanted: _Wanted, max_nodes: int, visible_to: Principal | None
) -> Graph:
    """Two statements for the walk, one for the projects, and one description per kind and project."""
    ids = [node.pk for node in starts]
    with walk.time_limit():
        rows = walk.walk_nodes(starts=ids, direction=direction, limit=max_nodes + 1)
        edges = walk.walk_edges(starts=ids, direction=direction, limit=max_nodes + 1)
    truncated = len(rows) > max_nodes
    rows = rows[:max_nodes]
    readable = _readable(rows, visible_to)
    hidden = len(rows) - len(readable)
    nodes = _described(readable)
    chosen = [node for node in nodes if node in wanted]
    whole = not truncated and not hidden
    return Graph(
        starts=ids,
        nodes=chosen,
        edges=_edges_among(edges, {node.id for node in chosen}),
        truncated=truncated,
        hidden=hidden,
        weakest_strength=vocabulary.weakest(node.strength for node in nodes) if whole else None,
    )


def _readable(rows: Sequence[walk.NodeRow], visible_to: Principal | None) -> list[walk.NodeRow]:
    allowed = None if visible_to is None else visible_project_ids(visible_to)
    return [row for row in rows if allowed is None or row[1] in allowed]


def _edges_among(rows: Sequence[walk.EdgeRow], ids: set[int]) -> list[GraphEdge]:
    return [GraphEdge(src=src, dst=dst, kind=EDGE_WORDS[kind]) for src, dst, kind in rows if src in ids and dst in ids]


def _described(rows: Sequence[walk.NodeRow]) -> list[GraphNode]:
    projects = Project.objects.in_bulk({project_id for _, project_id, *_ in rows})
    keys: dict[tuple[int, int], list[str]] = defaultdict(list)
    for _, project_id, kind, key, _ in rows:
        keys[project_id, kind].append(key)
    about = {
        group: vocabulary.describe(kind=NODE_WORDS[group[1]], keys=group_keys, project=projects[group[0]])
        for group, group_keys in keys.items()
    }
    return [
        GraphNode(
            id=node_id,
            project=projects[project_id].name,
            kind=NODE_WORDS[kind],
            key=key,
            live=bool(live),
            about=about[project_id, kind].get(key, {}),
        )
        for node_id, project_id, kind, key, live in rows
    ]
