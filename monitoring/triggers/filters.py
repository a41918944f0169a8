"""What a trigger waits for: read strictly, kept complete, and held against each cause.

calendar         {"cron": "0 3 * * MON", "timezone": "Europe/Berlin"}
dataset_version  {"dataset": "train"}
alert            {"kinds": ["drift"], "severity": "critical", "model": "fraud", "environment": "production"}
"""

from collections.abc import Callable, Mapping
from typing import Any

from monitoring.triggers.calendars import check_cron, check_zone
from registry.gates.fields import Fields

SEVERITIES = ("warn", "critical")  # mildest first
MOST_KINDS = 20
NAME_LENGTH = 250

Filter = dict[str, Any]


def read_filter(on: str, fields: Fields) -> Filter:
    """The filter with its defaults written out; mistakes are reported to `fields`."""
    read = _READERS[on](fields)
    fields.finish()
    return read


def matches(on: str, wanted: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a cause with these `facts` is one that the filter waits for. A calendar is matched by its time alone."""
    if on == "dataset_version":
        return bool(wanted["dataset"] == facts.get("dataset"))
    return on != "alert" or _matches_alert(wanted, facts)


def _matches_alert(wanted: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    if wanted["kinds"] is not None and facts.get("kind") not in wanted["kinds"]:
        return False
    if rank(facts.get("severity")) < rank(wanted["severity"]):
        return False
    return all(wanted[key] in (None, facts.get(key)) for key in ("model", "environment"))


def rank(severity: Any) -> int:
    """A severity that we do not know is a mild one."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def _calendar(fields: Fields) -> Filter:
    return {
        "cron": fields.text("cron", longest=100, check=check_cron),
        "timezone": fields.text("timezone", default="UTC", longest=64, check=check_zone),
    }


def _dataset_version(fields: Fields) -> Filter:
    return {"dataset": fields.text("dataset", longest=NAME_LENGTH)}


def _alert(fields: Fields) -> Filter:
    return {
        "kinds": fields.optional_texts("kinds", most=MOST_KINDS, longest=64),
        "severity": fields.choice("severity", SEVERITIES, default=SEVERITIES[0]),
        "model": fields.optional_text("model", longest=NAME_LENGTH),
        "environment": fields.optional_text("environment", longest=64),
    }


_READERS: Mapping[str, Callable[[Fields], Filter]] = {
    "calendar": _calendar,
    "dataset_version": _dataset_version,
    "alert": _alert,
}
KINDS = tuple(_READERS)
