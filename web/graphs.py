"""The drawing of a line: boxes by column, causes left and results right, and the paths between them. Numbers in, coordinates out.

However large the walk, the drawing stays small enough to be read: a column that is too tall folds what is alike into one box that
says how many it stands for, and what lies very far from the start is folded likewise. The list below the drawing has everything.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from lineage.selectors import Graph, GraphNode
from web.nodes import LineNode, plural

MAX_TALL = 10  # boxes in one column; above it the nodes of a kind are folded
MAX_FAR = 6  # columns to either side of the start
BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 194, 38, 54, 12, 8  # px of the drawing
LABEL_CHARS = 26  # of 11 px text in a box
FARTHER = "farther"  # what a column too far away is folded into
CAUSES, RESULTS = "causes", "results"  # ids of the lists on the page, which have what the drawing folds


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or with `folds` that many nodes in one. `number` is what the edges call it."""

    number: int
    x: float
    y: float
    kind: str
    label: str
    title: str
    url: str
    strength: str = ""
    live: bool = False
    is_start: bool = False
    is_weakest: bool = False
    folds: int = 0

    @property
    def kind_y(self) -> float:
        return self.y + 14

    @property
    def label_y(self) -> float:
        return self.y + 28

    @property
    def text_x(self) -> float:
        return self.x + 9

    @property
    def mark_x(self) -> float:
        """Where the sign stands that says live or weakest."""
        return self.x + BOX_WIDTH - 9

    @property
    def under_x(self) -> float:
        return self.x + 3

    @property
    def under_y(self) -> float:
        return self.y + 3


