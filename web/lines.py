"""A lineage graph made ready for a page: as steps to read downwards, and as a drawing where it is small enough."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from core.access import Principal, ProjectRef
from lineage import selectors
from lineage.kinds import STRENGTHS
from lineage.models import Node
from lineage.selectors import Graph, GraphNode

MAX_DRAWN = 40  # nodes; above it a drawing is a tangle and the list reads better
MAX_TALL = 12  # nodes in one column, likewise
MAX_WALKED = 2_000  # nodes; a page is read by people
MAX_LISTED = 200  # nodes of one step; the page says how many more there are

KIND_WORDS = {
    "dataset_version": "data",
    "run": "run",
    "model_version": "model version",
    "deployment": "deployment",
    "code_commit": "code",
    "environment": "environment",
    "evaluation": "evaluation",
    "cause": "cause",
}

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 178, 38, 54, 12, 4  # px of the drawing
LABEL_CHARS = 26  # of 11 px text in a box


@dataclass(frozen=True, slots=True)
class LineNode:
    """One node as a page shows it. `strength` is how far its identity can be trusted, "" where that means nothing."""

    kind: str
    label: str
    url: str
    digest: str
    strength: str
    live: bool
    is_start: bool
    purged: str = ""  # when, by whom and why it was, where it was


@dataclass(frozen=True, slots=True)
class Step:
    """The nodes at one distance from the start. `more` counts those that are not listed."""

    nodes: Sequence[LineNode]
    more: int

    @property
    def is_start(self) -> bool:
        return any(node.is_start for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Box:
    node: LineNode
    x: float
    y: float
    label: str

    @property
    def kind_y(self) -> float:
        return self.y + 14

    @property
    def label_y(self) -> float:
        return self.y + 28

    @property
    def text_x(self) -> float:
        return self.x + 9


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and the paths between them, in px. Causes stand left, results right."""

    width: float
    height: float
    box_width: float
    box_height: float
    boxes: Sequence[Box]
    paths: Sequence[str]


@dataclass(frozen=True, slots=True)
class Line:
    """What a page shows of a walk. `weakest` is None where the whole is not known or nothing has a strength."""

    steps: Sequence[Step]
    drawing: Drawing | None
    weakest: str | None
    truncated: bool
    hidden: int
    count: int

    @property
    def is_alone(self) -> bool:
        return self.count <= 1


def line_of(graph: Graph) -> Line:
    shown = {node.id: _line_node(node, is_start=node.id in graph.starts) for node in graph.nodes}
    return Line(
        steps=_steps(graph, shown),
        drawing=_drawing(graph, shown),
        weakest=graph.weakest_strength,
        truncated=graph.truncated,
        hidden=graph.hidden,
        count=len(shown),
    )


def _line_node(node: GraphNode, *, is_start: bool) -> LineNode:
    strength = node.strength or ""
    return LineNode(
        kind=KIND_WORDS.get(node.kind, node.kind),
        label=node.label,
        url=_url(node),
        digest=str(node.about.get("digest") or ""),
        strength=strength if strength in STRENGTHS else "",
        live=node.live,
        is_start=is_start,
        purged=_purged(node),
    )


def _purged(node: GraphNode) -> str:
    facts = node.about.get("purged")
    if not facts:
        return ""
    reason = f": {facts['reason']}" if facts["reason"] else ""
    return f"purged on {facts['at'][:10]} by {facts['by']}{reason}"


def _url(node: GraphNode) -> str:
    """Its page. A dataset's address is made here, since it names the version too."""
    if node.kind == "dataset_version":
        return f"{reverse('web:dataset_detail', args=[node.project, node.label])}?version={node.key}"
    return str(node.about.get("url") or "")


def _steps(graph: Graph, shown: Mapping[int, LineNode]) -> list[Step]:
    """Nodes by their columns' distance from the start, so that no cause stands above its results."""
    levels = _levels(graph)
    origin = [levels[start] for start in graph.starts if start in levels]
    center = origin[0] if origin else 0
    by_distance: dict[int, list[LineNode]] = defaultdict(list)
    for node_id, node in shown.items():
        by_distance[abs(levels[node_id] - center)].append(node)
    return [_step(by_distance[distance]) for distance in sorted(by_distance)]


