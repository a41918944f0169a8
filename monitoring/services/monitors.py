"""Monitors: made when a version goes into service, changed by people, each act on the ledger."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.db import transaction

from audit.services import record
from core.access import Principal, system_principal
from monitoring.engine import InvalidLimits, Limits
from monitoring.errors import MonitorRefused
from monitoring.evidence import monitor_target
from monitoring.models import Baseline, Monitor
from monitoring.quiet import check_quiet_hours
from monitoring.services.baselines import baseline_profile, freeze_baseline
from monitoring.services.locking import lock_monitor, monitors
from monitoring.services.sources import inherit_sources
from monitoring.services.windows import judge_waiting
from registry.gates.fields import Problem
from registry.models import Environment, ModelVersion

SETTINGS = (
    "enabled", "window_s", "grace_s", "limits", "columns", "severity", "quiet_hours", "silence_windows", "learn_windows",
    "owner",
)  # fmt: skip
SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 60, 31 * 86_400
LONGEST_GRACE_S = 31 * 86_400
MOST_LEARNT = 90
_LARGEST_TOLD = 3_000  # bytes of JSON on the ledger; larger settings are there by their digest


def ensure_monitor(
    *, version: ModelVersion, environment: Environment, actor: Principal | None = None
) -> tuple[Monitor, bool]:
    """The monitor of `version` there; and whether it is new. A new one is set as the model's last one in that environment
    was, else by default. Idempotent.
    """
    known = monitors().filter(version=version, environment=environment).first()
    return (known, False) if known is not None else _create(version, environment, actor or system_principal("worker"))


@transaction.atomic
def _create(version: ModelVersion, environment: Environment, actor: Principal) -> tuple[Monitor, bool]:
    version = ModelVersion.objects.select_for_update(of=("self",)).select_related("model__project").get(pk=version.pk)
    before = Monitor.objects.filter(version__model=version.model_id, environment=environment).order_by("-id").first()
    monitor, is_new = monitors().get_or_create(
        version=version,
        environment=environment,
        defaults={
            "project": version.model.project,
            "owner": version.created_by,
            "limits": Limits().to_json(),
            "columns": {"include": [], "exclude": []},
            **({name: getattr(before, name) for name in SETTINGS} if before is not None else {}),
        },
    )
    if is_new:
        freeze_baseline(version=version)
        if before is not None:
            inherit_sources(monitor=monitor, before=before)
        _record(monitor, "monitor.create", actor, after=_told(monitor, SETTINGS))
    return monitor, is_new


@transaction.atomic
def update_monitor(*, monitor: Monitor, changes: Mapping[str, Any], actor: Principal) -> Monitor:
    """Change what is given of its settings; limits and columns are replaced whole. What is as it was leaves no entry.

    A new length holds from the next window on. Limits and columns hold for what is judged from now on.

    Raises:
        MonitorRefused: some have values that they cannot have; all of them are told.
    """
    monitor = lock_monitor(monitor.pk)
    wanted = _checked(monitor, changes)
    changed = {name: value for name, value in wanted.items() if getattr(monitor, name) != value}
    if not changed:
        return monitor
    before = _told(monitor, tuple(changed))
    for name, value in changed.items():
        setattr(monitor, name, value)
    monitor.save(update_fields=list(changed))
    _record(monitor, "monitor.update", actor, before=before, after=_told(monitor, tuple(changed)))
    if changed.get("enabled"):
        judge_waiting(monitor=monitor)
    return monitor


def _checked(monitor: Monitor, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Types and bounds were checked where the changes came in; here is what takes more than that."""
    problems: list[Problem] = []
    wanted = {name: value for name, value in changes.items() if name in SETTINGS}
    try:
        if "limits" in wanted:
            wanted["limits"] = Limits.from_json(wanted["limits"]).to_json()
    except InvalidLimits as exc:
        problems.append({"field": exc.field, "detail": str(exc)})
    try:
        if wanted.get("quiet_hours") is not None:
            wanted["quiet_hours"] = check_quiet_hours(wanted["quiet_hours"])
    except ValueError as exc:
        problems.append({"field": "quiet_hours", "detail": str(exc)})
    if "columns" in wanted:
        wanted["columns"] = {name: sorted(set(wanted["columns"].get(name, []))) for name in ("include", "exclude")}
        problems += _unknown(monitor, wanted["columns"]["include"])
    if problems:
        raise MonitorRefused("The monitor has mistakes; nothing was changed.", errors=problems)
    return wanted


def _unknown(monitor: Monitor, included: list[str]) -> list[Problem]:
    """Columns that are not in the baseline cannot be compared with it. Leaving out what it has not is fine."""
    baseline = Baseline.objects.filter(version=monitor.version_id).first() if included else None
    if baseline is None:
        return []
    profile = baseline_profile(baseline)
    known = {*profile.columns, *profile.embeddings}
    return [
        {"field": "columns.include", "detail": f"The baseline has no column {name[:80]!r}."}
        for name in included
        if name not in known
    ]


def _told(monitor: Monitor, names: tuple[str, ...]) -> dict[str, Any]:
    """What the ledger is told of these settings; a text that is too long is kept there by its digest."""
    told = {name: getattr(monitor, name) for name in names}
    for name in {"limits", "columns"} & set(names):
        text = orjson.dumps(told[name], option=orjson.OPT_SORT_KEYS).decode()
        told[name] = told[name] if len(text) <= _LARGEST_TOLD else text
    return told


def _record(monitor: Monitor, action: str, actor: Principal, **evidence: Any) -> None:
    refs = [("model_version", str(monitor.version.uuid)), ("model", str(monitor.version.model.uuid))]
    record(action=action, target=monitor_target(monitor), actor=actor, project=monitor.project, refs=refs, **evidence)
