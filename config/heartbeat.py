"""A sign of life that costs nothing to ask for: each process without a port touches a file in LINEAL_RUN_DIR, and
`lineal worker --check` (or `beat`, `sequencer`) looks whether one of this host is fresh.
"""

import json
import os
import socket
import time
from pathlib import Path

from config import environment

FRESH_S = 60.0  # three times what the slowest of them takes between two touches, and then some


class Heartbeat:
    """The file of this process. It goes with the process if that ends in peace."""

    def __init__(self, role: str) -> None:
        self._path = folder() / f"{role}-{host()}-{os.getpid()}.alive"
        self._begun = time.time()

    def touch(self) -> None:
        """Raises nothing: a full disk is no reason to stop working; the check will tell."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.write_text(json.dumps({"pid": os.getpid(), "since": self._begun, "at": time.time()}))
        except OSError:
            return

    def end(self) -> None:
        self._path.unlink(missing_ok=True)


def folder() -> Path:
    given = environment.text("LINEAL_RUN_DIR")
    return Path(given).expanduser().resolve() if given else environment.home() / "run"


def freshest_s(role: str) -> float | None:
    """Seconds since the last sign of life of a process of that role on this host; None if there is no living one."""
    ages = [_age_s(path) for path in folder().glob(f"{role}-{host()}-*.alive")]
    return min((age for age in ages if age is not None), default=None)


def _age_s(path: Path) -> float | None:
    """None for a file whose process is gone; it is removed."""
    try:
        os.kill(int(path.stem.rpartition("-")[2]), 0)
        return max(0.0, time.time() - path.stat().st_mtime)
    except ProcessLookupError:
        path.unlink(missing_ok=True)
    except PermissionError:
        return max(0.0, time.time() - path.stat().st_mtime)
    except (FileNotFoundError, ValueError):
        pass
    return None


def host() -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in socket.gethostname())[:64]
