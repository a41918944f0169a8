"""Causes: what happened here, as triggers meet it. Made from announcements, without another look at what they are about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import clock
from core.ids import uuid7
from monitoring.models import Firing, Trigger


@dataclass(frozen=True, slots=True)
class Cause:
    """`key` is the same whenever the same thing is met again; `label` speaks to people. `facts` are JSON, of the names
    `alert`, `kind`, `severity`, `model`, `number`, `digest`, `environment` and `dataset`, as far as they are known.
    """

    type: str
    id: str
    key: str
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def alert_cause(facts: Mapping[str, Any]) -> Cause:
    """An alert at its severity: that it gets worse is a cause of its own, that it is opened again by a job is none."""
    where = f" in {facts['environment']}" if facts.get("environment") else ""
    about = f"{facts['model']} v{facts['number']}" if facts.get("model") else "an unknown model"
    return Cause(
        type=Firing.Cause.ALERT,
        id=str(facts["alert_id"]),
        key=f"alert:{facts['alert_id']}:{facts.get('severity', '')}",
        label=f"{facts.get('kind', 'unknown')} alert on {about}{where}",
        facts={"alert": str(facts["alert_id"]), **_known(facts, "kind", "severity", "columns", *_VERSION)},
    )


def dataset_cause(facts: Mapping[str, Any]) -> Cause:
    digest = facts.get("digest") or ""
    return Cause(
        type=Firing.Cause.DATASET_VERSION,
        id=str(facts["version"]),
        key=f"dataset_version:{facts['version']}",
        label=f"new version of the dataset {facts['dataset']}" + (f" ({digest[:19]}…)" if digest else ""),
        facts=_known(facts, "dataset", "digest", "run"),
    )


def calendar_cause(trigger: Trigger, due: datetime) -> Cause:
    """One moment of the calendar. Of those missed while the server stood still, it is the only one."""
    text = clock.text(due)
    return Cause(
        type=Firing.Cause.CALENDAR,
        id=text,
        key=f"calendar:{text}",
        label=f"calendar {trigger.filter['cron']} ({trigger.filter['timezone']}), due {text[:16]}Z",
    )


def trial_cause(actor_name: str) -> Cause:
    """Somebody wants to see that it works; each time is a cause of its own."""
    key = str(uuid7())
    return Cause(type=Firing.Cause.TEST, id=key, key=f"test:{key}", label=f"test by {actor_name}")


_VERSION = ("model", "number", "digest", "environment")


def _known(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: facts[name] for name in names if facts.get(name) is not None}
