"""Which server, which token, and the promise that a token goes to the exact origin it belongs to.

The file (`LINEAL_CREDENTIALS_FILE`, else `credentials.json` in the user's config folder) is
`{"schema": "lineal-credentials/1", "default": ORIGIN, "origins": {ORIGIN: {"token", "user", "vkey"}}}`, readable by its owner alone.
"""

import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lineal import _settings
from lineal._errors import NotConfigured

SCHEMA = "lineal-credentials/1"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """A server and what is known of it. `base_url` may have a path (behind a proxy); `origin` is scheme, host and port alone."""

    base_url: str
    origin: str
    token: str | None
    vkey: str | None
    user: str | None = None


def find_target(url: str | None = None, token: str | None = None) -> Target | None:
    """The server to talk to: the arguments, else `LINEAL_URL` and `LINEAL_TOKEN`, else the credentials file; None when nothing names one.

    Raises:
        NotConfigured: the address is no http(s) URL, or the file cannot be trusted or read.
    """
    given = url or _settings.url()
    stored = read_credentials()
    chosen = given or stored["default"]
    if not chosen:
        return None
    base_url, origin = normalised(chosen)
    entry = stored["origins"].get(origin, {})
    secret = token or _environment_token(origin, anywhere=True) or entry.get("token")
    return Target(base_url, origin, secret, entry.get("vkey"), entry.get("user"))


def stored_target(base_url: str) -> Target:
    """The server of records found on disk. `LINEAL_TOKEN` goes there only if `LINEAL_URL` names that very origin.

    Raises:
        NotConfigured: as in `find_target`.
    """
    base_url, origin = normalised(base_url)
    entry = read_credentials()["origins"].get(origin, {})
    secret = _environment_token(origin, anywhere=False) or entry.get("token")
    return Target(base_url, origin, secret, entry.get("vkey"), entry.get("user"))


def _environment_token(origin: str, *, anywhere: bool) -> str | None:
    """`LINEAL_TOKEN`, if `LINEAL_URL` has this origin; `anywhere` accepts a token whose origin the environment leaves open."""
    named = _settings.url()
    if named is None:
        return _settings.token() if anywhere else None
    return _settings.token() if normalised(named)[1] == origin else None


def get_target(url: str | None = None, token: str | None = None) -> Target:
    """As `find_target`, but a server must be named.

    Raises:
        NotConfigured: none is, or as in `find_target`.
    """
    target = find_target(url, token)
    if target is None:
        raise NotConfigured("no server is configured: set LINEAL_URL (and LINEAL_TOKEN), or run `lineal login`")
    return target


def normalised(url: str) -> tuple[str, str]:
    """The base URL without a trailing slash, and its origin: lower-case, with the port only where it is not the scheme's own.

    Raises:
        NotConfigured: not http or https, no host, or a user name, query or fragment in it.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as exc:
        raise NotConfigured(f"{url!r} is not a URL: {exc}") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise NotConfigured(f"{url!r} is not the address of a server: http://… or https://… is needed")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise NotConfigured(
            "the address of a server holds no user name, query or fragment; the token goes into LINEAL_TOKEN"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{scheme}://{host}" + (f":{port}" if port and port != _PORTS[scheme] else "")
    return origin + parts.path.rstrip("/"), origin


def read_credentials() -> dict[str, Any]:
    """`{"default": ORIGIN | None, "origins": {…}}` from the file; both empty when there is none.

    Raises:
        NotConfigured: group or others may read the file, another user owns it, or it is not in the form of `SCHEMA`.
    """
    path = _settings.credentials_file()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return {"default": None, "origins": {}}
    except OSError as exc:
        raise NotConfigured(f"the credentials file {path} cannot be read: {exc.strerror}") from exc
    with os.fdopen(handle, "rb") as file:
        _check_private(path, os.fstat(file.fileno()))  # of the open file, so that it cannot be exchanged in between
        return _checked(path, file.read())


def _check_private(path: Path, status: os.stat_result) -> None:
    if os.name != "posix":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise NotConfigured(f"the credentials file {path} belongs to another user and is not used")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise NotConfigured(
            f"others can read the credentials file {path}: run `chmod 600 {path}`, and renew its tokens"
        )


def _checked(path: Path, text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise NotConfigured(
            f"the credentials file {path} is not in the form {SCHEMA}: move it away and run `lineal login`"
        )
    origins = document.get("origins")
    if not isinstance(origins, dict) or not all(isinstance(entry, dict) for entry in origins.values()):
        raise NotConfigured(f"the credentials file {path} has no table of origins: move it away and run `lineal login`")
    return {"default": document.get("default"), "origins": origins}


def remember(origin: str, *, default: bool = False, **entry: str | None) -> None:
    """Put `token`, `user` or `vkey` of an origin into the file, keeping what else it holds; None removes a field.

    Raises:
        NotConfigured: the file there is not one of ours, or others can read it.
        OSError: it cannot be written.
    """
    document = read_credentials()
    merged = {**document["origins"].get(origin, {}), **entry}
    document["origins"][origin] = {key: value for key, value in merged.items() if value is not None}
    _write({"schema": SCHEMA, "default": origin if default else document["default"], "origins": document["origins"]})


def forget(origin: str) -> bool:
    """Drop an origin's entry. False when there was none. Raises as `remember`."""
    document = read_credentials()
    if document["origins"].pop(origin, None) is None:
        return False
    chosen = None if document["default"] == origin else document["default"]
    _write({"schema": SCHEMA, "default": chosen, "origins": document["origins"]})
    return True


def _write(document: dict[str, Any]) -> None:
    path = _settings.credentials_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the start
    try:
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(document, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
