"""Traceback and impact against a closure computed by hand, on graphs nobody chose."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage import selectors, walk
from lineage.errors import WalkTooSlow
from lineage.models import Edge
from lineage.services import connect

pytestmark = pytest.mark.django_db


@st.composite
def dags(draw):
    """(size, pairs): edges go from a lower number to a higher one, so there is no cycle; hubs, chains and strangers."""
    size = draw(st.integers(min_value=2, max_value=24))
    anywhere = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    pairs = {(min(a, b), max(a, b)) for a, b in draw(st.lists(anywhere, max_size=60)) if a != b}
    if draw(st.booleans()):
        pairs |= {(0, each) for each in range(1, size - size // 10)}
    if draw(st.booleans()):
        pairs |= {(each, each + 1) for each in range(size - 1)}
    return size, sorted(pairs)


def closure(pairs, start):
    """Everything reachable from `start`, itself included, the slow and obvious way."""
    reached, grew = {start}, True
    while grew:
        more = {dst for src, dst in pairs if src in reached} - reached
        reached, grew = reached | more, bool(more)
    return reached


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graph=dags())
def test_walks_equal_the_naive_closure_and_are_dual(make_graph, graph):
    """For every pair of a random graph: d is in impact(x) exactly if x is in trace(d)."""
    size, pairs = graph
    nodes = make_graph(size, pairs)
    number = {node.pk: each for each, node in enumerate(nodes)}

    impacts = {each: selectors.impact(starts=[nodes[each]]) for each in range(size)}
    traces = {each: selectors.trace(starts=[nodes[each]]) for each in range(size)}

    for each in range(size):
        below = {number[node.id] for node in impacts[each].nodes}
        assert below == closure(pairs, each)
        assert {(number[e.src], number[e.dst]) for e in impacts[each].edges} == {p for p in pairs if p[0] in below}
        assert {number[n.id] for n in traces[each].nodes} == {d for d in range(size) if each in closure(pairs, d)}


def test_chain_of_five_thousand_is_walked_to_its_end(make_graph):
    """Depth costs no recursion of ours."""
    nodes = make_graph(5_000, [(each, each + 1) for each in range(4_999)])

    assert len(selectors.impact(starts=nodes[:1]).nodes) == 5_000
    assert len(selectors.trace(starts=nodes[-1:]).nodes) == 5_000


def test_many_starts_are_one_walk(make_graph):
    """'Any version of this dataset' is one question."""
    nodes = make_graph(6, [(0, 2), (1, 3), (4, 5)])

    found = selectors.impact(starts=nodes[:2])

    assert {node.id for node in found.nodes} == {nodes[each].pk for each in range(4)}


def test_stray_cycle_still_ends(make_graph):
    """Rows written past our checks cost a wrong line, never a hung server."""
    nodes = make_graph(3, [(0, 1), (1, 2), (2, 0)])

    assert len(selectors.trace(starts=nodes[:1]).nodes) == 3


def test_node_cap_says_truncated_and_withholds_the_verdict(make_graph, own_kinds):
    """A partial answer must not look whole."""
    own_kinds.register(
        kind="run", describe=lambda keys, _: {key: {"label": key, "strength": "content"} for key in keys}
    )
    nodes = make_graph(10, [(each, each + 1) for each in range(9)])

    capped = selectors.impact(starts=nodes[:1], max_nodes=9)
    whole = selectors.impact(starts=nodes[:1], max_nodes=10)

    assert (len(capped.nodes), capped.truncated, capped.weakest_strength) == (9, True, None)
    assert (len(whole.nodes), whole.truncated, whole.weakest_strength) == (10, False, "content")


def test_weakest_strength_on_the_line_is_what_counts(make_node, own_kinds):
    """One dataset known only by its path makes the whole line as weak as a path."""
    strengths = {"train": "content", "labels": "path"}
    own_kinds.register(
        kind="dataset_version",
        describe=lambda keys, _: {key: {"label": key, "strength": strengths[key]} for key in keys},
    )
    train, labels = make_node("dataset_version", "train"), make_node("dataset_version", "labels")
    run, other = make_node(), make_node()
    for src, dst in [(train, run), (labels, run), (train, other)]:
        connect(src=src, dst=dst, kind="used")

    assert selectors.trace(starts=[run]).weakest_strength == "path"
    assert selectors.trace(starts=[run], kinds=["run"]).weakest_strength == "path"
    assert selectors.trace(starts=[other]).weakest_strength == "content"


def test_filters_choose_what_is_shown_not_what_is_walked(make_node):
    """Live deployments are found behind runs and models that were not asked for."""
    data, run = make_node("dataset_version"), make_node("run")
    old, now = make_node("deployment"), make_node("deployment", live=True)
    for src, dst in [(data, run), (run, old), (run, now)]:
        connect(src=src, dst=dst, kind="used")

    found = selectors.impact(starts=[data], kinds=["deployment"], live=True)

    assert [node.key for node in found.nodes] == [now.key]
    assert found.edges == []


def test_projects_the_viewer_may_not_read_are_counted_and_not_shown(make_node, make_project, bob):
    """The line passes through a stranger's project without telling what stands there."""
    secret = make_project("secret")
    data, hidden, end = make_node("dataset_version"), make_node("run", of=secret), make_node("model_version")
    connect(src=data, dst=hidden, kind="used")
    connect(src=hidden, dst=end, kind="generated")

    found = selectors.trace(starts=[end], visible_to=bob)

    assert {node.id for node in found.nodes} == {data.pk, end.pk}
    assert (found.hidden, found.edges, found.weakest_strength) == (1, [], None)


