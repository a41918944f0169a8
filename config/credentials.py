"""The two files that sign this machine's user in: `owner.token` in the home, and the credentials file that SDK and CLI read.

The credentials file's form is published with the client (`lineal-credentials/1`): tokens keyed by exact origin, with the
server's ledger key beside each, so that a look-alike on the same port gets nothing.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

from core.folders import make_private

SCHEMA = "lineal-credentials/1"


def write_secret(path: Path, text: str) -> None:
    """Write `path` atomically, readable by its owner alone."""
    make_private(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 0600
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def read_secret(path: Path) -> str | None:
    return path.read_text().strip() if path.exists() else None


def credentials_path() -> Path:
    named = os.environ.get("LINEAL_CREDENTIALS_FILE")
    return Path(named) if named else Path(platformdirs.user_config_dir("lineal")) / "credentials.json"


def remember(origin: str, *, token: str, user: str, vkey: str) -> None:
    """Put the token for `origin` into the credentials file and make it the default, keeping what else is there."""
    path = credentials_path()
    data: dict[str, Any] = {}
    if path.exists():
        data = json.loads(path.read_text())
    origins = data.get("origins", {})
    origins[origin] = {"token": token, "user": user, "vkey": vkey}
    write_secret(path, json.dumps({"schema": SCHEMA, "default": origin, "origins": origins}, indent=1) + "\n")
