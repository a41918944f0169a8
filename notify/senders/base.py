"""What a sender is: a reader of the place that messages go to, what people see of it, and one try to bring a message there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

TIMEOUT_S = 10.0  # of a connection, and of an exchange: whoever listens answers first and works afterwards


class Result(Enum):
    TAKEN = "taken"
    LATER = "later"  # another try may help
    REFUSED = "refused"
    GONE = "gone"  # refused, and everything that follows will be


@dataclass(frozen=True, slots=True)
class Message:
    """What is told, the same on every attempt. `url` is absolute where this server knows its own address, else a path."""

    id: str
    event: str
    project: str
    severity: str
    title: str
    text: str
    url: str
    at: str
    facts: Mapping[str, Any]
    timestamp_s: int  # of the attempt

    @property
    def link(self) -> str:
        """An address that can be followed from anywhere, or nothing."""
        return self.url if self.url.startswith(("https://", "http://")) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to. `secrets` are the ones to sign with, the current first; only webhooks have any."""

    target: str
    secrets: Sequence[str] = field(default_factory=tuple)

    def __repr__(self) -> str:
        return "Place(hidden)"


@dataclass(frozen=True, slots=True)
class Outcome:
    result: Result
    status: int | None = None
    answer: str = ""
    error: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """`read` gives the accepted form of a target, or raises Invalid with the reason; `show` is what people see of it."""

    read: Callable[[str], str]
    show: Callable[[str], str]
    send: Callable[[Place, Message], Outcome]
    is_signed: bool = False
