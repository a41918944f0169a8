"""A person's own settings: who they are here, their tokens, their projects, and how pages look to them."""

from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import services
from accounts.api.scopes import require_scope
from accounts.models import Project, Token
from accounts.selectors import get_account, get_project, get_token, list_projects, list_tokens
from core import ratelimit
from core.access import METRICS_SCOPE, SCOPES, Principal, Role, administers, require_server_admin
from core.clock import now
from core.errors import Conflict, Forbidden, Invalid, LinealError
from core.problems import status_of
from web.context import THEME_COOKIE, THEMES
from web.forms import REFUSALS, display_name, mail_address, told
from web.views.base import A_YEAR_S, PageRequest, show, signed_in

LONGEST_LIFE_DAYS = 3650
SHOWN_TOKENS = 500


@signed_in(room="settings", methods=("GET", "POST"))
def token_list(request: PageRequest) -> HttpResponse:
    """One's tokens (an administrator sees everyone's), and the form for a new one. POST makes it and shows it once."""
    if request.method == "POST":
        return _create(request)
    return _token_page(request)


def _create(request: PageRequest) -> HttpResponse:
    form = request.POST
    ratelimit.take("make_secret", f"account:{request.principal.id}")
    try:
        account = get_account(name=request.principal.name, visible_to=request.principal)
        token, plaintext = services.create_token(
            account=account,
            name=form.get("name", "").strip(),
            scopes=form.getlist("scopes"),
            actor=request.principal,
            project=chosen_project(form, request.principal),
            expires_at=chosen_expiry(form.get("expires_in_days", "")),
        )
    except (Invalid, Forbidden, Conflict) as error:
        return _token_page(request, form=form, error=error.detail, status=status_of(error))
    response = _token_page(request, made=token, plaintext=plaintext, status=201)
    response.headers["Cache-Control"] = "no-store"
    return response


def chosen_project(form: QueryDict, principal: Principal) -> Project | None:
    name = form.get("project", "")
    return get_project(name=name, visible_to=principal) if name else None


def chosen_expiry(days: str) -> datetime | None:
    """Raises Invalid unless it is empty (never) or a whole number of days."""
    if not days.strip():
        return None
    if not days.strip().isdecimal() or not 1 <= int(days) <= LONGEST_LIFE_DAYS:
        raise Invalid(f"A token lives 1 to {LONGEST_LIFE_DAYS} days, or without end if left empty.")
    return now() + timedelta(days=int(days))


def _token_page(
    request: PageRequest,
    *,
    form: QueryDict | None = None,
    error: str = "",
    made: Token | None = None,
    plaintext: str = "",
    status: int = 200,
) -> HttpResponse:
    tokens = list(list_tokens(visible_to=request.principal)[:SHOWN_TOKENS])
    return show(
        request,
        "web/token_list.html",
        status=status,
        tokens=[(token, token_state(token)) for token in tokens],
        shows_accounts=any(token.account_id != request.principal.account_id for token in tokens),
        scopes=sorted(SCOPES - {"*"} - (set() if request.principal.is_server_admin else {METRICS_SCOPE})),
        projects=list(list_projects(visible_to=request.principal)),
        form=form or QueryDict(),
        chosen_scopes=form.getlist("scopes") if form else ["*"],
        error=error,
        made=made,
        plaintext=plaintext,
    )


def token_state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "active" if token.is_usable(now()) else "expired"


@signed_in(room="settings", methods=("POST",))
def token_revoke(request: PageRequest, uuid: UUID) -> HttpResponse:
    token = get_token(uuid=uuid, visible_to=request.principal)
    services.revoke_token(token=token, actor=request.principal, reason=request.POST.get("reason", "").strip())
    return HttpResponseRedirect(reverse("web:token_list"))


@signed_in(room="settings", methods=("GET", "POST"))
def profile(request: PageRequest) -> HttpResponse:
    """Who one is here, one's projects and how pages look. POST changes one's names, or makes a project."""
    error: LinealError | None = None
    if request.method == "POST":
        try:
            return _change_profile(request)
        except REFUSALS as refused:
            error = refused
    principal = request.principal
    projects = list_projects(visible_to=principal)
    return show(
        request,
        "web/profile.html",
        status=status_of(error) if error else 200,
        account=get_account(name=principal.name, visible_to=principal),
        roles=[(project, _role(principal, project)) for project in projects],
        may_make_projects=administers(principal),
        problems=told(error),
        form=request.POST,
    )


def _change_profile(request: PageRequest) -> HttpResponse:
    form, principal = request.POST, request.principal
    act = form.get("act", "")
    if act == "names":
        require_scope(principal, "manage")
        account = get_account(name=principal.name, visible_to=principal)
        services.update_account(
            account=account,
            display_name=display_name(form.get("display_name", "")),
            email=mail_address(form.get("email", "")),
            actor=principal,
        )
    elif act == "project":
        require_server_admin(principal)
        project = services.create_project(
            name=form.get("name", "").strip(), description=form.get("description", "").strip(), actor=principal
        )
        return HttpResponseRedirect(reverse("web:project_general", args=[project.name]))
    else:
        raise Invalid("An act is one of names, project.", field="act")
    return HttpResponseRedirect(reverse("web:profile"))


@signed_in(room="settings", methods=("POST",))
def theme(request: PageRequest) -> HttpResponse:
    """Light, dark, or as the system has it: a cookie of this browser, for who has no script; nothing is stored here."""
    chosen = request.POST.get("theme", "")
    response = HttpResponseRedirect(reverse("web:profile"))
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=A_YEAR_S, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


def _role(principal: Principal, project: Project) -> str:
    role: Role | None = principal.role_in(project)
    return role.label if role else ""
