"""A one-time login link used from a terminal: it becomes a short page session, which makes a token and is ended again."""

import contextlib
import platform
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag

from lineal._credentials import Target, normalised
from lineal._errors import LinealError
from lineal.cli.exits import CommandFailed, usage_error

if TYPE_CHECKING:
    from lineal._http import Response, Transport

TOKEN_DAYS = 90
_CSRF_COOKIE = "lineal_csrf"


def is_login_link(url: str) -> bool:
    """`http://host/login#secret`."""
    address, secret = urldefrag(url)
    return bool(secret) and address.rstrip("/").endswith("/login")


def token_from_link(link: str, *, vkey: str | None) -> tuple[str, str]:
    """The server's base URL and a new token of the account that the link was made for. Uses the link up.

    Raises:
        CommandFailed: the link was used before, has expired, or is none of this server's.
        LinealError: as of every request.
    """
    address, secret = urldefrag(link)
    base_url, origin = normalised(address.rstrip("/").removesuffix("/login"))
    from lineal._http import Transport

    session = _PageSession(Transport(Target(base_url, origin, None, vkey)), origin)
    session.begin(secret)
    try:
        return base_url, session.make_token()
    finally:
        session.end()


class _PageSession:
    """What a browser does to sign in, with its two cookies."""

    def __init__(self, transport: "Transport", origin: str) -> None:
        self._transport = transport
        self._origin = origin
        self._cookies: dict[str, str] = {}

    def begin(self, secret: str) -> None:
        self._send("GET", f"{self._transport.target.base_url}/login")
        if _CSRF_COOKIE not in self._cookies:
            raise usage_error(f"{self._transport.target.base_url} shows no sign-in page: is the link whole?")
        try:
            self._send("POST", f"{self._transport.target.base_url}/login/exchange", {"secret": secret, "next": ""})
        except LinealError as error:
            raise CommandFailed(f"the link was not accepted: {error}") from error

    def make_token(self) -> str:
        body = {"name": f"lineal login on {platform.node() or 'a terminal'}"[:100], "scopes": ["*"]}
        return str(self._send("POST", "/tokens", {**body, "expires_in_days": TOKEN_DAYS}).json()["token"])

    def end(self) -> None:
        with contextlib.suppress(LinealError):  # it ends by itself soon, and its secret is forgotten here
            self._send("DELETE", "/session")

    def _send(self, method: str, where: str, body: Mapping[str, Any] | None = None) -> "Response":
        headers = {"Origin": self._origin, "X-CSRFToken": self._cookies.get(_CSRF_COOKIE, "")}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        response = self._transport.request(method, where, json=body, headers=headers)
        self._keep_cookies(response.headers)
        return response

    def _keep_cookies(self, headers: Any) -> None:
        for line in headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
