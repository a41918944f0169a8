"""A lineage graph drawn as a tree with box characters: each node once in full, and by name where paths meet again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lineal.cli.text import short_digest, shown_value

Graph = Mapping[str, Any]

_KINDS = {
    "dataset_version": "dataset",
    "model_version": "model",
    "code_commit": "code",
    "environment": "environment lock",
}
_STRENGTHS = {
    "content": "content: every byte hashed",
    "snapshot": "snapshot: named by its storage",
    "declared": "declared: taken on trust",
    "path": "path: only where it lay",
}


def draw(graph: Graph, *, upstream: bool) -> Iterator[str]:
    """Lines of the tree from each start, then what to know about the whole: weakest strength, hidden nodes, truncation."""
    nodes = {node["id"]: node for node in graph["nodes"]}
    neighbours = _neighbours(graph, upstream=upstream)
    seen: set[Any] = set()
    for start in graph["starts"]:
        if start in nodes:
            yield from _branch(start, nodes, neighbours, seen)
    for node_id, node in nodes.items():
        if node_id not in seen:  # reached over nodes that --kind or --live left out
            yield f"· {label(node)}"
    yield from _remarks(graph)


def _neighbours(graph: Graph, *, upstream: bool) -> dict[Any, list[Any]]:
    neighbours: dict[Any, list[Any]] = defaultdict(list)
    for edge in graph["edges"]:
        near, far = (edge["dst"], edge["src"]) if upstream else (edge["src"], edge["dst"])
        if far not in neighbours[near]:
            neighbours[near].append(far)
    return neighbours


def _branch(
    start: Any, nodes: Mapping[Any, Mapping[str, Any]], neighbours: Mapping[Any, list[Any]], seen: set[Any]
) -> Iterator[str]:
    # A stack in place of recursion: recorded chains may be thousands of nodes deep.
    stack: list[tuple[Any, str, str]] = [(start, "", "")]
    while stack:
        node_id, lead, below = stack.pop()
        following = [far for far in neighbours.get(node_id, []) if far in nodes]
        repeated = node_id in seen and bool(following)
        yield lead + label(nodes[node_id]) + (" (its line is shown above)" if repeated else "")
        if repeated:
            continue
        seen.add(node_id)
        ordered = sorted(following, key=lambda far: (str(nodes[far].get("kind")), label(nodes[far])))
        for at, far in reversed(list(enumerate(ordered))):
            last = at == len(ordered) - 1
            stack.append((far, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")))


def label(node: Mapping[str, Any]) -> str:
    """`dataset train sha256:9f2c… [content]`."""
    kind = str(node.get("kind"))
    parts = [_KINDS.get(kind, kind.replace("_", " ")), shown_value(node.get("label") or node.get("key"))]
    if str(node.get("digest") or "").startswith("sha256:"):
        parts.append(short_digest(str(node["digest"])))
    if node.get("strength"):
        parts.append(f"[{node['strength']}]")
    if node.get("live"):
        parts.append("● live")
    purged = node.get("purged")
    if isinstance(purged, Mapping):
        reason = f" because {shown_value(purged['reason'])}" if purged.get("reason") else ""
        parts.append(f"(purged on {str(purged.get('at'))[:10]} by {shown_value(purged.get('by'))}{reason})")
    return " ".join(parts)


def _remarks(graph: Graph) -> Iterator[str]:
    weakest = graph.get("weakest_strength")
    if weakest:
        yield f"weakest link: {_STRENGTHS.get(str(weakest), weakest)}"
    if graph.get("hidden"):
        yield f"{graph['hidden']} more in projects that you may not read"
    if graph.get("truncated"):
        yield "cut off: there is more than was asked for (--max-nodes)"
