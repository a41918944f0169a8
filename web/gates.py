"""Gates and policies as pages show them: what a gate asks in words, and what it saw."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.urls import reverse

from accounts.models import Project
from registry import policies
from registry.models import PolicyRevision
from registry.policies import GateSpec

RUN_EVIDENCE = re.compile(r"run:([0-9a-f]{32})(/.*)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """One gate of a policy, in words."""

    id: str
    kind: str
    words: str
    code: str = ""  # what of it is an expression


def asked_by(revision: PolicyRevision | None) -> list[Asked]:
    """What the policy asks for, in its order."""
    return [_asked(spec) for spec in policies.gate_specs(revision.text)] if revision is not None else []


def _asked(spec: GateSpec) -> Asked:
    said = _WORDS.get(spec.kind, _any)(spec.spec)
    return Asked(spec.id, spec.kind, said, str(spec.spec.get("expr", "")))


def _approval(spec: Mapping[str, Any]) -> str:
    count = spec["count"]
    people = "one person" if count == 1 else f"{count} people"
    return f"{people} of role {spec['role']} or above approve" + (
        "; who made the version may be one" if spec["allow_author"] else ""
    )


def _metric(spec: Mapping[str, Any]) -> str:
    return f"measured on {spec['dataset']}" if spec.get("dataset") else "a metric of its run"


def _stage(spec: Mapping[str, Any]) -> str:
    return f"held {spec.get('environment', 'the environment before')} for {spec['hours']} h"


def _any(spec: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in sorted(spec.items()) if name != "expr")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "approval": _approval,
    "metric": _metric,
    "stage": _stage,
    "integrity": lambda _: "every byte is matched to its digest",
}


def gate_rows(gates: Iterable[Mapping[str, Any]], project: Project) -> list[dict[str, Any]]:
    """Gates' findings as they were recorded, their evidence with links where there are pages of it; those that stand in
    the way come first.
    """
    rows = [
        {
            **gate,
            "evidence": [_evidence(str(item), project) for item in gate.get("evidence", [])],
            "expr": gate.get("expr", ""),
            "observed": _shown(gate.get("observed")),
            "limit": _shown(gate.get("limit")),
            "blocks": gate["status"] != "pass",
        }
        for gate in gates
    ]
    return sorted(rows, key=lambda row: not row["blocks"])


def _shown(value: Any) -> Any:
    """A number or text as it is; what a gate of several metrics saw, as "auc 0.9, loss 0.1"."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name} {each:.6g}" if isinstance(each, float) else f"{name} {each}" for name, each in value.items()
        )
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _evidence(text: str, project: Project) -> dict[str, str]:
    run = RUN_EVIDENCE.fullmatch(text)
    if run:
        address = reverse("web:run_charts", args=[project.name, run[1]])
        return {"text": f"run {run[1][:12]}{run[2] or ''}", "url": address}
    return {"digest": text} if text.startswith(("sha256:", "git:")) else {"text": text}


def in_force(environments: Sequence[Any], revisions: Mapping[int, PolicyRevision]) -> list[PolicyRevision]:
    """The revisions of these environments, those of the last environment first: it asks for most."""
    found = [revisions[each.policy_id] for each in reversed(environments) if each.policy_id in revisions]
    return list({revision.pk: revision for revision in found}.values())
