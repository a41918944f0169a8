"""Checks of the environment: values that cannot work, names that nobody reads, and the address that people use."""

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from ipaddress import ip_address
from urllib.parse import urlsplit

from config.environment import TABLE, BadSetting
from config.findings import Finding, fail, ok, warn

CLIENTS = frozenset(
    {
        "LINEAL_URL", "LINEAL_TOKEN", "LINEAL_PROJECT", "LINEAL_CREDENTIALS_FILE", "LINEAL_SPOOL_DIR",
        "LINEAL_SPOOL_MAX_BYTES", "LINEAL_CAUSED_BY", "LINEAL_DO_NOT_RECORD", "LINEAL_FINISH_TIMEOUT",
    }
)  # fmt: skip
ANSWER_LIMIT_S = 5.0
WARN_BEFORE_DAYS = 14


def variables() -> Iterator[Finding]:
    try:
        import_module("config.settings")
    except BadSetting as exc:
        yield fail("settings", str(exc), "Mend the variable; docs/settings.md lists them all.")
        return
    given = sorted(name for name in os.environ if name.startswith("LINEAL_"))
    stray = [name for name in given if name not in TABLE and name not in CLIENTS]
    for name in stray:
        near = get_close_matches(name, TABLE, n=1)
        yield warn("settings", f"nobody reads {name}", f"Is {near[0]} meant?" if near else "Take it away.")
    if os.environ.get("LINEAL_DEBUG"):
        yield warn(
            "settings", "LINEAL_DEBUG shows tracebacks to whoever asks", "Unset it where others reach the server."
        )
    if not stray:
        yield ok(
            "settings",
            f"{len([name for name in given if name in TABLE])} variables, version {version('lineal-server')}",
        )


def public_address() -> Iterator[Finding]:
    from django.conf import settings  # noqa: PLC0415 - set up by now

    check, url = "public address", settings.PUBLIC_URL
    if not url:
        yield ok(check, "LINEAL_PUBLIC_URL is not set; `lineal up` names the address that it listens on")
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    allowed = {name.strip("[]") for name in settings.ALLOWED_HOSTS}
    if host not in allowed and "*" not in allowed and not any(host.endswith(n) for n in allowed if n.startswith(".")):
        yield fail(
            check, f"LINEAL_HOSTS does not list {host}, so requests to {url} are refused", "Add it to LINEAL_HOSTS."
        )
    elif parts.scheme != "https":
        if _is_loopback(host):
            yield ok(check, f"{url}, on this machine only")
        else:
            yield warn(check, f"{url} sends tokens in the clear", "Put TLS in front, and say https:// here.")
    else:
        yield _certificate(check, host, parts.port or 443)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _certificate(check: str, host: str, port: int) -> Finding:
    try:
        with (
            socket.create_connection((host, port), timeout=ANSWER_LIMIT_S) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as wire,
        ):
            ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str((wire.getpeercert() or {})["notAfter"])), UTC)
    except ssl.SSLCertVerificationError as exc:
        return fail(
            check, f"the certificate of {host} is not accepted: {exc.verify_message}", "Renew it, or trust its issuer."
        )
    except OSError as exc:
        return warn(check, f"{host}:{port} cannot be reached from here: {exc}", "Look from where people are.")
    days = (ends - datetime.now(UTC)).days
    if days < WARN_BEFORE_DAYS:
        return warn(check, f"the certificate of {host} ends in {days} days", "Renew it.")
    return ok(check, f"https://{host}, certificate good for {days} days")
