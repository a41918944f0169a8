"""A project's own settings: what it is for, whether it is archived, and who has which role in it."""

from collections.abc import Callable, Mapping

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import archives, selectors, services
from accounts.models import Membership, Project
from core.access import LEAST_ROLE, Permission, Principal, Role
from core.errors import Conflict, Invalid, LinealError
from core.problems import status_of
from web.forms import REFUSALS, chosen_role, named_account, reason_of, told
from web.paging import by_name
from web.views.base import PageRequest, project_page, show

WRITE = Permission.MEMBER_WRITE
MEMBERS_PER_PAGE = 100
OFFERED_ACCOUNTS = 200  # names that the field for a new member completes
LONGEST_DESCRIPTION = 10_000


@project_page(room="settings")
def project_settings(request: PageRequest, project: Project) -> HttpResponse:
    return HttpResponseRedirect(reverse("web:project_general", args=[project.name]))


@project_page(room="settings", methods=("GET", "POST"))
def project_general(request: PageRequest, project: Project) -> HttpResponse:
    """What it is for, and its archive. POST changes one of them."""
    error: LinealError | None = None
    if request.method == "POST":
        archives.require(request.principal, WRITE, project)
        try:
            _change(project, request.POST, request.principal)
            return HttpResponseRedirect(reverse("web:project_general", args=[project.name]))
        except REFUSALS as refused:
            error = refused
    return show(
        request,
        "web/project_general.html",
        status=status_of(error) if error else 200,
        project=project,
        may_write=archives.can(request.principal, WRITE, project),
        problems=told(error),
        description=request.POST.get("description", project.description),
    )


def _change(project: Project, form: QueryDict, actor: Principal) -> None:
    act = form.get("act", "")
    if act == "describe":
        description = form.get("description", "").strip()
        if len(description) > LONGEST_DESCRIPTION:
            raise Invalid(f"A description has at most {LONGEST_DESCRIPTION} characters.", field="description")
        services.update_project(project=project, actor=actor, description=description)
    elif act in {"archive", "restore"}:
        reason = reason_of(form.get("reason", ""))
        services.update_project(project=project, actor=actor, archived=act == "archive", reason=reason)
    else:
        raise Invalid("An act is one of describe, archive, restore.", field="act")


@project_page(room="settings", methods=("GET", "POST"))
def member_list(request: PageRequest, project: Project) -> HttpResponse:
    """Who has which role. POST gives a role, changes one or takes it away, by the value of its button."""
    if request.method != "POST":
        return _members_page(request, project)
    archives.require(request.principal, WRITE, project)
    act = _ACTS.get(request.POST.get("act", ""), _unknown)
    try:
        act(project, request.POST, request.principal)
    except REFUSALS as error:
        return _members_page(request, project, error=error, form=request.POST, status=status_of(error))
    return HttpResponseRedirect(reverse("web:member_list", args=[project.name]))


def _set_role(project: Project, form: QueryDict, actor: Principal) -> None:
    account = named_account(form.get("account", ""), actor)
    services.set_role(account=account, project=project, role=chosen_role(form.get("role", "")), actor=actor)


def _remove(project: Project, form: QueryDict, actor: Principal) -> None:
    account = named_account(form.get("account", ""), actor)
    services.remove_member(account=account, project=project, actor=actor, reason=reason_of(form.get("reason", "")))


def _unknown(project: Project, form: QueryDict, actor: Principal) -> None:
    raise Invalid(f"An act is one of {', '.join(_ACTS)}.", field="act")


_ACTS: Mapping[str, Callable[[Project, QueryDict, Principal], None]] = {"set": _set_role, "remove": _remove}


def _members_page(
    request: PageRequest,
    project: Project,
    *,
    error: Invalid | Conflict | LinealError | None = None,
    form: QueryDict | None = None,
    status: int = 200,
) -> HttpResponse:
    page = by_name(selectors.list_members(project=project), request, field="account__name", size=MEMBERS_PER_PAGE)
    may_write = archives.can(request.principal, WRITE, project)
    return show(
        request,
        "web/member_list.html",
        status=status,
        members=[(membership, Role(membership.role).label) for membership in page.rows],
        next_url=page.next_url,
        may_write=may_write,
        roles=[role.label for role in Role],
        rights=_rights(),
        offered=_offered(project, request.principal) if may_write else [],
        problems=told(error),
        form=form or QueryDict(),
    )


def _offered(project: Project, viewer: Principal) -> list[str]:
    """Accounts that have no role here yet."""
    there = Membership.objects.filter(project=project).values("account_id")
    accounts = selectors.list_accounts(visible_to=viewer).filter(active=True).exclude(pk__in=there)
    return list(accounts.values_list("name", flat=True)[:OFFERED_ACCOUNTS])


def _rights() -> list[tuple[str, list[str]]]:
    """What each role adds to the one before it, as the check of permissions has it."""
    return [
        (role.label, sorted(permission.value for permission, least in LEAST_ROLE.items() if least == role))
        for role in Role
    ]
