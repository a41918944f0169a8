"""What an action is: a reader of its settings and credentials, and one or two requests that start a job.

Every action is given the firing's id, which stays the same when it is tried again, and hands it on as the cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from core.outbound import Answer
from registry.gates.fields import Fields

CREDENTIAL_LENGTH = 4_000

Settings = Mapping[str, Any]
Read = Callable[[Fields], dict[str, Any]]


class Send(Protocol):
    """`core.outbound.send` with its time limit filled in."""

    def __call__(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, and by what right. `address` has no slash at its end."""

    address: str
    settings: Settings
    credentials: Settings

    def __repr__(self) -> str:
        return f"Target({self.address!r}, credentials hidden)"


@dataclass(frozen=True, slots=True)
class Message:
    """What is told of a firing: `payload` is JSON, the same on every attempt."""

    id: str
    payload: Mapping[str, Any]
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class Action:
    """`address` is where the public service is; empty where there is none. `is_done` says which answers mean that the
    job was started, if not exactly those from 200 to 299.
    """

    address: str
    read_settings: Read
    read_credentials: Read
    perform: Callable[[Target, Message, Send], Answer]
    is_done: Callable[[Answer], bool] = lambda answer: answer.is_success
    secret_is_sent: bool = True  # so that the credentials belong to the address, and do not move to another


def nothing(fields: Fields) -> dict[str, Any]:
    """For actions without settings."""
    return {}


def token(fields: Fields) -> dict[str, Any]:
    return {"token": fields.text("token", longest=CREDENTIAL_LENGTH, check=printable)}


def printable(text: str) -> str:
    """`text`, if a header or form can carry it."""
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        raise ValueError("Expected printable ASCII without spaces at its ends.")
    return text


def segment(text: str) -> str:
    """One segment of a path, whatever it holds."""
    return quote(text, safe="")


def json_body(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document)
