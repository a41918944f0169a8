"""Bodies of ledger entries with their personal values put back where they still exist."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from audit.canonical import is_commitment, opens
from audit.models import AuditEvent, AuditPrivate

ERASED = "(erased)"  # stands where a personal value was, once it has been deleted
WITHHELD = "(withheld)"  # stands where a value is for those alone who need it; `audit.private` reads it
ALTERED = "(altered)"  # stands where the stored value is not the one that the log committed to

SHOWN_PATHS = frozenset({"/actor/name", "/actor/display", "/target/label", "/reason", "/request/route"})
SHOWN_FIELDS = frozenset({"display_name"})  # of before and after: names are what a trail is about


@dataclass(frozen=True, slots=True)
class Personal:
    """One personal value of an event. `value` is the canonical JSON that `salt` (base64) was hashed with; both are there
    where `standing` is "shown", and empty where the value is "withheld", "erased" or "altered".
    """

    path: str
    standing: str
    value: str = ""
    salt: str = ""


def is_shown(path: str) -> bool:
    """Whether whoever may read the trail may read this personal value of it."""
    return path in SHOWN_PATHS or path.rpartition("/")[2] in SHOWN_FIELDS


def withheld_paths(event: AuditEvent) -> list[str]:
    """Where the event has personal values that a reader of the trail does not see. One query."""
    paths = AuditPrivate.objects.filter(event=event).values_list("path", flat=True)
    return sorted(path for path in paths if not is_shown(path))


def opened(events: Sequence[AuditEvent], *, withhold: bool = True) -> Mapping[int, Mapping[str, Any]]:
    """The body of each event by its primary key; without those values that `is_shown` denies. One query for all of them."""
    values: dict[int, dict[str, tuple[Any, bytes]]] = defaultdict(dict)
    rows = AuditPrivate.objects.filter(event__in=events).values_list("event_id", "path", "value", "salt")
    for event_id, path, value, salt in rows:
        values[event_id][path] = orjson.loads(value), bytes(salt)
    return {event.pk: _fill(orjson.loads(event.body), "", values[event.pk], withhold) for event in events}


def _fill(value: Any, path: str, private: Mapping[str, tuple[Any, bytes]], withhold: bool) -> Any:
    if is_commitment(value):
        if path not in private:
            return ERASED
        if withhold and not is_shown(path):
            return WITHHELD
        stored, salt = private[path]
        return stored if opens(value, stored, salt) else ALTERED
    if isinstance(value, dict):
        return {key: _fill(item, f"{path}/{key}", private, withhold) for key, item in value.items()}
    return value


def personal_values(event: AuditEvent, *, withhold: bool = True) -> list[Personal]:
    """What stands in the event as a salted hash, in the order of its body, with what opens it for who may see it. One query."""
    stored = {row.path: row for row in AuditPrivate.objects.filter(event=event)}
    return [
        _personal(path, commitment, stored.get(path), is_withheld=withhold and not is_shown(path))
        for path, commitment in commitments(orjson.loads(event.body))
    ]


def _personal(path: str, commitment: Any, row: AuditPrivate | None, *, is_withheld: bool) -> Personal:
    if row is None:
        return Personal(path, "erased")
    if is_withheld:
        return Personal(path, "withheld")
    if not opens(commitment, orjson.loads(row.value), bytes(row.salt)):
        return Personal(path, "altered")
    return Personal(path, "shown", row.value, b64encode(bytes(row.salt)).decode())


def commitments(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Each salted hash of a body with its path; they stand in objects only, never in lists."""
    for key, value in content.items():
        if is_commitment(value):
            yield f"{above}/{key}", value
        elif isinstance(value, dict):
            yield from commitments(value, f"{above}/{key}")
