"""Nodes and edges: rows are written once, only a node's `live` flag ever changes. Edges point from cause to result."""

from django.db import models

from core import clock
from lineage.fields import EdgeKindField, NodeKindField


class Node(models.Model):
    """One thing in the line of descent. `key` is its owner's name for it, unique per project and kind."""

    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = NodeKindField()
    key = models.CharField(max_length=200)
    live = models.BooleanField(default=False)  # serving now; means something for deployments only
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind", "key"], name="lineage_node_identity")]

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.key}"


class Edge(models.Model):
    """`dst` came of `src`. The graph has no cycle: `services.connect` is the only writer and refuses to close one."""

    src = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="edges_out", db_index=False)
    dst = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="edges_in", db_index=False)
    kind = EdgeKindField()
    run_key = models.CharField(max_length=64, null=True)  # the run that made this edge, where one did
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["src", "dst", "kind"], name="lineage_edge_identity")]
        indexes = [models.Index(fields=["dst", "src"], name="lineage_edge_upstream")]
