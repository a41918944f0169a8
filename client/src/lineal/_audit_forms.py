"""Audit events in the forms that collectors of logs read: CloudEvents 1.0, and OCSF 1.3 (API Activity, class 6003)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
_VERBS = {1: ("create", "register", "add", "open"), 2: ("read", "export", "verify", "evaluate"), 4: ("delete", "erase")}
_OTHER, _UPDATE = 99, 3
_UPDATES = ("update", "set", "change", "rotate", "commit", "promote", "rollback", "close", "acknowledge")
_STATUS = {"ok": (1, "Success"), "denied": (2, "Failure"), "error": (2, "Failure")}


def as_it_is(event: Event) -> dict[str, Any]:
    """`lineal-audit/1`, as the server shows it."""
    return dict(event)


def cloudevent(event: Event) -> dict[str, Any]:
    """In structured JSON mode: `type` is the action, `subject` what it was done to, `data` the whole event."""
    target = event["target"]
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": f"/audit/{event['org']}",
        "type": f"dev.lineal.{event['action']}",
        "subject": f"{target['type']}/{target['id']}",
        "time": event["time"],
        "datacontenttype": "application/json",
        "sequence": str(event["seq"]),  # of the extension Sequence: its place in the log
        "data": dict(event),
    }


def ocsf(event: Event) -> dict[str, Any]:
    """`time` in milliseconds since 1970; what OCSF has no field for stands under `unmapped`."""
    activity = _activity(event["action"].rpartition(".")[2])
    status_id, status = _STATUS[event["outcome"]]
    actor, target, request = event["actor"], event["target"], event["request"] or {}
    return {
        "class_uid": 6003,
        "category_uid": 6,
        "activity_id": activity,
        "type_uid": 600_300 + activity,
        "time": int(datetime.fromisoformat(event["time"]).timestamp() * 1000),
        "severity_id": 1 if event["outcome"] == "ok" else 2,
        "status_id": status_id,
        "status": status,
        "message": event["sentence"],
        "metadata": {
            "version": "1.3.0",
            "product": {"name": "Lineal", "vendor_name": "Lineal"},
            "uid": event["id"],
            "sequence": event["seq"],
            "log_name": event["org"],
        },
        "actor": {"user": {"uid": actor["id"], "name": actor["name"], "type": actor["type"]}},
        "api": {"operation": event["action"], "request": {"uid": str(request.get("id") or "")}},
        "src_endpoint": {"ip": request["ip"]} if isinstance(request.get("ip"), str) else {},
        "resources": [{"type": target["type"], "uid": target["id"], "name": target["label"]}],
        "unmapped": {
            "reason": event["reason"],
            "before": event["before"],
            "after": event["after"],
            "refs": event["refs"],
        },
    }


def _activity(verb: str) -> int:
    """1 create, 2 read, 3 update, 4 delete, 99 other."""
    if verb in _UPDATES:
        return _UPDATE
    return next((number for number, verbs in _VERBS.items() if verb in verbs), _OTHER)


FORMS: Mapping[str, Callable[[Event], dict[str, Any]]] = {"lineal": as_it_is, "cloudevents": cloudevent, "ocsf": ocsf}
