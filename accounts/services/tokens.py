"""API tokens: made, used, revoked. Only `create_token` ever holds a plaintext, and only in what it returns."""

import threading
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts import recent
from accounts.errors import AccountInactive, WiderThanMaker
from accounts.evidence import token_target
from accounts.models import Account, LoginLink, PageSession, Project, Token
from accounts.secrets import digest, new_token
from audit.services import record
from core import clock
from core.access import METRICS_SCOPE, SCOPES, Principal
from core.errors import Invalid

NOTE_USE_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is; anything finer would be a write per request


@transaction.atomic
def create_token(
    *,
    account: Account,
    name: str,
    scopes: Collection[str],
    actor: Principal,
    project: Project | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """A new token for `account`, and its plaintext, which is nowhere kept. It is never wider than what `actor` signs
    in with: not in scopes, not in projects, and it does not outlive it (without `expires_at` it ends when its maker
    does).

    Raises:
        Invalid: no name, no scopes or unknown ones, or an expiry that has passed.
        WiderThanMaker: more scopes, projects or time than the token that asks has itself.
        AccountInactive: the account is deactivated.
    """
    _check_token(name, scopes, expires_at)
    _check_width(actor, scopes, project)
    expires_at = _bounded_expiry(actor, expires_at)
    if not Account.objects.select_for_update().filter(pk=account.pk, active=True).exists():
        raise AccountInactive(f"The account '{account.name}' is deactivated.")
    made = new_token()
    token = Token.objects.create(
        account=account,
        name=name,
        prefix=made.prefix,
        secret_sha256=digest(made.secret),
        scopes=["*"] if "*" in scopes else sorted(set(scopes)),
        project=project,
        expires_at=expires_at,
    )
    record(
        action="token.create",
        target=token_target(token),
        actor=actor,
        project=project,
        after={"scopes": token.scopes, "expires_at": expires_at, "project": project.name if project else None},
        refs=[("account", str(account.uuid))],
    )
    return token, made.plaintext


def _check_token(name: str, scopes: Collection[str], expires_at: datetime | None) -> None:
    if not name.strip() or len(name) > 100:
        raise Invalid("A token needs a name of 1 to 100 characters that says where it is used.", field="name")
    unknown = sorted(set(scopes) - SCOPES)
    if unknown or not scopes:
        known = ", ".join(sorted(SCOPES))
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise Invalid(f"A token needs scopes out of {known}; {wrong}.", field="scopes")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid(f"A token cannot expire in the past ({clock.text(expires_at)}).", field="expires_at")


def _check_width(actor: Principal, scopes: Collection[str], project: Project | None) -> None:
    missing = sorted(scope for scope in set(scopes) if not actor.has_scope(scope))
    if missing:
        raise WiderThanMaker(
            f"The token that asks lacks the scopes it asks for: {', '.join(missing)}.", principal=actor
        )
    if METRICS_SCOPE in scopes and not actor.is_server_admin:
        raise WiderThanMaker("Only administrators of the server give the scope 'metrics'.", principal=actor)
    if actor.only_project_id is not None and (project is None or project.id != actor.only_project_id):
        raise WiderThanMaker("The token that asks is bound to one project, and so is what it makes.", principal=actor)


def _bounded_expiry(actor: Principal, expires_at: datetime | None) -> datetime | None:
    maker = Token.objects.filter(uuid=actor.token_id).first() if actor.token_id else None
    if maker is None or maker.expires_at is None:
        return expires_at
    if expires_at is not None and expires_at > maker.expires_at:
        raise WiderThanMaker(
            f"The token that asks ends at {clock.text(maker.expires_at)}, before what it makes.", principal=actor
        )
    return expires_at or maker.expires_at


@transaction.atomic
def revoke_token(*, token: Token, actor: Principal, reason: str = "") -> Token:
    """End the token, and the page sessions and unused links that came of it. Twice is once.

    Holds at once in this process, and within `recent.LIFETIME_S` in the others.
    """
    token = Token.objects.select_for_update().select_related("account").get(pk=token.pk)
    if token.revoked_at is not None:
        return token
    token.revoked_at = clock.now()
    token.save(update_fields=["revoked_at"])
    sessions, _ = PageSession.objects.filter(stems_from=token).delete()
    LoginLink.objects.filter(asked_with=token, used_at=None).delete()
    recent.forget_on_commit()
    record(
        action="token.revoke",
        target=token_target(token),
        actor=actor,
        project=token.project,
        reason=reason,
        after={"revoked_at": token.revoked_at, "sessions_ended": sessions},
        refs=[("account", str(token.account.uuid))],
    )
    return token


_noted: dict[UUID, float] = {}  # token → when this process last wrote down its use, by the monotonic clock
_noting = threading.Lock()


def note_token_use(token_id: UUID) -> None:
    """Keep `last_used_at` true to the minute: at most one UPDATE a minute for each process, none in between."""
    moment = time.monotonic()
    with _noting:
        if moment - _noted.get(token_id, -NOTE_USE_EVERY.total_seconds()) < NOTE_USE_EVERY.total_seconds():
            return
        if len(_noted) >= recent.MOST_ENTRIES:
            _noted.clear()
        _noted[token_id] = moment
    stale = Q(last_used_at=None) | Q(last_used_at__lt=clock.now() - NOTE_USE_EVERY)
    Token.objects.filter(stale, uuid=token_id).update(last_used_at=clock.now())
