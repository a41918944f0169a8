"""Archived projects are read as ever and closed to writes: the check that routes and pages make of permission and archive."""

from accounts.errors import ProjectArchived
from accounts.models import Project
from core import access
from core.access import Permission, Principal

OPEN_WHEN_ARCHIVED = frozenset(
    {Permission.PROJECT_READ, Permission.AUDIT_READ, Permission.AUDIT_EXPORT, Permission.MEMBER_WRITE}
)


def require(principal: Principal, permission: Permission, project: Project) -> None:
    """Raises NotFound or NotAllowed as `core.access.require` does, and ProjectArchived for a write into an archive."""
    access.require(principal, permission, project)
    if permission not in OPEN_WHEN_ARCHIVED:
        refuse(project)


def can(principal: Principal, permission: Permission, project: Project) -> bool:
    """Whether `require` would return: what a page offers."""
    return access.can(principal, permission, project) and (not project.is_archived or permission in OPEN_WHEN_ARCHIVED)


def refuse(project: Project) -> None:
    """Raises ProjectArchived."""
    if project.is_archived:
        raise ProjectArchived(f"Project '{project.name}' is archived; restore it first.")
