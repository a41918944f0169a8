"""Graphs that hypothesis makes up, held twice: by networkx, whose answers are the right ones, and by our tables."""

import random
from dataclasses import dataclass, field

import networkx as nx
from hypothesis import strategies as st

from lineage.kinds import EDGE_CODES, NODE_CODES, STRENGTHS
from lineage.models import Edge, Node

NODE_KINDS, EDGE_KINDS = list(NODE_CODES), list(EDGE_CODES)


@dataclass
class Stored:
    """Nodes in the database, numbered as in `graph`; edges of `graph` have their kind as key."""

    graph: nx.MultiDiGraph
    nodes: list[Node]
    number: dict[int, int] = field(init=False)  # by primary key

    def __post_init__(self):
        self.number = {node.pk: each for each, node in enumerate(self.nodes)}

    def numbers(self, found):
        return {self.number[node.id] for node in found.nodes}

    def edges(self, found):
        return {(self.number[edge.src], self.number[edge.dst], edge.kind) for edge in found.edges}


def store(graph, *, projects, kinds=("run",), seed=0):
    """Write `graph` past the checks of `connect`, nodes in random order, so that no id tells what descends from what.

    Node n is of kind `kinds[n % …]` and of project `projects[n % …]`.
    """
    order = list(graph.nodes)
    random.Random(seed).shuffle(order)
    prefix = f"{Node.objects.count()}-"
    made = Node.objects.bulk_create(
        Node(project_id=projects[n % len(projects)].id, kind=kinds[n % len(kinds)], key=f"{prefix}{n}") for n in order
    )
    nodes = [node for _, node in sorted(zip(order, made, strict=True), key=lambda pair: pair[0])]
    Edge.objects.bulk_create(
        Edge(src=nodes[src], dst=nodes[dst], kind=kind) for src, dst, kind in graph.edges(keys=True)
    )
    return Stored(graph, nodes)


@st.composite
def dags(draw, *, largest=24, shapes=4, longest=40):
    """Any edges between some nodes, beside chains, hubs and diamonds hung onto them; about a tenth stands alone."""
    graph = nx.MultiDiGraph()
    size = draw(st.integers(2, largest))
    graph.add_nodes_from(range(size))
    ends = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1), st.sampled_from(EDGE_KINDS))
    for a, b, kind in draw(st.lists(ends, max_size=2 * largest)):
        if a != b:
            graph.add_edge(min(a, b), max(a, b), key=kind)
    for shape in draw(st.lists(st.sampled_from([chain, hub, sink, diamonds]), max_size=shapes)):
        shape(graph, at=draw(st.integers(0, size - 1)), size=draw(st.integers(1, longest)))
    graph.add_nodes_from(range(len(graph), len(graph) + max(1, len(graph) // 10)))
    return graph


def chain(graph, at, size):
    for _ in range(size):
        graph.add_edge(at, len(graph), key="derived")
        at = len(graph) - 1


def hub(graph, at, size):
    """Everything out of one."""
    for _ in range(size):
        graph.add_edge(at, len(graph), key="used")


def sink(graph, at, size):
    """One of everything."""
    first = len(graph)
    graph.add_edges_from((first + each, at, "generated") for each in range(size))


def diamonds(graph, at, size):
    """Each doubles the number of paths, and adds three nodes."""
    for _ in range(size):
        left, right, bottom = len(graph), len(graph) + 1, len(graph) + 2
        graph.add_edges_from([(at, left, "used"), (at, right, "used"), (left, bottom, "used"), (right, bottom, "used")])
        at = bottom


def downstream(graph, *starts):
    return set(starts).union(*(nx.descendants(graph, start) for start in starts))


def upstream(graph, *starts):
    return set(starts).union(*(nx.ancestors(graph, start) for start in starts))


def among(graph, numbers):
    """Edges of which both ends are in `numbers`."""
    return set(graph.subgraph(numbers).edges(keys=True))


def weakest(strengths):
    known = [STRENGTHS.index(strength) for strength in strengths if strength]
    return STRENGTHS[max(known)] if known else None
