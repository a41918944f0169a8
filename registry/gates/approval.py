"""The `approval` gate: enough people of a role have signed this digest on this evidence.

kind = "approval"
count = 1
role = "approver"              # or "maintainer", "admin": the least role whose word counts
allow_author = false           # whether who trained or registered the version may sign
"""

from uuid import UUID

from core.access import Role
from registry.gates.base import Case, Finding, Gate, Spec, Status, register
from registry.gates.fields import Fields
from registry.models import Approval, ModelVersion

ROLES = [role.label for role in Role if role >= Role.APPROVER]


def read(fields: Fields) -> Spec:
    return {
        "count": fields.integer("count", default=1, least=1, most=20),
        "role": fields.choice("role", ROLES, default=Role.APPROVER.label),
        "allow_author": fields.boolean("allow_author", default=False),
    }


def judge(spec: Spec, case: Case) -> Finding:
    """Waiting until enough have signed; one person counts once."""
    signed = [approval for approval in case.approvals if counts(spec, case, approval)]
    people = {approval.account_id for approval in signed}
    enough = len(people) >= spec["count"]
    detail = "" if enough else f"{spec['count'] - len(people)} more of role {spec['role']} or above have to approve."
    return Finding(
        Status.PASS if enough else Status.WAITING,
        observed=len(people),
        limit=spec["count"],
        evidence=tuple(f"event:{approval.event_id}" for approval in signed),
        detail=detail,
    )


def counts(spec: Spec, case: Case, approval: Approval) -> bool:
    return why_not(spec, case.version, account_id=approval.account_id, role=approval.role) is None


def why_not(spec: Spec, version: ModelVersion, *, account_id: UUID, role: str) -> str | None:
    """Why this person's word would not count for this gate, or None if it would."""
    if Role[role.upper()] < Role[spec["role"].upper()]:
        return f"This approval needs the role {spec['role']} or above, and you are {role}."
    authors = {version.created_by_id, version.run.created_by_id}
    if account_id in authors and not spec["allow_author"]:
        return "Who trained or registered a version does not approve it."
    return None


register(Gate("approval", read, judge))
