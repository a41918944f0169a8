"""The `lineage` gate: the line from the version back to its data, code and environment is on record, and strong enough.

kind = "lineage"
require = ["data", "code", "environment"]
strength = "content"           # or "snapshot", "declared", "path": the weakest that any of these may be known by
"""

from collections.abc import Mapping, Sequence

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
    """Missing where a required part or the run's seal is; fail where one is known less well than asked."""
    graph = version_line(case.version.uuid.hex, case.version.model.project)
    required = {name: graph.of_kind(KIND_OF[name]) for name in spec["require"]}
    parts = [node for nodes in required.values() for node in nodes]
    evidence = [name_of(node) for node in parts]
    if graph.truncated:
        return Finding(Status.ERROR, evidence=evidence[:100], detail="The line has more nodes than can be judged.")
    trouble = _gap(case, required)
    if trouble:
        return Finding(Status.MISSING, limit=spec["strength"], evidence=evidence, detail=trouble)
    return _judge_strength(spec["strength"], [(node.label, _strength(node, case)) for node in parts], evidence)


def _gap(case: Case, required: Mapping[str, Sequence[GraphNode]]) -> str:
    missing = [name for name, nodes in required.items() if not nodes]
    if missing:
        return f"No {' and no '.join(missing)} on record."
    return "The run has not ended, so nothing seals it." if case.version.seal_id is None else ""


def _strength(node: GraphNode, case: Case) -> str | None:
    """As its owner says; but of the commit of the run itself we know more: whether all of its code is on record."""
    run = case.version.run
    if node.kind != "code_commit" or node.key != run.code_commit:
        return node.strength
    return "declared" if run.code_dirty and not run.code_diff_sha256 else "content"


def _judge_strength(wanted: str, known: Sequence[tuple[str, str | None]], evidence: Sequence[str]) -> Finding:
    unknown = [label for label, strength in known if strength is None]
    if unknown:
        detail = f"Nobody knows how far to trust {', '.join(unknown[:5])}."
        return Finding(Status.MISSING, limit=wanted, evidence=evidence, detail=detail)
    observed = kinds.weakest(strength for _, strength in known)
    weak = [label for label, strength in known if strength is not None and _is_weaker(strength, wanted)]
    return Finding(
        Status.FAIL if weak else Status.PASS,
        observed=observed,
        limit=wanted,
        evidence=evidence,
        detail=f"Known less well than by {wanted}: {', '.join(weak[:5])}." if weak else "",
    )


def _is_weaker(strength: str, wanted: str) -> bool:
    return kinds.STRENGTHS.index(strength) > kinds.STRENGTHS.index(wanted)


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
