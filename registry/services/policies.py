"""Writes to policies: a new wording is a new revision, and the old ones stay readable."""

from typing import Any

from django.db import transaction

from accounts.models import Project
from audit.services import record
from core.access import Principal
from registry import policies
from registry.evidence import policy_target
from registry.models import Policy, PolicyRevision
from registry.names import check_slug


@transaction.atomic
def put_policy(
    *, project: Project, name: str, document: Any, actor: Principal, reason: str = ""
) -> tuple[PolicyRevision, bool]:
    """The policy of that name with this wording, and whether the policy is new. The wording in force, put again,
    makes no revision. Locks the policy's row.

    Raises:
        Invalid: no policy may be called so.
        PolicyRefused: the document has mistakes; all of them are told.
    """
    check_slug(name)
    text = policies.canonical_text(document)
    sha256 = policies.digest(text)
    Policy.objects.bulk_create([Policy(project=project, name=name)], ignore_conflicts=True)
    policy = Policy.objects.select_for_update().get(project=project, name=name)
    before = PolicyRevision.objects.select_related("policy").filter(policy=policy, number=policy.revision).first()
    if before is not None and before.sha256 == sha256:
        return before, False
    policy.revision += 1
    policy.save(update_fields=["revision"])
    revision = PolicyRevision.objects.create(
        policy=policy, number=policy.revision, text=text, sha256=sha256, reason=reason, created_by=actor.name
    )
    record(
        action="policy.create" if before is None else "policy.revise",
        target=policy_target(policy, sha256),
        actor=actor,
        project=project,
        reason=reason,
        before={"revision": before.number, "sha256": before.sha256} if before else None,
        after={"revision": revision.number, "sha256": sha256, "document": text},
    )
    return revision, before is None
