"""From an account, a token or a page session to the `Principal` that every room asks."""

from dataclasses import dataclass
from datetime import datetime

from accounts import recent
from accounts.errors import InvalidToken
from accounts.identity import SignInMethod
from accounts.models import Account, Membership, PageSession, Token
from accounts.secrets import TokenText, digest, matches, parse_token
from core import clock
from core.access import Principal, Role

_NO_TOKEN_SHA256 = digest("")  # compared when the prefix is unknown, so that both misses take the same time


@dataclass(frozen=True, slots=True)
class _Proven:
    principal: Principal
    expires_at: datetime | None


_proven = recent.memory()


def principal_of(account: Account, *, auth_method: str = "system") -> Principal:
    """`account` with all that it may, as it stands now. One query."""
    return _principal(account, auth_method=auth_method)


def principal_of_token(plaintext: str) -> Principal:
    """The caller behind a token. Two queries, or none when the same token was proven in the last two seconds.

    Raises:
        InvalidToken: malformed, unknown, expired or revoked, or its account is deactivated.
    """
    text = parse_token(plaintext)
    if text is None:
        raise InvalidToken
    proven: _Proven = _proven.get(digest(plaintext), lambda: _prove(text))
    if proven.expires_at is not None and clock.now() >= proven.expires_at:
        raise InvalidToken
    return proven.principal


def _prove(text: TokenText) -> _Proven:
    token = Token.objects.select_related("account").filter(prefix=text.prefix).first()
    known = matches(text.secret, token.secret_sha256 if token else _NO_TOKEN_SHA256)
    if token is None or not known or not token.is_usable(clock.now()) or not token.account.active:
        raise InvalidToken
    principal = _principal(
        token.account,
        auth_method=SignInMethod.API_TOKEN,
        scopes=frozenset(token.scopes),
        only_project_id=token.project_id,
        token=token,
    )
    return _Proven(principal, token.expires_at)


def principal_of_session(secret: str) -> Principal | None:
    """The caller behind a page session's cookie, or None when it has ended. Two queries."""
    session = find_session(secret)
    return session_principal(session) if session else None


def find_session(secret: str) -> PageSession | None:
    """The living session of that secret: not idle too long, not too old, its account active and the token that it stems
    from, if any, not revoked. One query.
    """
    return (
        PageSession.objects.select_related("account", "stems_from")
        .filter(secret_sha256=digest(secret), expires_at__gt=clock.now(), account__active=True)
        .filter(stems_from__revoked_at=None)  # true where there is no token, too
        .first()
    )


def session_principal(session: PageSession) -> Principal:
    return _principal(session.account, auth_method=SignInMethod.SESSION, token=session.stems_from)


def _principal(
    account: Account,
    *,
    auth_method: str,
    scopes: frozenset[str] = frozenset({"*"}),
    only_project_id: int | None = None,
    token: Token | None = None,
) -> Principal:
    memberships = Membership.objects.filter(account=account).values_list("project_id", "role")
    return Principal(
        id=account.uuid,
        kind=account.kind,
        name=account.name,
        display_name=account.display_name,
        roles={project_id: Role(role) for project_id, role in memberships},
        is_server_admin=account.is_server_admin,
        scopes=scopes,
        only_project_id=only_project_id,
        auth_method=str(auth_method),
        token_id=token.uuid if token else None,
        account_id=account.id,
    )
