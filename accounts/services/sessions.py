"""Signing in to the pages: one-time links, and the sessions that come of them."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from accounts.errors import AccountInactive, InvalidLoginLink, InvalidToken, WiderThanMaker
from accounts.evidence import account_target, session_target
from accounts.identity import Proof, SignInMethod
from accounts.models import Account, LoginLink, PageSession, Token
from accounts.secrets import digest, new_secret
from accounts.selectors import principal_of, principal_of_token
from audit.services import record
from core import clock
from core.access import Principal
from core.errors import Invalid

LINK_LIFETIME = timedelta(minutes=10)
IDLE_LIFETIME = timedelta(hours=12)  # a working day away from the page
SESSION_LIFETIME = timedelta(days=7)  # then the browser signs in again, however busy it was
NOTE_USE_EVERY = timedelta(minutes=5)  # how exact the idle time is; a page polls more often than that


@transaction.atomic
def create_login_link(*, account: Account, actor: Principal) -> tuple[LoginLink, str]:
    """A link's secret, good for one sign-in within ten minutes. A session may do all that the account may, so who asks
    has to be as wide: the account itself with an unrestricted token, or an administrator of the server.

    Raises:
        Invalid: the account is a service, which has no browser.
        AccountInactive: the account is deactivated.
        WiderThanMaker: the token that asks is restricted in scopes or to a project.
    """
    if account.kind != Account.Kind.USER:
        raise Invalid(f"'{account.name}' is a service account; only people sign in to pages.", field="account")
    _refuse_restricted(actor)
    if not Account.objects.select_for_update().filter(pk=account.pk, active=True).exists():
        raise AccountInactive(f"The account '{account.name}' is deactivated.")
    secret = new_secret()
    link = LoginLink.objects.create(
        account=account,
        asked_with=_token_of(actor) if actor.account_id == account.id else None,
        secret_sha256=digest(secret),
        expires_at=clock.now() + LINK_LIFETIME,
    )
    record(
        action="login_link.create",
        target=account_target(account),
        actor=actor,
        project=None,
        after={"expires_at": link.expires_at},
    )
    return link, secret


def _refuse_restricted(principal: Principal) -> None:
    if not principal.has_scope("*") or principal.only_project_id is not None:
        raise WiderThanMaker(
            "Signing in opens all that the account may, and this token is restricted.", principal=principal
        )


def _token_of(actor: Principal) -> Token | None:
    tokens = Token.objects.select_related("account")
    return tokens.filter(uuid=actor.token_id).first() if actor.token_id else None


@transaction.atomic
def exchange_login_link(*, secret: str, replacing: str | None = None) -> tuple[PageSession, str]:
    """Sign in with a link's secret, once. `replacing` is the secret of a session that the browser held before; it ends.

    Returns the session and its secret, for the cookie. Of two exchanges at once one wins (compare-and-set).

    Raises:
        InvalidLoginLink: unknown, used or expired, or the account or token behind it has ended.
    """
    moment = clock.now()
    found = LoginLink.objects.select_related("account", "asked_with").filter(secret_sha256=digest(secret)).first()
    if found is None or not _still_good(found):
        raise InvalidLoginLink
    taken = LoginLink.objects.filter(pk=found.pk, used_at=None, expires_at__gt=moment).update(used_at=moment)
    if not taken:
        raise InvalidLoginLink
    proof = Proof(account=found.account, method=SignInMethod.LOGIN_LINK, stems_from=found.asked_with)
    return begin_session(proof=proof, replacing=replacing)


def _still_good(link: LoginLink) -> bool:
    return link.account.active and (link.asked_with is None or link.asked_with.is_usable(clock.now()))


@transaction.atomic
def exchange_token(*, plaintext: str, replacing: str | None = None) -> tuple[PageSession, str]:
    """Sign in with an unrestricted token of a person. The session ends with the token, and no later.

    Raises:
        InvalidToken: it is not accepted.
        WiderThanMaker: it is restricted in scopes or to a project.
        Invalid: it is a service's, which has no browser.
    """
    principal = principal_of_token(plaintext)
    token = _token_of(principal)
    if token is None:
        raise InvalidToken
    if token.account.kind != Account.Kind.USER:
        raise Invalid(f"'{token.account.name}' is a service account; only people sign in to pages.", field="token")
    _refuse_restricted(principal)
    proof = Proof(account=token.account, method=SignInMethod.API_TOKEN, stems_from=token)
    return begin_session(proof=proof, replacing=replacing)


@transaction.atomic
def begin_session(*, proof: Proof, replacing: str | None = None) -> tuple[PageSession, str]:
    """A page session for whom `proof` proves, with a secret nobody has seen yet, so that a planted cookie is worth
    nothing.
    """
    moment = clock.now()
    ends_at = moment + SESSION_LIFETIME
    if proof.stems_from is not None and proof.stems_from.expires_at is not None:
        ends_at = min(ends_at, proof.stems_from.expires_at)
    secret = new_secret()
    session = PageSession.objects.create(
        account=proof.account,
        stems_from=proof.stems_from,
        method=proof.method.value,
        secret_sha256=digest(secret),
        created_at=moment,
        last_seen_at=moment,
        expires_at=min(moment + IDLE_LIFETIME, ends_at),
        ends_at=ends_at,
    )
    if replacing:
        PageSession.objects.filter(secret_sha256=digest(replacing)).delete()
    record(
        action="session.begin",
        target=session_target(session),
        actor=principal_of(proof.account, auth_method=proof.method.value),
        project=None,
        after={"method": proof.method.value, "ends_at": ends_at},
    )
    return session, secret


@transaction.atomic
def end_session(*, session: PageSession, actor: Principal) -> None:
    """Sign out: the cookie is worth nothing from here on. Ending an ended one does nothing."""
    ended, _ = PageSession.objects.filter(pk=session.pk).delete()
    if ended:
        record(action="session.end", target=session_target(session), actor=actor, project=None)


def note_session_use(session: PageSession) -> None:
    """Let the session slide on: at most one UPDATE in five minutes."""
    moment = clock.now()
    if moment - session.last_seen_at < NOTE_USE_EVERY:
        return
    expires_at = min(moment + IDLE_LIFETIME, session.ends_at)
    PageSession.objects.filter(pk=session.pk).update(last_seen_at=moment, expires_at=expires_at)


def purge_expired() -> None:
    """Drop sessions that have ended, and links that nobody can use any more. Their entries in the ledger stay."""
    moment = clock.now()
    PageSession.objects.filter(expires_at__lte=moment).delete()
    LoginLink.objects.filter(Q(expires_at__lte=moment) | Q(used_at__isnull=False)).delete()
