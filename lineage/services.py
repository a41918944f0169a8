"""Writes to the graph: nodes and edges come to be only here, and a cycle never does."""

from django.db import connection, transaction

from core import prepared, rows
from core.access import ProjectRef
from core.locks import lock_in_transaction
from lineage import selectors
from lineage.errors import CycleRefused
from lineage.kinds import EDGE_CODES, NODE_CODES
from lineage.models import Edge, Node

WALK_LOCK = "lineage walk"

Name = tuple[str, str]  # kind and key


def ensure_node(*, project: ProjectRef, kind: str, key: str, live: bool = False) -> Node:
    """The node of `key`, made if missing. Idempotent and safe in a race; `live` counts only when the node is made."""
    found = Node.objects.filter(project_id=project.id, kind=kind, key=key).first()
    if found is not None:
        return found
    Node.objects.bulk_create([Node(project_id=project.id, kind=kind, key=key, live=live)], ignore_conflicts=True)
    return Node.objects.get(project_id=project.id, kind=kind, key=key)


@transaction.atomic
def connect(*, src: Node, dst: Node, kind: str, run_key: str | None = None) -> Edge:
    """Record that `dst` came of `src`. The same edge again is the same row.

    Locks both nodes until the transaction ends, `dst` alone against everyone. Connect inputs before outputs where you
    can: an edge into a node from which nothing leads yet needs no walk.

    Raises:
        CycleRefused: `src` already descends from `dst`, or is `dst`.
    """
    known = Edge.objects.filter(src=src, dst=dst, kind=kind).first()
    if known is not None:
        return known
    if src.pk == dst.pk:
        raise CycleRefused(src=src.name, dst=dst.name)
    _refuse_cycle(src=src, dst=dst)
    Edge.objects.bulk_create([Edge(src=src, dst=dst, kind=kind, run_key=run_key)], ignore_conflicts=True)
    return Edge.objects.get(src=src, dst=dst, kind=kind)


_DESCEND = """
INSERT INTO lineage_edge (src_id, dst_id, kind, run_key, created_at)
SELECT src.id, dst.id, %s, %s, dst.created_at FROM lineage_node src JOIN lineage_node dst ON dst.project_id = src.project_id
WHERE src.project_id = %s AND src.kind = %s AND src.key = %s AND dst.kind = %s AND dst.key = %s
"""


@transaction.atomic(savepoint=False)
def grow(*, project: ProjectRef, src: Name, name: Name, edge: str, run_key: str | None = None) -> None:
    """A node of a thing that comes to be in this transaction, and what it came of, whose node is made if missing. Three statements
    that nobody waits for, and no walk: nothing leads out of a node that nobody else sees yet, so its edge closes no cycle. `src` is
    locked as its foreign key does.

    Raises:
        IntegrityError: there is such a node already; use `ensure_node` and `connect`. It may come with a later statement.
    """
    (src_kind, src_key), (kind, key) = src, name
    rows.insert([Node(project_id=project.id, kind=src_kind, key=src_key)], skip_known=True)
    rows.insert([Node(project_id=project.id, kind=kind, key=key)])
    with prepared.cursor() as cursor:
        cursor.execute(
            _DESCEND, [EDGE_CODES[edge], run_key, project.id, NODE_CODES[src_kind], src_key, NODE_CODES[kind], key]
        )


def set_live(*, node: Node, live: bool) -> None:
    """Say whether the thing serves now. The one fact about a node that changes."""
    Node.objects.filter(pk=node.pk).update(live=live)
    node.live = live


def _refuse_cycle(*, src: Node, dst: Node) -> None:
    """Race-safe without one lock for all: every writer locks `src` shared and `dst` alone. If nothing leads out of
    `dst` then, this edge closes no cycle, and whoever adds one out of `dst` later waits and sees this one. Otherwise
    the walk is needed, and walks wait for one another.
    """
    _lock_ends(src=src, dst=dst)
    if not Edge.objects.filter(src=dst).exists():
        return
    lock_in_transaction(WALK_LOCK)
    if selectors.reaches(start=dst, goal=src):
        raise CycleRefused(src=src.name, dst=dst.name)


def _lock_ends(*, src: Node, dst: Node) -> None:
    """Raw, because the ORM has no FOR KEY SHARE: the lock that a foreign key takes, which lets many add edges out of a
    popular dataset at once. The lower id first, so that two writers never wait for each other. SQLite has one writer
    at a time and needs none of this.
    """
    if connection.vendor != "postgresql":
        return
    strengths = {src.pk: "FOR KEY SHARE", dst.pk: "FOR UPDATE"}
    with connection.cursor() as cursor:
        for node_id in sorted(strengths):
            cursor.execute(f"SELECT 1 FROM lineage_node WHERE id = %s {strengths[node_id]}", [node_id])  # noqa: S608 - ours
