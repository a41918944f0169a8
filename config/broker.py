"""From LINEAL_BROKER_URL to Celery's options: a folder in the home, Redis, or RabbitMQ."""

import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config import folder_broker
from config.environment import BadSetting
from core.folders import make_private

CONNECT_LIMIT_S = 2.0
ANSWER_LIMIT_S = 5.0  # of Redis to a command; a doorbell that hangs is rung again
FORMS = "redis://host:port/number, rediss://…, amqp://user:password@host:port/vhost or amqps://…"
_KINDS = {"redis": "Redis", "rediss": "Redis", "amqp": "RabbitMQ", "amqps": "RabbitMQ"}


def settings_for(url: str, home: Path) -> dict[str, Any]:
    """`kind` for people, `celery` for Celery's configuration, and `ring_options` for the connections that ring.

    Raises:
        BadSetting: the URL names a broker that we do not speak, or cannot be read. Its text shows no password.
    """
    if not url:
        return _folder(home / "broker")
    scheme = url.partition("://")[0]
    if scheme not in _KINDS:
        raise BadSetting(f"LINEAL_BROKER_URL has to look like {FORMS}, and begins with {_shown(scheme)}.")
    _check_parts(url)
    return _redis(url) if scheme.startswith("redis") else _rabbitmq(url)


def _folder(folder: Path) -> dict[str, Any]:
    """No server needed; polled ten times a second. It serves one machine."""
    options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.1,
    }
    celery = {"broker_url": f"{folder_broker.SCHEME}://", "broker_transport_options": options}
    return {"kind": "folder", "folder": folder, "celery": celery, "ring_options": {}}


def make_folders(broker: dict[str, Any]) -> None:
    """Make what the folder broker needs; nothing for the others. Raises OSError."""
    if broker["kind"] == "folder":
        for name in ("queue", "control"):
            make_private(broker["folder"] / name)


def _redis(url: str) -> dict[str, Any]:
    """Messages that nobody confirmed come back after a minute: there are none that take longer."""
    options = {
        "visibility_timeout": 60,
        "socket_connect_timeout": CONNECT_LIMIT_S,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
    celery: dict[str, Any] = {"broker_url": url, "broker_transport_options": options}
    if url.startswith("rediss:"):
        celery["broker_use_ssl"] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, **_certificates(url)}
        celery["broker_url"] = url.partition("?")[0]
    return {"kind": "Redis", "celery": celery, "ring_options": {"socket_timeout": ANSWER_LIMIT_S}}


def _rabbitmq(url: str) -> dict[str, Any]:
    celery: dict[str, Any] = {"broker_url": url, "broker_transport_options": {"confirm_publish": False}}
    if url.startswith("amqps:"):
        celery["broker_use_ssl"] = {
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": urlsplit(url).hostname,
            **{name.removeprefix("ssl_"): value for name, value in _certificates(url).items()},
        }
        celery["broker_url"] = url.partition("?")[0]
    return {"kind": "RabbitMQ", "celery": celery, "ring_options": {}}


def _certificates(url: str) -> dict[str, str]:
    """`?ssl_ca_certs=/path`, and `ssl_certfile`, `ssl_keyfile` for a broker that wants to know who calls."""
    given = dict(parse_qsl(urlsplit(url).query))
    unknown = sorted(set(given) - {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
    if unknown:
        raise BadSetting(
            f"LINEAL_BROKER_URL takes ssl_ca_certs, ssl_certfile and ssl_keyfile after the question mark, not {unknown[0]!r}."
        )
    missing = next((path for path in given.values() if not Path(path).is_file()), None)
    if missing:
        raise BadSetting(f"LINEAL_BROKER_URL names the certificate file {missing}, which is not there.")
    return given


def _check_parts(url: str) -> None:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise BadSetting("LINEAL_BROKER_URL has a port that is no number from 1 to 65535.") from exc
    if not host or port == 0:
        raise BadSetting(f"LINEAL_BROKER_URL lacks the broker's host: {FORMS}.")
    if parts.scheme.startswith("redis") and not re.fullmatch("/?[0-9]*", unquote(parts.path)):
        raise BadSetting("LINEAL_BROKER_URL names a Redis database that is no number: redis://host:port/0.")


def _shown(scheme: str) -> str:
    """What stands before `://`, unless it may be part of a secret."""
    return repr(scheme) if re.fullmatch("[a-z][a-z0-9+.-]{0,20}", scheme) else "something else"
