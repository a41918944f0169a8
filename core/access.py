"""Who may do what: the authenticated caller as a plain value, and the one check that every room asks.

`accounts` makes a `Principal` at sign-in; no room below or above decides access in any other way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol
from uuid import UUID

from core.errors import Forbidden, NotFound


class ProjectRef(Protocol):
    """What access needs to know of a project; `accounts.models.Project` is one."""

    @property
    def id(self) -> int: ...
    @property
    def uuid(self) -> UUID: ...
    @property
    def name(self) -> str: ...


class Role(IntEnum):
    """Each role may do all that the ones before it may."""

    VIEWER = 1
    CONTRIBUTOR = 2
    APPROVER = 3
    MAINTAINER = 4
    ADMIN = 5

    @property
    def label(self) -> str:
        return self.name.lower()


class Permission(StrEnum):
    PROJECT_READ = "project.read"
    AUDIT_READ = "audit.read"
    RUN_WRITE = "run.write"
    MODEL_WRITE = "model.write"
    PROMOTION_REQUEST = "promotion.request"
    DEPLOYMENT_REPORT = "deployment.report"
    PROMOTION_APPROVE = "promotion.approve"
    AUDIT_EXPORT = "audit.export"
    AUDIT_READ_PRIVATE = "audit.read_private"
    RUN_DELETE = "run.delete"
    POLICY_WRITE = "policy.write"
    MEMBER_WRITE = "member.write"
    PROFILE_REPORT = "profile.report"
    ALERT_WRITE = "alert.write"
    MONITOR_WRITE = "monitor.write"
    SUBSCRIPTION_WRITE = "subscription.write"
    HOLD_WRITE = "hold.write"
    PURGE = "project.purge"


LEAST_ROLE: Mapping[Permission, Role] = {
    Permission.PROJECT_READ: Role.VIEWER,
    Permission.AUDIT_READ: Role.VIEWER,
    Permission.RUN_WRITE: Role.CONTRIBUTOR,
    Permission.MODEL_WRITE: Role.CONTRIBUTOR,
    Permission.PROMOTION_REQUEST: Role.CONTRIBUTOR,
    Permission.DEPLOYMENT_REPORT: Role.CONTRIBUTOR,
    Permission.PROMOTION_APPROVE: Role.APPROVER,
    Permission.AUDIT_EXPORT: Role.APPROVER,
    Permission.RUN_DELETE: Role.MAINTAINER,
    Permission.POLICY_WRITE: Role.MAINTAINER,
    Permission.MEMBER_WRITE: Role.ADMIN,
    Permission.AUDIT_READ_PRIVATE: Role.MAINTAINER,
    Permission.PROFILE_REPORT: Role.CONTRIBUTOR,
    Permission.ALERT_WRITE: Role.CONTRIBUTOR,
    Permission.MONITOR_WRITE: Role.MAINTAINER,
    Permission.SUBSCRIPTION_WRITE: Role.MAINTAINER,
    Permission.HOLD_WRITE: Role.MAINTAINER,
    Permission.PURGE: Role.ADMIN,
}

SCOPE_OF: Mapping[Permission, str] = {
    Permission.PROJECT_READ: "read",
    Permission.AUDIT_READ: "read",
    Permission.AUDIT_EXPORT: "read",
    Permission.RUN_WRITE: "log",
    Permission.MODEL_WRITE: "register",
    Permission.PROMOTION_REQUEST: "promote",
    Permission.PROMOTION_APPROVE: "approve",
    Permission.DEPLOYMENT_REPORT: "report",
    Permission.RUN_DELETE: "manage",
    Permission.POLICY_WRITE: "manage",
    Permission.MEMBER_WRITE: "manage",
    Permission.AUDIT_READ_PRIVATE: "manage",
    Permission.PROFILE_REPORT: "report",
    Permission.ALERT_WRITE: "report",
    Permission.MONITOR_WRITE: "manage",
    Permission.SUBSCRIPTION_WRITE: "manage",
    Permission.HOLD_WRITE: "manage",
    Permission.PURGE: "manage",
}
METRICS_SCOPE = "metrics"  # belongs to no project: the figures are of the whole server
SCOPES = frozenset(SCOPE_OF.values()) | {METRICS_SCOPE, "*"}


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as known when the request or job began. `roles` is by project id; a server admin is admin everywhere."""

    id: UUID
    kind: str  # "user", "service" or "system"
    name: str
    display_name: str = ""
    roles: Mapping[int, Role] = field(default_factory=dict)
    is_server_admin: bool = False
    scopes: frozenset[str] = frozenset({"*"})
    only_project_id: int | None = None  # a token bound to one project
    auth_method: str = "system"  # "api_token", "session", "system"
    token_id: UUID | None = None
    account_id: int | None = None

    def role_in(self, project: ProjectRef) -> Role | None:
        if self.only_project_id is not None and self.only_project_id != project.id:
            return None
        return Role.ADMIN if self.is_server_admin else self.roles.get(project.id)

    def has_scope(self, scope: str) -> bool:
        return "*" in self.scopes or scope in self.scopes


