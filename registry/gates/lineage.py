"""The `lineage` gate: the line from the version back to its data, code and environment is on record, and strong enough.

kind = "lineage"
require = ["data", "code", "environment"]
strength = "content"           # or "snapshot", "declared", "path": the weakest that data may be known by
"""

from collections.abc import Sequence

from core.access import ProjectRef
from lineage import kinds, selectors
from lineage.models import Node
from lineage.selectors import Graph, GraphNode
from registry.gates.base import Case, Finding, Gate, Spec, Status, register
from registry.gates.fields import Fields

KIND_OF = {"data": "dataset_version", "code": "code_commit", "environment": "environment"}


def read(fields: Fields) -> Spec:
    return {
        "require": fields.choices("require", list(KIND_OF), default=list(KIND_OF)),
        "strength": fields.choice("strength", list(kinds.STRENGTHS), default="content"),
    }


def judge(spec: Spec, case: Case) -> Finding:
    """Missing where a required edge or the run's seal is; fail where data is known less well than asked."""
    graph = version_line(case.version.uuid.hex, case.version.model.project)
    required = {name: graph.of_kind(KIND_OF[name]) for name in spec["require"]}
    evidence = [name_of(node) for nodes in required.values() for node in nodes]
    if graph.truncated:
        return Finding(Status.ERROR, evidence=evidence[:100], detail="The line has more nodes than can be judged.")
    missing = [name for name, nodes in required.items() if not nodes]
    if missing:
        return Finding(
            Status.MISSING,
            limit=spec["strength"],
            evidence=evidence,
            detail=f"No {' and no '.join(missing)} on record.",
        )
    if case.version.seal_id is None:
        return Finding(
            Status.MISSING,
            limit=spec["strength"],
            evidence=evidence,
            detail="The run has not ended, so nothing seals it.",
        )
    return _judge_strength(spec["strength"], required.get("data", []), evidence)


def _judge_strength(wanted: str, data: Sequence[GraphNode], evidence: Sequence[str]) -> Finding:
    unknown = [node.label for node in data if node.strength is None]
    if unknown:
        detail = f"Nobody knows how far to trust {', '.join(unknown[:5])}."
        return Finding(Status.MISSING, limit=wanted, evidence=evidence, detail=detail)
    observed = kinds.weakest(node.strength for node in data)
    if observed is None:  # no data is asked for
        return Finding(Status.PASS, limit=wanted, evidence=evidence)
    strong_enough = kinds.STRENGTHS.index(observed) <= kinds.STRENGTHS.index(wanted)
    weak = [node.label for node in data if node.strength == observed]
    detail = "" if strong_enough else f"Known by {observed} only: {', '.join(weak[:5])}."
    return Finding(
        Status.PASS if strong_enough else Status.FAIL, observed=observed, limit=wanted, evidence=evidence, detail=detail
    )


def version_line(key: str, project: ProjectRef) -> Graph:
    """All that the version of `key` came from, seen by the system: a judgement must not depend on who asks."""
    starts = list(Node.objects.filter(project_id=project.id, kind="model_version", key=key))
    return selectors.trace(starts=starts)


def name_of(node: GraphNode) -> str:
    """How evidence names a node: data by digest where it has one, code as git:…, the rest by kind and key."""
    if node.kind == "dataset_version":
        return str(node.about.get("digest") or f"dataset:{node.label}")
    if node.kind == "code_commit":
        return f"git:{node.key}"
    return f"{node.kind}:{node.key}"


register(Gate("lineage", read, judge))
