"""What people can be told of: every event by name, how severe it is, and the words for it.

An event is a fact that its room announces (`core.events`). Its words are made from the facts of the announcement alone; a
room that writes its own `title` and `text` is taken at its word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

SEVERITIES = ("info", "warn", "critical")  # mildest first
TEST = "test"
NOT_PASSED = frozenset({"fail", "error"})

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """`key` names the fact that says what happened: the same happening has the same one, however often it is told."""

    name: str
    sentence: str
    severity: str
    key: str
    title: Callable[[Facts], str]
    text: Callable[[Facts], str] = lambda _: ""

    def severity_of(self, facts: Facts) -> str:
        """What the announcement says; else a verdict that is no pass is a warning, whatever it is about."""
        return str(facts.get("severity") or ("warn" if facts.get("verdict") in NOT_PASSED else self.severity))


def _version(facts: Facts) -> str:
    return f"{facts.get('model')} v{facts.get('number')}"


def _there(facts: Facts) -> str:
    return f"{_version(facts)} in {facts.get('environment')}"


def _promotion(words: str) -> Callable[[Facts], str]:
    return lambda facts: f"{_version(facts)} to {facts.get('environment')}: {words}"


def _asked(facts: Facts) -> str:
    return f"Asked for by {facts['by']}: {facts.get('reason', '')}" if facts.get("by") else ""


def _refused(facts: Facts) -> str:
    return f"{facts.get('detail', '')}\n{_asked(facts)}".strip()


def _alert(facts: Facts) -> str:
    return f"{facts.get('kind')} alert on {_there(facts)}"


def _columns(facts: Facts) -> str:
    columns = facts.get("columns") or []
    return f"Columns: {', '.join(map(str, columns[:20]))}" if columns else ""


_ALL = [
    Topic("alert.opened", "An alert was opened", "warn", "alert_id", _alert, _columns),
    Topic("alert.updated", "An open alert changed", "warn", "alert_id", _alert, _columns),
    Topic("alert.closed", "An alert was closed", "warn", "alert_id", lambda facts: f"Closed: {_alert(facts)}"),
    Topic("promotion.requested", "A promotion was asked for", "info", "promotion", _promotion("asked for"), _asked),
    Topic(
        "promotion.waiting",
        "A promotion waits for people",
        "info",
        "promotion",
        _promotion("waits for approval"),
        _asked,
    ),
    Topic("promotion.committed", "A promotion was carried out", "info", "promotion", _promotion("promoted"), _asked),
    Topic(
        "promotion.refused", "Gates or people refused a promotion", "warn", "promotion", _promotion("refused"), _refused
    ),
    Topic("promotion.cancelled", "A promotion was cancelled", "info", "promotion", _promotion("cancelled"), _refused),
    Topic("promotion.expired", "Nobody decided on a promotion", "warn", "promotion", _promotion("expired"), _refused),
    Topic(
        "deployment.reported",
        "Serving code said what it runs",
        "info",
        "deployment",
        lambda facts: f"{_there(facts)} serves at {facts.get('target')}",
    ),
    Topic(
        "deployment.mismatch",
        "What runs is not what was promoted",
        "critical",
        "deployment",
        lambda facts: f"{_there(facts)} runs at {facts.get('target')} and is not what was promoted",
        lambda facts: f"Running: {facts.get('digest')}\nPromoted: {facts.get('promoted_digest') or 'nothing'}",
    ),
    Topic(
        "deployment.ended",
        "A deployment ended",
        "info",
        "deployment",
        lambda facts: f"{_there(facts)} ended at {facts.get('target')}",
    ),
    Topic(
        "model_version.registered",
        "A model version was registered",
        "info",
        "version_uuid",
        lambda facts: f"{_version(facts)} was registered",
        lambda facts: str(facts.get("digest", "")),
    ),
    Topic(
        "model_version.quarantined",
        "A model version was barred",
        "critical",
        "version_uuid",
        lambda facts: f"{_version(facts)} was quarantined",
        lambda facts: str(facts.get("digest", "")),
    ),
    Topic(
        "model_version.retired",
        "A model version was put away",
        "info",
        "version_uuid",
        lambda facts: f"{_version(facts)} was retired",
    ),
    Topic(
        "evidence.attached",
        "Another tool's verdict arrived",
        "info",
        "report",
        lambda facts: f"{facts.get('name')} on {_version(facts)}: {facts.get('verdict')}",
    ),
    Topic(
        "trigger.fired",
        "A trigger of retraining fired",
        "info",
        "firing",
        lambda facts: f"The trigger {facts.get('trigger')} fired",
        lambda facts: f"Because of: {facts.get('cause')}",
    ),
    Topic(
        "trigger.failed",
        "What a trigger starts was not reached",
        "warn",
        "firing",
        lambda facts: f"The trigger {facts.get('trigger')} could not start its job",
        lambda facts: f"{facts.get('detail', '')}\nBecause of: {facts.get('cause')}",
    ),
]
TOPICS: Mapping[str, Topic] = {topic.name: topic for topic in _ALL}


def unknown_pattern(pattern: str) -> bool:
    """Whether no event could ever match it, as with a name that is mistyped."""
    return not any(fnmatchcase(name, pattern) for name in TOPICS)


def is_wanted(*, event: str, severity: str, patterns: list[str], least_severity: str) -> bool:
    return rank(severity) >= rank(least_severity) and any(fnmatchcase(event, pattern) for pattern in patterns)


def rank(severity: str | None) -> int:
    """A severity that we do not know is a mild one."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0