SYSTEM_ID = UUID("00000000-0000-7000-8000-000000000000")


def system_principal(name: str = "system") -> Principal:
    """The actor of jobs, commands and first start."""
    return Principal(id=SYSTEM_ID, kind="system", name=name, display_name=name, is_server_admin=True)


DeniedHook = Callable[[Principal, str, "ProjectRef | None"], None]
on_denied: list[DeniedHook] = []


class NotAllowed(Forbidden):
    """The caller may see the object and may not do this with it. Carries what the ledger keeps of the attempt."""

    def __init__(self, detail: str, *, principal: Principal, permission: str, project: ProjectRef | None) -> None:
        super().__init__(detail, permission=permission)
        self.principal = principal
        self.permission = permission
        self.project = project


def can(principal: Principal, permission: Permission, project: ProjectRef) -> bool:
    role = principal.role_in(project)
    return role is not None and role >= LEAST_ROLE[permission] and principal.has_scope(SCOPE_OF[permission])


def require(principal: Principal, permission: Permission, project: ProjectRef) -> None:
    """Return if `principal` may; otherwise raise.

    Raises:
        NotFound: the caller may not even know of the project, so it answers like a missing one.
        NotAllowed: the project is the caller's to see, the act is not the caller's to do.
    """
    if can(principal, permission, project):
        return
    if principal.role_in(project) is None:
        raise project_not_found(project.name)
    needed = LEAST_ROLE[permission]
    if (principal.role_in(project) or 0) >= needed:
        detail = f"This token lacks the scope '{SCOPE_OF[permission]}', which {permission.value} needs."
    else:
        detail = f"{permission.value} in project '{project.name}' needs the role {needed.label} or above."
    raise NotAllowed(detail, principal=principal, permission=permission.value, project=project)


def administers(principal: Principal) -> bool:
    """Whether the caller administers the whole server with a token that may manage."""
    return principal.is_server_admin and principal.has_scope("manage") and principal.only_project_id is None


def require_server_admin(principal: Principal) -> None:
    """Raises NotAllowed unless the caller `administers` the whole server."""
    if not administers(principal):
        raise NotAllowed(
            "Only a server administrator may do this.", principal=principal, permission="server.admin", project=None
        )


def require_metrics(principal: Principal) -> None:
    """Raises NotAllowed unless the token names the scope `metrics`, which only administrators of the server can give, or is
    theirs. `*` in a member's token stands for what members may do.
    """
    named = METRICS_SCOPE in principal.scopes
    theirs = principal.is_server_admin and principal.has_scope(METRICS_SCOPE)
    if principal.only_project_id is not None or not (named or theirs):
        raise NotAllowed(
            "The figures of the server need a token with the scope 'metrics', which its administrators give.",
            principal=principal,
            permission="metrics.read",
            project=None,
        )


def project_not_found(name: str) -> NotFound:
    """The one answer for a project that is missing or hidden."""
    return NotFound(f"There is no project '{name}' that you may see.")


def visible_project_ids(principal: Principal) -> set[int] | None:
    """Ids of the projects the caller may read, or None for all of them."""
    if not principal.has_scope("read"):
        return set()
    if principal.only_project_id is not None:
        allowed = principal.is_server_admin or principal.only_project_id in principal.roles
        return {principal.only_project_id} if allowed else set()
    return None if principal.is_server_admin else set(principal.roles)
