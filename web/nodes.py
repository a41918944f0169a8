"""One node of a line as a page shows it: what it is called, where its page is, how far its identity can be trusted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from lineage.kinds import STRENGTHS
from lineage.selectors import GraphNode

KIND_WORDS: Mapping[str, str] = {
    "dataset_version": "data",
    "run": "run",
    "model_version": "model version",
    "deployment": "deployment",
    "code_commit": "code",
    "environment": "environment",
    "evaluation": "evaluation",
    "cause": "cause",
}
PLURALS: Mapping[str, str] = {
    "data": "datasets",
    "run": "runs",
    "model version": "model versions",
    "deployment": "deployments",
    "code": "commits",
    "environment": "environments",
    "evaluation": "evaluations",
    "cause": "causes",
}


@dataclass(frozen=True, slots=True)
class LineNode:
    """`strength` is how far its identity can be trusted, "" where that means nothing."""

    kind: str
    label: str
    url: str
    digest: str
    strength: str
    live: bool
    is_start: bool
    purged: str = ""  # when, by whom and why it was, where it was


def line_node(node: GraphNode, *, is_start: bool) -> LineNode:
    strength = node.strength or ""
    return LineNode(
        kind=KIND_WORDS.get(node.kind, node.kind),
        label=node.label,
        url=page_of(node),
        digest=str(node.about.get("digest") or ""),
        strength=strength if strength in STRENGTHS else "",
        live=node.live,
        is_start=is_start,
        purged=_purged(node),
    )


def plural(kind: str, count: int) -> str:
    return kind if count == 1 else PLURALS.get(kind, kind)


def page_of(node: GraphNode) -> str:
    """Its page; "" where it has none. Code and environments are shown by the runs that had them."""
    if node.kind == "dataset_version":
        return f"{reverse('web:dataset_detail', args=[node.project, node.label])}?{urlencode({'version': node.key})}"
    if node.kind == "deployment" and _UUID.fullmatch(node.key):
        return reverse("web:deployment_detail", args=[node.project, node.key])
    if node.kind in _RUN_FIELDS and "'" not in node.key:
        query = {"filter": f"{_RUN_FIELDS[node.kind]} = '{node.key}'"}
        return f"{reverse('web:run_list', args=[node.project])}?{urlencode(query)}"
    return str(node.about.get("url") or "")


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RUN_FIELDS = {"code_commit": "code.commit", "environment": "environment"}


def _purged(node: GraphNode) -> str:
    facts = node.about.get("purged")
    if not facts:
        return ""
    reason = f": {facts['reason']}" if facts["reason"] else ""
    return f"purged on {facts['at'][:10]} by {facts['by']}{reason}"
