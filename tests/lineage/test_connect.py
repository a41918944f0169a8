"""Nodes are made once, edges never close a cycle, also when two writers try at the same time."""

import threading

import pytest
from django.db import connection, transaction

from lineage.errors import CycleRefused
from lineage.models import Edge, Node
from lineage.services import connect, ensure_node, set_live

pytestmark = pytest.mark.django_db


def test_node_is_made_once(project):
    """Naming a dataset twice is naming the same dataset."""
    first = ensure_node(project=project, kind="dataset_version", key="d1", live=True)
    again = ensure_node(project=project, kind="dataset_version", key="d1")

    assert (first.pk, again.live) == (again.pk, True)
    assert ensure_node(project=project, kind="run", key="d1").pk != first.pk


def test_unknown_kind_is_refused(project):
    with pytest.raises(ValueError, match="not one of"):
        ensure_node(project=project, kind="sausage", key="x")


def test_edge_is_made_once(make_node):
    src, dst = make_node(), make_node()

    assert connect(src=src, dst=dst, kind="used", run_key="a").pk == connect(src=src, dst=dst, kind="used").pk
    assert connect(src=src, dst=dst, kind="derived").run_key is None


def test_cycle_is_refused_and_nothing_is_written(make_graph):
    """A thing cannot descend from its own descendant, however far down."""
    nodes = make_graph(4, [(0, 1), (1, 2), (2, 3)])

    with pytest.raises(CycleRefused):
        connect(src=nodes[3], dst=nodes[0], kind="derived")
    with pytest.raises(CycleRefused):
        connect(src=nodes[0], dst=nodes[0], kind="derived")

    assert Edge.objects.count() == 3
    assert connect(src=nodes[0], dst=nodes[3], kind="derived").pk


def test_live_is_the_one_fact_that_changes(make_node):
    node = make_node("deployment", live=True)

    set_live(node=node, live=False)

    assert Node.objects.get(pk=node.pk).live is False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("standing", "wanted"), [([], [(0, 1), (1, 0)]), ([(1, 2), (3, 0)], [(0, 1), (2, 3)])], ids=["pair", "ring"]
)
def test_racing_writers_cannot_close_a_cycle_between_them(make_graph, standing, wanted):
    """Each edge alone is fine and both together close a ring; whatever the order, one of them is refused."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets in one writer at a time")
    for _ in range(10):
        nodes = make_graph(4, standing)
        before = Edge.objects.count()

        refused = race([(nodes[src], nodes[dst]) for src, dst in wanted])

        assert len(refused) == 1
        assert Edge.objects.count() == before + 1


def race(pairs):
    """Connect each pair in a thread of its own, all at once; the errors of those that were refused."""
    everyone_is_in = threading.Barrier(len(pairs))
    refused = []

    def write(src, dst):
        try:
            everyone_is_in.wait(timeout=10)
            with transaction.atomic():
                connect(src=src, dst=dst, kind="derived")
        except CycleRefused as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return refused
