"""Records that could not be packed or written, however much room there was: counted, the first ones described, kept beside the spool.

    SPOOL/…/<writer>/refused.json  {"records", "points", "sentences"}

So `lineal sync` tells of them too, where the process that met them could not deliver.
"""

import json
import logging
import os
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

logger = logging.getLogger("lineal")

FILE = "refused.json"
MOST_SENTENCES = 20  # the rest is counted
_LONGEST = 120  # characters of a key or a reason


class Refusal(NamedTuple):
    """One record that is given up: what it was, why, and how many points of metrics go with it."""

    what: str
    reason: str
    points: int = 0


def refusal(kind: str, name: object, exc: Exception, points: int = 0) -> Refusal:
    """Nothing is asked of `name` and `exc` that could raise: their classes may be the user's."""
    logger.debug("a record is refused", exc_info=exc)
    return Refusal(f"{kind} {shown(name)}", shown(exc), points)


def shown(value: object) -> str:
    """`repr`, shortened, of whatever class."""
    return _short.repr(value)


_short = reprlib.Repr()
_short.maxstring = _short.maxother = _LONGEST


@dataclass
class Refusals:
    """What one writer has given up so far."""

    records: int = 0
    points: int = 0
    sentences: list[str] = field(default_factory=list)

    def add(self, refused: Refusal) -> None:
        self.records += 1
        self.points += refused.points
        if len(self.sentences) < MOST_SENTENCES:
            self.sentences.append(f"{refused.what} could not be recorded: {refused.reason}")

    def __str__(self) -> str:
        return f"{self.records} values could not be recorded ({self.points} of them points of metrics); first: {self.sentences[0]}"


def write(folder: Path, refusals: Refusals) -> None:
    """In one step, as it stands. Raises OSError."""
    temporary = folder / f"{FILE}.new"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(refusals), file)
    temporary.replace(folder / FILE)


def read(folder: Path) -> Refusals:
    """What `write` left; nothing where nothing was refused, or what is there cannot be read."""
    try:
        found: Mapping[str, Any] = json.loads((folder / FILE).read_text())
        return Refusals(int(found["records"]), int(found["points"]), [str(each) for each in found["sentences"]])
    except (OSError, ValueError, KeyError, TypeError):
        return Refusals()
