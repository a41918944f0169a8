"""Signing in and out of the pages: what a page view calls to turn a link or a token into a cookie, and to take it
back.
"""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import rotate_token

from accounts import cookies, services
from accounts.errors import InvalidLoginLink, InvalidToken
from accounts.models import PageSession
from accounts.selectors import find_session, principal_of
from core import ratelimit
from core.context import client_ip


def sign_in_by_link(request: HttpRequest, response: HttpResponseBase, *, secret: str) -> PageSession:
    """Spend a one-time link and put the session's cookie on `response`.

    Raises:
        InvalidLoginLink: the link does not sign in (any more).
        TooMany: too many tries from this address.
    """
    ratelimit.take("sign_in", client_ip(request))
    replacing = cookies.session_secret(request)
    try:
        session, cookie = services.exchange_login_link(secret=secret, replacing=replacing)
    except InvalidLoginLink:
        ratelimit.take("failed_sign_in", client_ip(request))
        raise
    return _signed_in(request, response, session, cookie)


def sign_in_by_token(request: HttpRequest, response: HttpResponseBase, *, plaintext: str) -> PageSession:
    """The same with a token that a person pasted. It has to be unrestricted, since a session may do all that the
    account may.

    Raises:
        InvalidToken: the token is not accepted.
        WiderThanMaker: it is restricted in scopes or to a project, or a service's.
        TooMany: too many tries from this address.
    """
    ratelimit.take("sign_in", client_ip(request))
    replacing = cookies.session_secret(request)
    try:
        session, cookie = services.exchange_token(plaintext=plaintext.strip(), replacing=replacing)
    except InvalidToken:
        ratelimit.take("failed_sign_in", client_ip(request))
        raise
    return _signed_in(request, response, session, cookie)


def sign_out(request: HttpRequest, response: HttpResponseBase) -> bool:
    """End the session that the request's cookie names and take the cookie back; whether there was one."""
    cookies.clear_session(response)
    secret = cookies.session_secret(request)
    session = find_session(secret) if secret else None
    if session is None:
        return False
    services.end_session(session=session, actor=principal_of(session.account, auth_method="session"))
    return True


def _signed_in(request: HttpRequest, response: HttpResponseBase, session: PageSession, secret: str) -> PageSession:
    cookies.set_session(response, session=session, secret=secret, request=request)
    rotate_token(request)  # a CSRF token from before the sign-in may be known to somebody else
    return session
