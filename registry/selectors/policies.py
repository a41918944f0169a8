"""Reads of policies and their revisions."""

from collections.abc import Iterable

from django.db.models import F, QuerySet

from core.access import ProjectRef
from core.errors import NotFound
from registry.models import Policy, PolicyRevision
from registry.names import SLUG


def list_policies(*, project: ProjectRef) -> QuerySet[Policy]:
    """By name."""
    return Policy.objects.filter(project_id=project.id).order_by("name")


def get_policy(*, project: ProjectRef, name: str) -> Policy:
    """Raises NotFound."""
    policy = Policy.objects.filter(project_id=project.id, name=name).first() if SLUG.fullmatch(name) else None
    if policy is None:
        raise NotFound(f"There is no policy '{name[:64]}' in this project.")
    return policy


def latest_revision(policy: Policy) -> PolicyRevision:
    """The wording in force."""
    return PolicyRevision.objects.select_related("policy").get(policy=policy, number=policy.revision)


def revisions_in_force(policies: Iterable[int]) -> dict[int, PolicyRevision]:
    """The wording in force of each of these policies, by the policy's primary key. One query."""
    revisions = PolicyRevision.objects.select_related("policy").filter(
        policy__in=set(policies), number=F("policy__revision")
    )
    return {revision.policy_id: revision for revision in revisions}


def list_revisions(policy: Policy) -> QuerySet[PolicyRevision]:
    """Newest first."""
    return PolicyRevision.objects.select_related("policy").filter(policy=policy).order_by("-number")
