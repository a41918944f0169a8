"""Is what stands beside an event's body, to be searched by and shown, the same as what was logged?"""

from typing import Any

import orjson

from audit.canonical import is_commitment, opens
from audit.models import AuditEvent
from core import clock

_UNKNOWN = object()


def is_shown_as_logged(event: AuditEvent) -> bool:
    """Do the columns say what the body says? Where the body only commits to a value, its column has to be empty."""
    body = orjson.loads(event.body)
    exact = {
        "id": str(event.uuid),
        "time": clock.text(event.at),
        "org": event.org,
        "action": event.action,
        "outcome": event.outcome,
    }
    return (
        all(body[key] == value for key, value in exact.items())
        and (body["project"]["name"] if body["project"] else "") == event.project_name
        and (body["actor"]["type"], body["actor"]["id"]) == (event.actor_type, str(event.actor_id))
        and body["target"]["type"] == event.target_type
        and _is_copy(body["actor"]["name"], event.actor_name)
        and _is_copy(body["target"]["id"], event.target_id)
        and _is_copy(body["target"]["label"], event.target_label)
        and _is_copy(body["target"]["version"], event.target_version)
    )


def _is_copy(logged: Any, column: str) -> bool:
    """Columns hold the beginning of a long text, without NUL characters."""
    if not isinstance(logged, str):
        return column == ""
    return logged.replace("\0", "\N{REPLACEMENT CHARACTER}").startswith(column) and bool(column) == bool(logged)


def altered_paths(event: AuditEvent) -> list[str]:
    """Paths of stored personal values that are not the ones the body commits to. Cheap with `private` prefetched."""
    body = orjson.loads(event.body)
    return sorted(
        row.path
        for row in event.private.all()
        if not opens(_at(body, row.path), orjson.loads(row.value), bytes(row.salt))
    )


def _at(body: Any, path: str) -> Any:
    """The commitment at a path; keys may hold slashes, so the walk goes by what is there."""
    if is_commitment(body):
        return body if path == "" else _UNKNOWN
    if not isinstance(body, dict):
        return _UNKNOWN
    found = (_at(value, path[len(key) + 1 :]) for key, value in body.items() if _leads(path, key))
    return next((each for each in found if each is not _UNKNOWN), _UNKNOWN)


def _leads(path: str, key: str) -> bool:
    return path == f"/{key}" or path.startswith(f"/{key}/")