COUNT_UP = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT max(i) FROM n"


def test_slow_walk_is_stopped_and_the_limit_lifted_after(make_graph):
    """The database ends the statement; the next one on this connection has all the time it had before."""
    with pytest.raises(WalkTooSlow, match=r"longer than 0\.01 s"), walk.time_limit(10):
        walk._rows(COUNT_UP, [1_000_000_000])
    with walk.time_limit(50):
        pass

    assert walk._rows(COUNT_UP, [300_000]) == [(300_000,)]


@pytest.mark.django_db(transaction=True)
def test_limit_ends_with_a_transaction_of_the_walks_own(settings):
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite there is no transaction of its own")
    before = walk._rows("SHOW statement_timeout", [])
    with walk.time_limit(50):
        assert walk._rows("SHOW statement_timeout", []) == [("50ms",)]

    assert walk._rows("SHOW statement_timeout", []) == before
    assert walk._rows("SELECT 1 FROM pg_sleep(0.08)", []) == [(1,)]


@pytest.mark.parametrize("ask", [selectors.trace, selectors.impact])
def test_postgresql_looks_up_each_node_whatever_it_guesses_of_their_number(make_graph, ask):
    """It guesses thousands where a dozen are reached, and joins of whole tables took 200 ms on a million nodes."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite makes no other joins")
    nodes = make_graph(200, [(each, each + 1) for each in range(199)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_node, lineage_edge")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        ask(starts=nodes[:100])
    plans = [plan_of(query["sql"]) for query in queries if "RECURSIVE" in query["sql"]]

    assert len(plans) == 2
    assert all("Nested Loop" in plan for plan in plans)
    assert not any("Merge Join" in plan or "Hash Join" in plan for plan in plans)


def plan_of(statement):
    return "\n".join(line for (line,) in walk._rows(f"EXPLAIN {statement}".replace("%", "%%"), []))


def test_owners_are_asked_of_no_more_keys_than_a_statement_takes(make_graph, own_kinds, monkeypatch):
    """SQLite takes 32,766 parameters, and a walk may meet 50,000 nodes."""
    asked = []
    own_kinds.register(
        kind="run", describe=lambda keys, _: asked.append(len(keys)) or {key: {"label": f"{key}!"} for key in keys}
    )
    monkeypatch.setattr(own_kinds, "MOST_KEYS", 10)
    nodes = make_graph(25, [(each, each + 1) for each in range(24)])

    found = selectors.impact(starts=nodes[:1])

    assert sorted(asked) == [5, 10, 10]
    assert all(node.label == f"{node.key}!" for node in found.nodes)


def test_unknown_owner_leaves_the_key_as_label(make_node, own_kinds):
    """A kind nobody speaks for is still shown."""
    node = make_node("evaluation", "ev-1")

    assert selectors.trace(starts=[node]).nodes[0].label == "ev-1"
    assert Edge.objects.count() == 0
