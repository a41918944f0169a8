"""Small graphs, and owners of kinds that this room's tests make up."""

from itertools import count

import pytest

from audit.testing import let_flush_pass_guards
from lineage import kinds
from lineage.models import Edge, Node

let_flush_pass_guards()


@pytest.fixture
def make_node(project):
    """A node of `project`, unless told otherwise; its key is its number unless one is given."""
    numbers = count(1)

    def make(kind="run", key=None, *, of=None, live=False):
        return Node.objects.create(project_id=(of or project).id, kind=kind, key=key or f"n{next(numbers)}", live=live)

    return make


@pytest.fixture
def make_graph(make_node):
    """Nodes numbered from 0, joined by (src, dst) pairs as given, with none of the checks of `connect`."""

    def make(size, pairs, **options):
        nodes = [make_node(**options) for _ in range(size)]
        Edge.objects.bulk_create([Edge(src=nodes[a], dst=nodes[b], kind="used") for a, b in pairs])
        return nodes

    return make


@pytest.fixture
def own_kinds(monkeypatch):
    """An empty vocabulary, to which a test may register without leaving traces."""
    monkeypatch.setattr(kinds, "_describers", {})
    monkeypatch.setattr(kinds, "_resolvers", {})
    return kinds
