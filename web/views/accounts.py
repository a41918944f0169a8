"""Accounts of people and services, as the directory shows them to the reader; administrators of the server make and shut them."""

from collections.abc import Callable, Mapping

from django.db.models import Count
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from accounts import selectors, services
from accounts.models import Account
from core import ratelimit
from core.access import SCOPES, Principal, administers, require_server_admin
from core.errors import Invalid, LinealError
from core.problems import status_of
from web.forms import REFUSALS, display_name, mail_address, reason_of, told
from web.paging import by_name, newest_first
from web.views.base import PageRequest, show, signed_in
from web.views.settings import chosen_expiry, chosen_project, token_state

KINDS = {"user": "People", "service": "Service accounts"}
ACCOUNTS_PER_PAGE = 100


@signed_in(room="settings", methods=("GET", "POST"))
def account_list(request: PageRequest) -> HttpResponse:
    """Those that the reader may know of, people or services. POST makes one, for administrators of the server."""
    kind = _kind(request.GET.get("kind", "user"))
    error: LinealError | None = None
    if request.method == "POST":
        require_server_admin(request.principal)
        try:
            made = _create(request.POST, request.principal)
            return HttpResponseRedirect(reverse("web:account_detail", args=[made.name]))
        except REFUSALS as refused:
            error, kind = refused, request.POST.get("kind", kind)
    accounts = selectors.list_accounts(visible_to=request.principal, kind=kind)
    if administers(request.principal):  # to others the number would tell of projects that are none of theirs
        accounts = accounts.annotate(projects=Count("memberships"))
    page = by_name(accounts, request, size=ACCOUNTS_PER_PAGE)
    return show(
        request,
        "web/account_list.html",
        status=status_of(error) if error else 200,
        accounts=page.rows,
        next_url=page.next_url,
        kind=kind,
        tabs=[(words, f"?kind={each}", each == kind) for each, words in KINDS.items()],
        sees_mail=request.principal.is_server_admin,
        may_write=administers(request.principal),
        problems=told(error),
        form=request.POST,
    )


def _kind(text: str) -> str:
    if text not in KINDS:
        raise Invalid(f"An account is one of {', '.join(KINDS)}.", field="kind")
    return text


def _create(form: QueryDict, actor: Principal) -> Account:
    return services.create_account(
        kind=_kind(form.get("kind", "")),
        name=form.get("name", "").strip(),
        display_name=display_name(form.get("display_name", "")),
        email=mail_address(form.get("email", "")),
        is_server_admin="is_server_admin" in form,
        actor=actor,
    )


@signed_in(room="settings", methods=("GET", "POST"))
def account_detail(request: PageRequest, name: str) -> HttpResponse:
    """One account: roles and tokens that the reader may see. POST does what its button says, for administrators of the server."""
    account = selectors.get_account(name=name, visible_to=request.principal)
    if request.method != "POST":
        return _page(request, account)
    require_server_admin(request.principal)
    act = _ACTS.get(request.POST.get("act", ""), _unknown)
    try:
        secret = act(account, request.POST, request.principal)
    except REFUSALS as error:
        return _page(request, account, error=error, status=status_of(error))
    if secret:
        response = _page(request, account, secret=secret, status=201)
        response.headers["Cache-Control"] = "no-store"
        return response
    return HttpResponseRedirect(reverse("web:account_detail", args=[name]))


def _update(account: Account, form: QueryDict, actor: Principal) -> str:
    services.update_account(
        account=account,
        display_name=display_name(form.get("display_name", "")),
        email=mail_address(form.get("email", "")),
        is_server_admin="is_server_admin" in form,
        actor=actor,
    )
    return ""


def _deactivate(account: Account, form: QueryDict, actor: Principal) -> str:
    services.deactivate_account(account=account, actor=actor, reason=reason_of(form.get("reason", "")))
    return ""


def _reactivate(account: Account, form: QueryDict, actor: Principal) -> str:
    services.reactivate_account(account=account, actor=actor, reason=reason_of(form.get("reason", "")))
    return ""


def _make_token(account: Account, form: QueryDict, actor: Principal) -> str:
    """For a service; people make their own, so that what is done with it was done by them."""
    if account.kind != Account.Kind.SERVICE:
        raise Invalid(f"'{account.name}' is a person, who alone makes tokens for that account.", field="act")
    ratelimit.take("make_secret", f"account:{actor.id}")
    _, plaintext = services.create_token(
        account=account,
        name=form.get("name", "").strip(),
        scopes=form.getlist("scopes"),
        project=chosen_project(form, actor),
        expires_at=chosen_expiry(form.get("expires_in_days", "")),
        actor=actor,
    )
    return plaintext


def _unknown(account: Account, form: QueryDict, actor: Principal) -> str:
    raise Invalid(f"An act is one of {', '.join(_ACTS)}.", field="act")


_ACTS: Mapping[str, Callable[[Account, QueryDict, Principal], str]] = {
    "update": _update,
    "deactivate": _deactivate,
    "reactivate": _reactivate,
    "token": _make_token,
}


def _page(
    request: PageRequest,
    account: Account,
    *,
    error: LinealError | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    viewer = request.principal
    account = Account.objects.get(pk=account.pk)
    visible = set(selectors.list_projects(visible_to=viewer).values_list("pk", flat=True))
    memberships = account.memberships.filter(project__in=visible).select_related("project").order_by("project__name")
    tokens = newest_first(selectors.list_tokens(visible_to=viewer).filter(account=account), request)
    form = request.POST if error else QueryDict()
    return show(
        request,
        "web/account_detail.html",
        status=status,
        account=account,
        roles=[(membership.project, membership.get_role_display()) for membership in memberships],
        tokens=[(token, token_state(token)) for token in tokens.rows],
        next_url=tokens.next_url,
        sees_mail=viewer.is_server_admin or viewer.id == account.uuid,
        may_write=administers(viewer),
        scopes=sorted(SCOPES - {"*"}),
        projects=list(selectors.list_projects(visible_to=viewer)[:500]),
        chosen_scopes=form.getlist("scopes"),
        problems=told(error),
        form=form,
        secret=secret,
    )
