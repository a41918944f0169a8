"""The graph as JSON, and the shape of it that OpenAPI shows."""

from typing import Any

from rest_framework import serializers

from lineage.kinds import EDGE_CODES, NODE_CODES, STRENGTHS
from lineage.selectors import Graph, GraphNode


def graph(found: Graph, *, direction: str, of: str) -> dict[str, Any]:
    return {
        "direction": direction,
        "of": of,
        "starts": list(found.starts),
        "nodes": [node(each) for each in found.nodes],
        "edges": [{"src": edge.src, "dst": edge.dst, "kind": edge.kind} for edge in found.edges],
        "truncated": found.truncated,
        "weakest_strength": found.weakest_strength,
        "hidden": found.hidden,
    }


def node(found: GraphNode) -> dict[str, Any]:
    """The owner's description, with what this room knows for certain written over it."""
    return {
        "url": None,
        "digest": None,
        "strength": None,
        **found.about,
        "id": found.id,
        "project": found.project,
        "kind": found.kind,
        "key": found.key,
        "live": found.live,
        "label": found.label,
    }


class NodeOut(serializers.Serializer):
    """A node; owners of a kind add fields of their own."""

    id = serializers.IntegerField()
    project = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(NODE_CODES))
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the REST framework keeps an attribute of this name
    live = serializers.BooleanField()
    url = serializers.CharField(allow_null=True)
    digest = serializers.CharField(allow_null=True)
    strength = serializers.ChoiceField(choices=STRENGTHS, allow_null=True)


class EdgeOut(serializers.Serializer):
    src = serializers.IntegerField()
    dst = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=list(EDGE_CODES))


class GraphOut(serializers.Serializer):
    direction = serializers.ChoiceField(choices=["upstream", "downstream"])
    of = serializers.CharField()
    starts = serializers.ListField(child=serializers.IntegerField())
    nodes = NodeOut(many=True)
    edges = EdgeOut(many=True)
    truncated = serializers.BooleanField(help_text="The node cap was met: more exists than is shown.")
    weakest_strength = serializers.ChoiceField(
        choices=STRENGTHS,
        allow_null=True,
        help_text="Over every node walked; null where none has a strength, or the whole is not known.",
    )
    hidden = serializers.IntegerField(help_text="Nodes of projects that you may not read, by count alone.")
