"""A lineage graph made ready for a page: as steps to read downwards, and as a drawing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.access import Principal, ProjectRef
from lineage import selectors
from lineage.models import Node
from lineage.selectors import Graph
from web.graphs import CAUSES, RESULTS, Drawing, draw, levels_of
from web.nodes import LineNode, line_node

MAX_WALKED = 2_000  # nodes; a page is read by people
MAX_LISTED = 200  # nodes of one step; the page says how many more there are
MAX_OPEN = 8  # of those, what stands there before somebody asks for the rest


@dataclass(frozen=True, slots=True)
class Step:
    """The nodes at one distance from the start. `more` counts those that are not listed."""

    nodes: Sequence[LineNode]
    more: int

    @property
    def is_start(self) -> bool:
        return any(node.is_start for node in self.nodes)

    @property
    def open(self) -> Sequence[LineNode]:
        """What stands there at once: all of a short list, the beginning of a long one."""
        return self.nodes if len(self.nodes) <= MAX_OPEN + 2 else self.nodes[:MAX_OPEN]

    @property
    def folded(self) -> Sequence[LineNode]:
        return self.nodes[len(self.open) :]


@dataclass(frozen=True, slots=True)
class Line:
    """What a page shows of a walk. `weakest` is None where the whole is not known or nothing has a strength.

    `drawing` is None where there is nothing to draw, and for a part of a whole line, which is drawn as one.
    """

    steps: Sequence[Step]
    drawing: Drawing | None
    weakest: str | None
    truncated: bool
    hidden: int
    count: int
    list_id: str

    @property
    def is_alone(self) -> bool:
        return self.count <= 1


def line_of(graph: Graph, *, list_id: str = CAUSES, is_drawn: bool = True) -> Line:
    shown = {node.id: line_node(node, is_start=node.id in graph.starts) for node in graph.nodes}
    return Line(
        steps=_steps(graph, shown),
        drawing=draw(graph, shown, weakest=graph.weakest_strength) if is_drawn else None,
        weakest=graph.weakest_strength,
        truncated=graph.truncated,
        hidden=graph.hidden,
        count=len(shown),
        list_id=list_id,
    )


def _steps(graph: Graph, shown: Mapping[int, LineNode]) -> list[Step]:
    """Nodes by their columns' distance from the start, so that no cause stands above its results."""
    levels = levels_of(graph)
    origin = [levels[start] for start in graph.starts if start in levels]
    center = origin[0] if origin else 0
    by_distance: dict[int, list[LineNode]] = defaultdict(list)
    for node_id, node in shown.items():
        by_distance[abs(levels[node_id] - center)].append(node)
    return [_step(by_distance[distance]) for distance in sorted(by_distance)]


def _step(nodes: Sequence[LineNode]) -> Step:
    ordered = sorted(nodes, key=lambda node: (not node.is_start, not node.live, node.kind, node.label))
    return Step(nodes=ordered[:MAX_LISTED], more=max(0, len(ordered) - MAX_LISTED))


@dataclass(frozen=True, slots=True)
class Start:
    """Where a walk starts, and for whose eyes it is."""

    project: ProjectRef
    kind: str
    key: str
    viewer: Principal

    def nodes(self) -> list[Node]:
        return list(Node.objects.filter(project_id=self.project.id, kind=self.kind, key=self.key))


def trace_of(start: Start) -> Line:
    """All that a thing came from, as far as the viewer may see it."""
    return line_of(selectors.trace(starts=start.nodes(), max_nodes=MAX_WALKED, visible_to=start.viewer))


def impact_of(start: Start) -> Line:
    """All that came of a thing, as far as the viewer may see it."""
    graph = selectors.impact(starts=start.nodes(), max_nodes=MAX_WALKED, visible_to=start.viewer)
    return line_of(graph, list_id=RESULTS)


@dataclass(frozen=True, slots=True)
class WholeLine:
    """A thing in the middle: what it came from and what came of it as lists, and both in one drawing.

    `origin.weakest` is what the thing itself stands on; what others made of it does not weaken it.
    """

    origin: Line
    results: Line
    drawing: Drawing | None

    @property
    def is_alone(self) -> bool:
        return self.origin.is_alone and self.results.is_alone

    @property
    def weakest(self) -> str | None:
        return self.origin.weakest

    @property
    def hidden(self) -> int:
        return self.origin.hidden + self.results.hidden

    @property
    def truncated(self) -> bool:
        return self.origin.truncated or self.results.truncated


def whole_line_of(start: Start) -> WholeLine:
    nodes = start.nodes()
    origin = selectors.trace(starts=nodes, max_nodes=MAX_WALKED, visible_to=start.viewer)
    results = selectors.impact(starts=nodes, max_nodes=MAX_WALKED, visible_to=start.viewer)
    return WholeLine(
        origin=line_of(origin, is_drawn=False),
        results=line_of(results, list_id=RESULTS, is_drawn=False),
        drawing=_drawn_together(origin, results),
    )


def _drawn_together(origin: Graph, results: Graph) -> Drawing | None:
    nodes = {node.id: node for node in (*origin.nodes, *results.nodes)}
    both = Graph(
        starts=origin.starts,
        nodes=list(nodes.values()),
        edges=list(dict.fromkeys((*origin.edges, *results.edges))),
        truncated=False,
        hidden=0,
        weakest_strength=origin.weakest_strength,
    )
    shown = {node.id: line_node(node, is_start=node.id in both.starts) for node in both.nodes}
    return draw(both, shown, weakest=both.weakest_strength)
