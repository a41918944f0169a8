"""Judges a promotion: what the gates of the policy in force see, and the decision that follows. Reads only.

The evidence digest covers the version, the holder it would replace, the policy's wording and all that the gates saw
except who has signed. An approval names the digest it was given on, so it dies when any of these changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

import orjson

from core.errors import LinealError
from registry import gates, policies
from registry.gates import Case, Finding, Status
from registry.gates.lineage import KIND_OF, name_of, version_line
from registry.models import Approval, ModelVersion, PolicyRevision, Promotion
from registry.policies import GateSpec

Decision = Promotion.Decision
NOBODY = "none"  # what `expect_current` says when nothing should hold the environment
INTEGRITY = GateSpec(id="integrity", kind="integrity", spec={})
APPROVAL = "approval"
MAX_DATASETS = 100  # named in a result document; the lineage route has them all
WEIGHTS = (
    ({Status.FAIL, Status.ERROR}, Decision.GATE_FAILED),
    ({Status.MISSING}, Decision.EVIDENCE_MISSING),
    ({Status.WAITING}, Decision.WAITING),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a promotion would come to now. `decision` is PROMOTED where nothing stands in the way."""

    decision: Promotion.Decision
    detail: str
    gates: Sequence[Mapping[str, Any]]
    lineage: Mapping[str, Any]
    evidence_sha256: str
    policy_revision: PolicyRevision | None
    champion: ModelVersion | None


def judge(promotion: Promotion, *, holder: ModelVersion | None) -> Judgement:
    """Judge `promotion`, which need not be saved yet, against who holds its environment now.

    Whoever means to act on it holds the slot's lock. A dozen queries, more with more gates.
    """
    revision = revision_of(promotion)
    specs = specs_of(promotion, revision)
    case = Case(version=promotion.version, champion=holder, environment=promotion.environment)
    seen = {spec.id: _find(spec, case) for spec in specs if spec.kind != APPROVAL}
    evidence = _evidence_digest(promotion, holder, revision, seen)
    signed = replace(case, approvals=standing_approvals(promotion, evidence))
    findings = [(spec, seen[spec.id] if spec.id in seen else _find(spec, signed)) for spec in specs]
    decision, detail = _decide(promotion, holder, findings)
    return Judgement(
        decision=decision,
        detail=detail,
        gates=[_result(spec, finding) for spec, finding in findings],
        lineage=_line(promotion.version),
        evidence_sha256=evidence,
        policy_revision=revision,
        champion=holder,
    )


def revision_of(promotion: Promotion) -> PolicyRevision | None:
    """The wording in force now at the promotion's environment. A rollback is bound by none: it returns to what was."""
    policy_id = promotion.environment.policy_id
    if policy_id is None or promotion.kind == Promotion.Kind.ROLLBACK:
        return None
    revisions = PolicyRevision.objects.select_related("policy").filter(policy_id=policy_id)
    return revisions.order_by("-number").first()


def specs_of(promotion: Promotion, revision: PolicyRevision | None) -> list[GateSpec]:
    """The gates to pass. Verified bytes are asked for wherever the environment is protected, and of every rollback."""
    specs = policies.gate_specs(revision.text) if revision is not None else []
    wanted = promotion.environment.protected or promotion.kind == Promotion.Kind.ROLLBACK
    if wanted and not any(spec.kind == INTEGRITY.kind for spec in specs):
        taken = {spec.id for spec in specs}
        specs.append(INTEGRITY if INTEGRITY.id not in taken else replace(INTEGRITY, id="integrity.protected"))
    return specs


def approval_specs(promotion: Promotion) -> list[GateSpec]:
    return [spec for spec in specs_of(promotion, revision_of(promotion)) if spec.kind == APPROVAL]


def standing_approvals(promotion: Promotion, evidence_sha256: str) -> list[Approval]:
    """Who has approved on this very evidence, first to last; nobody yet of a promotion that is not saved."""
    approvals = Approval.objects.filter(
        promotion_id=promotion.pk, decision=Approval.Decision.APPROVE, evidence_sha256=evidence_sha256
    )
    return list(approvals.order_by("id"))


def _find(spec: GateSpec, case: Case) -> Finding:
    gate = gates.find_gate(spec.kind)
    if gate is None:
        return Finding(Status.ERROR, detail=f"This server knows no gate of kind '{spec.kind}'.")
    try:
        return gate.judge(spec.spec, case)
    except LinealError as exc:
        return Finding(Status.ERROR, detail=exc.detail)


def _decide(
    promotion: Promotion, holder: ModelVersion | None, findings: Sequence[tuple[GateSpec, Finding]]
) -> tuple[Promotion.Decision, str]:
    version, environment = promotion.version, promotion.environment
    if version.is_barred:
        return Decision.FROZEN, f"{version.label} is {version.standing}."
    if holder is not None and holder.digest == version.digest:
        return Decision.ALREADY, f"{version.label} holds '{environment.name}' already."
    found = holder.digest if holder is not None else NOBODY
    if promotion.expect_current not in (None, found):
        return Decision.HOLDER_DIFFERS, f"Expected {promotion.expect_current} in '{environment.name}', found {found}."
    return _weigh(findings)


def _weigh(findings: Sequence[tuple[GateSpec, Finding]]) -> tuple[Promotion.Decision, str]:
    """The worst finding decides: failure or error, then missing evidence, then waiting."""
    for statuses, decision in WEIGHTS:
        hit = [
            f"{spec.id}: {finding.detail or finding.status}" for spec, finding in findings if finding.status in statuses
        ]
        if hit:
            return decision, " ".join(hit)
    return Decision.PROMOTED, ""


def _evidence_digest(
    promotion: Promotion,
    holder: ModelVersion | None,
    revision: PolicyRevision | None,
    seen: Mapping[str, Finding],
) -> str:
    evidence = {
        "version": promotion.version.digest,
        "number": promotion.version.number,
        "environment": promotion.environment.uuid.hex,
        "holder": holder.digest if holder is not None else NOBODY,
        "policy": revision.sha256 if revision is not None else None,
        "gates": {gate_id: asdict(finding) for gate_id, finding in seen.items()},
    }
    return sha256(orjson.dumps(evidence, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _result(spec: GateSpec, finding: Finding) -> dict[str, Any]:
    """One entry of the result document's `gates`: the gate as the policy words it, and what it saw."""
    return {
        **spec.spec,
        "id": spec.id,
        "kind": spec.kind,
        "status": str(finding.status),
        "observed": finding.observed,
        "limit": finding.limit,
        "evidence": list(finding.evidence),
        "detail": finding.detail,
    }


def _line(version: ModelVersion) -> dict[str, Any]:
    graph = version_line(version.uuid.hex, version.model.project)
    commit = version.run.code_commit
    return {
        "datasets": [name_of(node) for node in graph.of_kind(KIND_OF["data"])][:MAX_DATASETS],
        "code": f"git:{commit}" if commit else None,
        "strength": graph.weakest_strength,
    }