@dataclass(frozen=True, slots=True)
class Path:
    """A curve from the right of box `src` to the left of box `dst`."""

    src: int
    dst: int
    d: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and paths in px. `folded` counts the nodes that have no box of their own."""

    width: float
    height: float
    box_width: float
    box_height: float
    boxes: Sequence[Box]
    paths: Sequence[Path]
    folded: int


@dataclass
class _Cell:
    """What will be one box: nodes of one kind in one column, most often one."""

    column: int
    kind: str
    nodes: list[int] = field(default_factory=list)


def draw(graph: Graph, shown: Mapping[int, LineNode], *, weakest: str | None) -> Drawing | None:
    """The whole walk in a few dozen boxes; None where there is nothing but the start."""
    if len(shown) < 2:
        return None
    levels = levels_of(graph)
    columns = _columns(graph, shown, levels)
    cells = _ordered(graph, columns)
    places = _places(cells)
    boxes = [
        _box(number, cell, places[number], shown, weakest)
        for number, cell in enumerate(cell for column in cells for cell in column)
    ]
    tallest = max(len(column) for column in cells)
    return Drawing(
        width=len(cells) * (BOX_WIDTH + GAP_X) - GAP_X + 2 * MARGIN,
        height=tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN,
        box_width=BOX_WIDTH,
        box_height=BOX_HEIGHT,
        boxes=boxes,
        paths=_paths(graph, cells, places),
        folded=sum(box.folds for box in boxes),
    )


def levels_of(graph: Graph) -> dict[int, int]:
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


def _columns(graph: Graph, shown: Mapping[int, LineNode], levels: Mapping[int, int]) -> list[list[_Cell]]:
    """Cells by column, left to right, none empty."""
    center = next((levels[start] for start in graph.starts if start in levels), 0)
    by_column: dict[int, list[GraphNode]] = defaultdict(list)
    for node in graph.nodes:
        by_column[max(-MAX_FAR - 1, min(MAX_FAR + 1, levels[node.id] - center))].append(node)
    return [
        _far_cells(column, nodes) if abs(column) > MAX_FAR else _cells(column, nodes, shown)
        for column, nodes in sorted(by_column.items())
    ]


def _far_cells(column: int, nodes: Sequence[GraphNode]) -> list[_Cell]:
    return [_Cell(column, FARTHER, [node.id for node in nodes])]


def _cells(column: int, nodes: Sequence[GraphNode], shown: Mapping[int, LineNode]) -> list[_Cell]:
    """One for each node where they have room, else those that matter most and one for what is left of each kind."""
    ordered = sorted(nodes, key=lambda node: _weight(shown[node.id]))
    kinds = list(dict.fromkeys(node.kind for node in nodes))
    room = len(nodes) if len(nodes) <= MAX_TALL else max(1, (MAX_TALL - len(kinds)) // len(kinds))
    cells, rest = [], defaultdict(list)
    taken: dict[str, int] = defaultdict(int)
    for node in ordered:
        if taken[node.kind] < room:
            taken[node.kind] += 1
            cells.append(_Cell(column, node.kind, [node.id]))
        else:
            rest[node.kind].append(node.id)
    return cells + [_Cell(column, kind, ids) for kind, ids in rest.items()]


def _weight(node: LineNode) -> tuple[bool, bool, str, str]:
    """What comes first where not everything has room: the start, what serves now, then by name."""
    return (not node.is_start, not node.live, node.kind, node.label)


def _ordered(graph: Graph, columns: list[list[_Cell]]) -> list[list[_Cell]]:
    """Each column ordered by where its neighbours on the left stand, so that few paths cross."""
    causes: dict[int, list[int]] = defaultdict(list)
    for edge in graph.edges:
        causes[edge.dst].append(edge.src)
    rows: dict[int, float] = {}
    for column in columns:
        column.sort(key=lambda cell: _mean([rows[c] for node in cell.nodes for c in causes[node] if c in rows]))
        rows |= {node: row / len(column) for row, cell in enumerate(column) for node in cell.nodes}
    return columns


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _places(columns: Sequence[Sequence[_Cell]]) -> list[tuple[float, float]]:
    """Top left corners, in the order of the cells; every column is centred."""
    tallest = max(len(column) for column in columns)
    height = tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    places: list[tuple[float, float]] = []
    for at, column in enumerate(columns):
        taken = len(column) * (BOX_HEIGHT + GAP_Y) - GAP_Y
        left, top = MARGIN + at * (BOX_WIDTH + GAP_X), (height - taken) / 2
        places += [(left, top + row * (BOX_HEIGHT + GAP_Y)) for row in range(len(column))]
    return places


def _box(
    number: int,
    cell: _Cell,
    place: tuple[float, float],
    shown: Mapping[int, LineNode],
    weakest: str | None,
) -> Box:
    x, y = place
    if len(cell.nodes) > 1 or cell.kind == FARTHER:
        return _folded(number, cell, place, shown, weakest)
    node = shown[cell.nodes[0]]
    return Box(
        number=number, x=x, y=y, kind=node.kind, label=short_label(node.label), title=f"{node.kind}: {node.label}",
        url=node.url, strength=node.strength, live=node.live, is_start=node.is_start,
        is_weakest=_is_weakest(node, weakest),
    )  # fmt: skip


def _folded(
    number: int,
    cell: _Cell,
    place: tuple[float, float],
    shown: Mapping[int, LineNode],
    weakest: str | None,
) -> Box:
    nodes = [shown[node] for node in cell.nodes]
    count, live = len(nodes), sum(node.live for node in nodes)
    what = "further away" if cell.kind == FARTHER else plural(nodes[0].kind, count)
    words = f"{count} more {what}" + (f", {live} serving" if live else "")
    return Box(
        number=number, x=place[0], y=place[1], kind="folded", label=short_label(words), title=f"{words}: all are in the list",
        url=f"#{RESULTS if cell.column > 0 else CAUSES}", live=bool(live), folds=count,
        is_weakest=any(_is_weakest(node, weakest) for node in nodes),
    )  # fmt: skip


def _is_weakest(node: LineNode, weakest: str | None) -> bool:
    """Only where there is a weakness to speak of."""
    return weakest not in (None, "content") and node.strength == weakest


def _paths(graph: Graph, columns: Sequence[Sequence[_Cell]], places: Sequence[tuple[float, float]]) -> list[Path]:
    """One for each pair of boxes that an edge joins; edges inside a box have none."""
    box_of = {
        node: number for number, cell in enumerate(cell for column in columns for cell in column) for node in cell.nodes
    }
    pairs = dict.fromkeys((box_of[edge.src], box_of[edge.dst]) for edge in graph.edges)
    return [Path(src, dst, _curve(places[src], places[dst])) for src, dst in pairs if src != dst]


def _curve(source: tuple[float, float], target: tuple[float, float]) -> str:
    x1, y1 = source[0] + BOX_WIDTH, source[1] + BOX_HEIGHT / 2
    x2, y2 = target[0], target[1] + BOX_HEIGHT / 2
    bend = max(GAP_X / 2, (x2 - x1) / 2)
    return f"M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {x2:.0f} {y2:.1f}"


def short_label(label: str) -> str:
    return label if len(label) <= LABEL_CHARS else label[: LABEL_CHARS - 1] + "…"
