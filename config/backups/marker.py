"""`restore.json` in a home: a restore was begun there and has not ended. Read by `lineal up` before anything else, so it imports little."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "restore.json"


@dataclass(frozen=True)
class Marker:
    """Which backup, by its name and the digest of its manifest, and what was asked for besides: its proof, and that no token stays."""

    backup: str
    manifest: str
    verify: bool = False
    revoke_tokens: bool = False


def find(home: Path) -> Marker | None:
    try:
        return Marker(**json.loads((home / NAME).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return Marker("unknown", "")  # half written: somebody began, and that is what counts


def mark(home: Path, marker: Marker) -> None:
    draft = home / f".{NAME}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(marker)))
    draft.replace(home / NAME)


def clear(home: Path) -> None:
    (home / NAME).unlink(missing_ok=True)
