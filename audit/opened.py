"""Bodies of ledger entries with their personal values put back where they still exist."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from audit.canonical import is_commitment, opens
from audit.models import AuditEvent, AuditPrivate

ERASED = "(erased)"  # stands where a personal value was, once it has been deleted
ALTERED = "(altered)"  # stands where the stored value is not the one that the log committed to


def opened(events: Sequence[AuditEvent]) -> Mapping[int, Mapping[str, Any]]:
    """The body of each event by its primary key. One query for all of them."""
    values: dict[int, dict[str, tuple[Any, bytes]]] = defaultdict(dict)
    rows = AuditPrivate.objects.filter(event__in=events).values_list("event_id", "path", "value", "salt")
    for event_id, path, value, salt in rows:
        values[event_id][path] = orjson.loads(value), bytes(salt)
    return {event.pk: _fill(orjson.loads(event.body), "", values[event.pk]) for event in events}


def _fill(value: Any, path: str, private: Mapping[str, tuple[Any, bytes]]) -> Any:
    if is_commitment(value):
        if path not in private:
            return ERASED
        stored, salt = private[path]
        return stored if opens(value, stored, salt) else ALTERED
    if isinstance(value, dict):
        return {key: _fill(item, f"{path}/{key}", private) for key, item in value.items()}
    return value
