"""Whatever the graph, our walks say what networkx says: ancestors, descendants, edges, cycles, and the weakest link."""

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage import selectors
from lineage.errors import CycleRefused
from lineage.kinds import STRENGTHS
from lineage.models import Edge
from lineage.services import connect
from tests.lineage import graphs
from tests.lineage.graphs import EDGE_KINDS, NODE_KINDS, among, dags, downstream, store, upstream, weakest

pytestmark = pytest.mark.django_db

relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WALKS = {"trace": (selectors.trace, upstream), "impact": (selectors.impact, downstream)}
both_ways = pytest.mark.parametrize("way", WALKS)


@both_ways
@relaxed
@given(graph=dags(), data=st.data())
def test_walks_give_the_nodes_and_edges_of_networkx(project, way, graph, data):
    """From one start or many, and with an edge of each kind where two things are joined in several ways."""
    walk, expected = WALKS[way]
    stored = store(graph, projects=[project], seed=len(graph))
    starts = data.draw(st.lists(st.integers(0, len(graph) - 1), min_size=1, max_size=3, unique=True))

    found = walk(starts=[stored.nodes[start] for start in starts])

    wanted = expected(graph, *starts)
    assert stored.numbers(found) == wanted
    assert len(found.nodes) == len(wanted)
    assert stored.edges(found) == among(graph, wanted)
    assert (found.truncated, found.hidden) == (False, 0)


@relaxed
@given(graph=dags(largest=10, shapes=2, longest=6))
def test_impact_and_trace_are_dual_and_reach_is_a_path(project, graph):
    """d is in impact(x) exactly if x is in trace(d), exactly if there is a path."""
    stored = store(graph, projects=[project])
    reached = {(a, b) for a in graph for b in downstream(graph, a)}

    impacts = {(a, b) for a in graph for b in stored.numbers(selectors.impact(starts=[stored.nodes[a]]))}
    traces = {(a, b) for b in graph for a in stored.numbers(selectors.trace(starts=[stored.nodes[b]]))}

    assert impacts == traces == reached
    for a in range(min(len(graph), 4)):
        for b in graph:
            assert selectors.reaches(start=stored.nodes[a], goal=stored.nodes[b]) == ((a, b) in reached)


@relaxed
@given(pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(EDGE_KINDS)), max_size=40))
def test_an_edge_is_refused_exactly_if_it_would_close_a_cycle(project, pairs):
    """Edges in any order and direction, each judged by a graph of networkx that takes the same ones."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(10))
    stored = store(graph, projects=[project])

    for src, dst, kind in pairs:
        closes = nx.has_path(graph, dst, src)
        try:
            connect(src=stored.nodes[src], dst=stored.nodes[dst], kind=kind)
            refused = False
            graph.add_edge(src, dst, key=kind)
        except CycleRefused:
            refused = True
        assert refused == closes

    assert nx.is_directed_acyclic_graph(graph)
    rows = Edge.objects.filter(src__in=stored.nodes).values_list("src_id", "dst_id", "kind")
    assert {(stored.number[src], stored.number[dst], kind) for src, dst, kind in rows} == set(graph.edges(keys=True))


@both_ways
@relaxed
@given(graph=dags(largest=16), edges=st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1))
def test_walks_of_cyclic_graphs_end_and_are_right(project, way, graph, edges):
    """Rows that were written past our checks."""
    walk, expected = WALKS[way]
    size = len(graph)
    graph.add_edges_from((a % size, b % size, "supersedes") for a, b in edges)
    stored = store(graph, projects=[project])

    found = walk(starts=[stored.nodes[0]])

    assert stored.numbers(found) == expected(graph, 0)
    assert stored.edges(found) == among(graph, expected(graph, 0))


@both_ways
@relaxed
@given(graph=dags(), data=st.data())
def test_the_cap_never_passes_a_part_off_as_the_whole(project, way, graph, data):
    walk, expected = WALKS[way]
    stored = store(graph, projects=[project])
    start = data.draw(st.integers(0, len(graph) - 1))
    cap = data.draw(st.integers(1, len(graph)))
    wanted = expected(graph, start)

    found = walk(starts=[stored.nodes[start]], max_nodes=cap)

    assert found.truncated == (len(wanted) > cap)
    assert len(found.nodes) == min(cap, len(wanted))
    assert stored.numbers(found) <= wanted
    assert stored.edges(found) == among(graph, stored.numbers(found))
    if found.truncated:
        assert found.weakest_strength is None


@both_ways
@relaxed
@given(graph=dags(), data=st.data())
def test_the_weakest_strength_is_that_of_the_weakest_node_walked(project, own_kinds, way, graph, data):
    """Nodes of any kind, some with a strength and some without; what is shown of them changes nothing."""
    walk, expected = WALKS[way]
    strength = data.draw(
        st.lists(st.sampled_from([*STRENGTHS, None]), min_size=len(graph), max_size=len(graph)), label="strengths"
    )
    stored = store(graph, projects=[project], kinds=NODE_KINDS)
    of_key = {node.key: strength[number] for number, node in enumerate(stored.nodes)}
    for kind in NODE_KINDS:
        own_kinds.register(kind=kind, describe=lambda keys, _: {key: {"strength": of_key[key]} for key in keys})
    start = data.draw(st.integers(0, len(graph) - 1))
    wanted = expected(graph, start)

    found = walk(starts=[stored.nodes[start]])
    runs = walk(starts=[stored.nodes[start]], kinds=["run"])

    assert found.weakest_strength == runs.weakest_strength == weakest(strength[each] for each in wanted)
    assert stored.numbers(runs) == {each for each in wanted if stored.nodes[each].kind == "run"}


@both_ways
@relaxed
@given(graph=dags(), start=st.integers(0, 1_000))
def test_hidden_counts_exactly_the_nodes_of_other_peoples_projects(mine_and_a_strangers, bob, way, graph, start):
    """And with anything hidden, nothing is said of the line as a whole."""
    walk, expected = WALKS[way]
    stored = store(graph, projects=mine_and_a_strangers)
    start %= len(graph)
    wanted = expected(graph, start)
    readable = {each for each in wanted if each % 3 != 2}

    found = walk(starts=[stored.nodes[start]], visible_to=bob)

    assert stored.numbers(found) == readable
    assert found.hidden == len(wanted) - len(readable)
    assert stored.edges(found) == among(graph, readable)
    if found.hidden:
        assert found.weakest_strength is None


@pytest.fixture
def mine_and_a_strangers(project, make_project):
    """Every third node is a stranger's."""
    return [project, project, make_project("secret")]


@both_ways
def test_a_chain_of_five_thousand_with_hubs_and_diamonds(project, way):
    """Deep and wide at once: 2**200 paths, and no more work for it."""
    walk, expected = WALKS[way]
    graph = nx.MultiDiGraph()
    graph.add_node(0)
    graphs.chain(graph, 0, 5_000)
    for at, shape in [(0, graphs.hub), (2_500, graphs.hub), (2_500, graphs.sink), (4_999, graphs.hub)]:
        shape(graph, at, 500)
    graphs.diamonds(graph, 5_000, 200)
    graph.add_nodes_from(range(len(graph), len(graph) + 700))
    stored = store(graph, projects=[project])

    for start in (0, 2_500, 5_000, len(graph) - 701, len(graph) - 1):
        found = walk(starts=[stored.nodes[start]])
        wanted = expected(graph, start)
        assert stored.numbers(found) == wanted
        assert stored.edges(found) == among(graph, wanted)
