"""Reads of policies and their revisions."""

from django.db.models import QuerySet

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


def list_revisions(policy: Policy) -> QuerySet[PolicyRevision]:
    """Newest first."""
    return PolicyRevision.objects.select_related("policy").filter(policy=policy).order_by("-number")
