"""The body of an event (schema `lineal-audit/1`): its fields, how values are spelled, and which of them are private.

The body is what the log is made of. Personal values stand in it as salted commitments, so they can be erased later
without breaking a proof.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import UUID

from audit import canonical
from core import clock
from core.access import Principal, ProjectRef
from core.current import RequestContext
from core.errors import Invalid

SCHEMA = "lineal-audit/1"
MAX_BODY_BYTES = 65_535  # what an entry of a C2SP tlog-tiles bundle can hold
MAX_TEXT = 4_000  # characters of one value in `before` and `after`; longer ones are recorded by digest
TEXT_START = 200  # characters of a longer value that stay readable
PERSONAL_FIELDS = frozenset({"email", "display_name", "user", "host", "ip", "user_agent"})
PERSONAL_TARGETS = frozenset({"account", "user", "member", "membership", "session", "login_link"})
_KEY_SAFE = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) not in "%$")
_LARGEST_INTEGER = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Target:
    """What was acted on: `id` is its lasting identity, `label` its name at the time, `version` a digest or number."""

    type: str
    id: str
    label: str
    version: str = ""

    @property
    def is_personal(self) -> bool:
        return self.type in PERSONAL_TARGETS


@dataclass(frozen=True, slots=True)
class PrivateValue:
    """A value that the body only commits to."""

    path: str
    salt: bytes
    value: Any


@dataclass(slots=True)
class Draft:
    """An event about to be written: what `build` returns. `private` is in the order of the paths' making."""

    id: UUID
    at: datetime
    content: dict[str, Any]
    private: list[PrivateValue] = field(default_factory=list)

    def body(self) -> str:
        """The exact text of the leaf.

        Raises:
            Invalid: longer than 65,535 bytes, or nested too deep.
        """
        try:
            encoded = canonical.encode(self.content)
        except ValueError as exc:
            raise Invalid(f"The ledger cannot hold this: {exc}") from exc
        if len(encoded) > MAX_BODY_BYTES:
            raise Invalid(f"The ledger's entry for this would have {len(encoded)} bytes; it may have {MAX_BODY_BYTES}.")
        return encoded.decode()

    def commit(self, path: str, value: Any) -> Any:
        """The commitment that stands for `value` at `path`; nothing at all stands for an empty value."""
        if value in ("", None):
            return value
        commitment, salt = canonical.commit(value)
        self.private.append(PrivateValue(path, salt, value))
        return commitment


def build(
    *,
    id: UUID,  # noqa: A002 - the field's name in the schema
    at: datetime,
    org: str,
    action: str,
    outcome: str,
    target: Target,
    actor: Principal,
    project: ProjectRef | None,
    request: RequestContext | None,
    reason: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    refs: Sequence[tuple[str, str]],
    personal: frozenset[str],
    prev_event_of_target: UUID | None,
) -> Draft:
    """All fields of the event, none optional: a reader never has to guess whether a field was left out."""
    draft = Draft(id=id, at=at, content={})
    draft.content |= {
        "v": SCHEMA,
        "id": str(id),
        "time": clock.text(at),
        "org": org,
        "project": {"id": str(project.uuid), "name": plain(project.name)} if project else None,
        "action": action,
        "outcome": outcome,
        "actor": _actor(draft, actor),
        "auth": {"method": actor.auth_method, "token_id": str(actor.token_id) if actor.token_id else None},
        "request": _request(draft, request, is_personal=target.is_personal),
        "target": _target(draft, target),
        "reason": draft.commit("/reason", plain(reason)),
        "before": _fields(draft, "/before", before, personal),
        "after": _fields(draft, "/after", after, personal),
        "refs": [{"type": plain(kind), "id": plain(key)} for kind, key in refs],
        "prev_event_of_target": str(prev_event_of_target) if prev_event_of_target else None,
    }
    return draft


def _actor(draft: Draft, actor: Principal) -> dict[str, Any]:
    name, display = plain(actor.name), plain(actor.display_name or actor.name)
    if actor.kind == "user":
        name, display = draft.commit("/actor/name", name), draft.commit("/actor/display", display)
    return {"type": actor.kind, "id": str(actor.id), "name": name, "display": display}


def _request(draft: Draft, request: RequestContext | None, *, is_personal: bool) -> dict[str, Any] | None:
    if request is None:
        return None
    route = plain(request.route)
    return {
        "id": request.id,
        "ip": draft.commit("/request/ip", plain(request.ip)),
        "user_agent": draft.commit("/request/user_agent", plain(request.user_agent)),
        "route": draft.commit("/request/route", route) if is_personal else route,  # the path names the person
        "trace_id": request.trace_id,
    }


def _target(draft: Draft, target: Target) -> dict[str, Any]:
    label = plain(target.label)
    return {
        "type": target.type,
        "id": plain(target.id),
        "label": draft.commit("/target/label", label) if target.is_personal else label,
        "version": plain(target.version),
    }


def _fields(draft: Draft, path: str, values: Mapping[str, Any] | None, personal: frozenset[str]) -> dict[str, Any]:
    hidden = PERSONAL_FIELDS | personal
    fields = {}
    for key, value in (values or {}).items():
        name = plain_key(key)
        fields[name] = draft.commit(f"{path}/{name}", plain(value)) if key in hidden else plain(value)
    return fields


def plain(value: Any) -> Any:
    """`value` in what canonical JSON can spell: numbers with a point, times and ids as text, long texts by digest.

    Raises:
        TypeError: a type that has no spelling here, which is a bug of the caller.
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Mapping):
        return {plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_INTEGER else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime):
        return clock.text(value)
    if isinstance(value, float | Decimal | UUID):
        return str(value)
    raise TypeError(f"The ledger cannot spell a {type(value).__name__}.")


def plain_key(key: Any) -> str:
    """A key in ASCII: what is outside it, and the signs that escapes and commitments begin with, as percent-escapes."""
    return quote(str(key).encode("utf-8", "replace"), safe=_KEY_SAFE)


def _text(text: str) -> Any:
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair has no UTF-8
    if len(text) <= MAX_TEXT:
        return text
    return {"sha256": sha256(text.encode()).hexdigest(), "characters": len(text), "start": text[:TEXT_START]}
