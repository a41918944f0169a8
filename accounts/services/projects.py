"""Projects and the roles in them. A project always keeps an administrator, and its name for ever."""

from django.db import IntegrityError, transaction

from accounts import recent
from accounts.errors import AccountInactive, LastAdmin, NameTaken
from accounts.evidence import membership_target, project_target
from accounts.models import Account, Membership, Project
from accounts.names import check_name
from audit.services import record
from core import clock, events
from core.access import Principal, Role
from core.errors import NotFound


@transaction.atomic
def create_project(*, name: str, actor: Principal, description: str = "") -> Project:
    """A new project with its creator as administrator; announces `project.created` with `project_id`.

    Raises:
        Invalid: the name is not written as a name.
        NameTaken: a project has that name, archived ones included.
    """
    check_name(name)
    try:
        with transaction.atomic():
            project = Project.objects.create(name=name, description=description)
    except IntegrityError as exc:
        raise NameTaken(f"There is a project '{name}' already.") from exc
    record(
        action="project.create",
        target=project_target(project),
        actor=actor,
        project=project,
        after={"description": description},
    )
    creator = Account.objects.filter(pk=actor.account_id).first() if actor.account_id is not None else None
    if creator is not None:
        set_role(account=creator, project=project, role=Role.ADMIN, actor=actor)
    recent.forget_on_commit()
    events.announce("project.created", project_id=project.id)
    return project


@transaction.atomic
def update_project(
    *,
    project: Project,
    actor: Principal,
    description: str | None = None,
    archived: bool | None = None,
    reason: str = "",
) -> Project:
    """Describe it anew, archive it (readable, closed for writing) or restore it. What is None or as it was stays."""
    project = Project.objects.select_for_update().get(pk=project.pk)
    if description is not None and description != project.description:
        _describe(project, description, actor)
    if archived is not None and archived != project.is_archived:
        _archive(project, archived, actor, reason)
    recent.forget_on_commit()
    return project


def _describe(project: Project, description: str, actor: Principal) -> None:
    before = {"description": project.description}
    project.description = description
    project.save(update_fields=["description"])
    record(
        action="project.update",
        target=project_target(project),
        actor=actor,
        project=project,
        before=before,
        after={"description": description},
    )


def _archive(project: Project, archived: bool, actor: Principal, reason: str) -> None:
    project.archived_at = clock.now() if archived else None
    project.save(update_fields=["archived_at"])
    record(
        action="project.archive" if archived else "project.restore",
        target=project_target(project),
        actor=actor,
        project=project,
        reason=reason,
        before={"archived": not archived},
        after={"archived": archived},
    )


@transaction.atomic
def set_role(*, account: Account, project: Project, role: Role, actor: Principal) -> Membership:
    """Give `account` the role, whatever it was before; the same again leaves no entry. Locks the project's row.

    Raises:
        AccountInactive: the account is deactivated.
        LastAdmin: it would take the project's last active administrator away.
    """
    _lock(project)
    if not Account.objects.filter(pk=account.pk, active=True).exists():
        raise AccountInactive(f"The account '{account.name}' is deactivated.")
    membership = _find_membership(account, project)
    before = Role(membership.role) if membership else None
    if membership and before == role:
        return membership
    if before == Role.ADMIN:
        _refuse_last_admin(account, project)
    membership, _ = Membership.objects.update_or_create(account=account, project=project, defaults={"role": role.value})
    recent.forget_on_commit()
    record(
        action="membership.set_role",
        target=membership_target(membership),
        actor=actor,
        project=project,
        before={"role": before.label if before else None},
        after={"role": role.label},
    )
    return membership


@transaction.atomic
def remove_member(*, account: Account, project: Project, actor: Principal, reason: str = "") -> None:
    """Take `account`'s role away. Locks the project's row.

    Raises:
        NotFound: it has none.
        LastAdmin: it is the project's last active administrator.
    """
    _lock(project)
    membership = _find_membership(account, project)
    if membership is None:
        raise NotFound(f"'{account.name}' has no role in project '{project.name}'.")
    if membership.role == Role.ADMIN:
        _refuse_last_admin(account, project)
    membership.delete()
    recent.forget_on_commit()
    record(
        action="membership.remove",
        target=membership_target(membership),
        actor=actor,
        project=project,
        reason=reason,
        before={"role": Role(membership.role).label},
        after={"role": None},
    )


def _lock(project: Project) -> None:
    """Two administrators demoting each other at once have to come one after the other."""
    Project.objects.select_for_update().get(pk=project.pk)


def _find_membership(account: Account, project: Project) -> Membership | None:
    return Membership.objects.select_related("account").filter(account=account, project=project).first()


def _refuse_last_admin(account: Account, project: Project) -> None:
    """Holds for everyone, the server's administrators too: whoever wants the last one out appoints another first."""
    admins = Membership.objects.filter(project=project, role=Role.ADMIN.value, account__active=True)
    if account.active and not admins.exclude(account=account).exists():
        raise LastAdmin(
            f"'{account.name}' is the last administrator of project '{project.name}'; appoint another first."
        )