def _step(nodes: Sequence[LineNode]) -> Step:
    ordered = sorted(nodes, key=lambda node: (not node.is_start, node.kind, node.label))
    return Step(nodes=ordered[:MAX_LISTED], more=max(0, len(ordered) - MAX_LISTED))


def _levels(graph: Graph) -> dict[int, int]:
    """The column of each node: one right of the rightmost of its causes, then pulled right towards its first result.

    Kahn's algorithm; the graph has no cycle, and nodes of a stray one would stay in column 0.
    """
    results: dict[int, list[int]] = defaultdict(list)
    causes_left = {node.id: 0 for node in graph.nodes}
    for edge in graph.edges:
        results[edge.src].append(edge.dst)
        causes_left[edge.dst] += 1
    levels = dict.fromkeys(causes_left, 0)
    ready = [node_id for node_id, count in causes_left.items() if count == 0]
    order: list[int] = []
    while ready:
        node_id = ready.pop()
        order.append(node_id)
        for result in results[node_id]:
            levels[result] = max(levels[result], levels[node_id] + 1)
            causes_left[result] -= 1
            if causes_left[result] == 0:
                ready.append(result)
    for node_id in reversed(order):
        if results[node_id]:
            levels[node_id] = min(levels[result] for result in results[node_id]) - 1
    return levels


def _drawing(graph: Graph, shown: Mapping[int, LineNode]) -> Drawing | None:
    """None where it would be too large to be read."""
    if not 1 < len(shown) <= MAX_DRAWN:
        return None
    columns = _columns(graph)
    tallest = max(len(column) for column in columns)
    if tallest > MAX_TALL:
        return None
    height = tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    places: dict[int, tuple[float, float]] = {}
    for index, column in enumerate(columns):
        taken = len(column) * (BOX_HEIGHT + GAP_Y) - GAP_Y
        for row, node_id in enumerate(column):
            places[node_id] = (
                MARGIN + index * (BOX_WIDTH + GAP_X),
                (height - taken) / 2 + row * (BOX_HEIGHT + GAP_Y),
            )
    return Drawing(
        width=len(columns) * (BOX_WIDTH + GAP_X) - GAP_X + 2 * MARGIN,
        height=height,
        box_width=BOX_WIDTH,
        box_height=BOX_HEIGHT,
        boxes=[Box(shown[node_id], x, y, _short(shown[node_id].label)) for node_id, (x, y) in places.items()],
        paths=[_path(places[edge.src], places[edge.dst]) for edge in graph.edges],
    )


def _columns(graph: Graph) -> list[list[int]]:
    """Node ids by column, each column ordered by where its causes stand, so that few paths cross."""
    levels = _levels(graph)
    least = min(levels.values())
    columns: list[list[int]] = [[] for _ in range(max(levels.values()) - least + 1)]
    for node in sorted(graph.nodes, key=lambda node: (node.kind, node.label)):
        columns[levels[node.id] - least].append(node.id)
    causes: dict[int, list[int]] = defaultdict(list)
    for edge in graph.edges:
        causes[edge.dst].append(edge.src)
    rows = {node_id: float(row) for row, node_id in enumerate(columns[0])}
    for column in columns[1:]:
        column.sort(key=lambda node_id: _mean([rows.get(cause, 0.0) for cause in causes[node_id]]))
        rows |= {node_id: float(row) for row, node_id in enumerate(column)}
    return columns


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _path(source: tuple[float, float], target: tuple[float, float]) -> str:
    x1, y1 = source[0] + BOX_WIDTH, source[1] + BOX_HEIGHT / 2
    x2, y2 = target[0], target[1] + BOX_HEIGHT / 2
    bend = max(GAP_X / 2, (x2 - x1) / 2)
    return f"M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {x2:.0f} {y2:.1f}"


def _short(label: str) -> str:
    return label if len(label) <= LABEL_CHARS else label[: LABEL_CHARS - 1] + "…"


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
    return line_of(selectors.impact(starts=start.nodes(), max_nodes=MAX_WALKED, visible_to=start.viewer))
