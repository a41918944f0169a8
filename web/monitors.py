"""Monitors as pages show them: how each deployment stands, how its columns went over the windows. A few queries a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F
from django.db.models import Window as Over
from django.db.models.functions import RowNumber

from monitoring.models import Alert, ColumnResult, Evaluation, Monitor, Window
from web.drawings import Lines, Point, Spark, lines, percent, short, sparkline

SHOWN_WINDOWS = 30
TONES = {"ok": "ok", "warn": "warn", "critical": "bad"}
_BADNESS = {"critical": 0, "warn": 1, "ok": 2}


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One window in a list. `state` is that of its judgement, or of the window while it has none."""

    uuid: UUID
    start: datetime
    end: datetime
    state: str
    rows: int | None
    restated: int
    detail: str

    @property
    def tone(self) -> str:
        return TONES.get(self.state, "idle")


@dataclass(frozen=True, slots=True)
class MonitorRow:
    uuid: UUID
    model: str
    number: int
    environment: str
    enabled: bool
    owner: str
    last: WindowRow | None
    windows: Sequence[WindowRow]  # oldest first
    open_alerts: int


def monitor_rows(monitors: Sequence[Monitor]) -> list[MonitorRow]:
    """Two queries for all of them."""
    windows = _newest_windows(monitors)
    open_alerts = dict(
        Alert.objects.filter(monitor__in=monitors)
        .exclude(state=Alert.State.CLOSED)
        .values_list("monitor")
        .annotate(count=Count("id"))
        .values_list("monitor", "count")
    )
    return [
        MonitorRow(
            uuid=monitor.uuid,
            model=monitor.version.model.name,
            number=monitor.version.number,
            environment=monitor.environment.name,
            enabled=monitor.enabled,
            owner=monitor.owner,
            last=_last_judged(windows.get(monitor.pk, [])),
            windows=windows.get(monitor.pk, []),
            open_alerts=open_alerts.get(monitor.pk, 0),
        )
        for monitor in monitors
    ]


def window_rows(windows: Iterable[Window]) -> list[WindowRow]:
    """Asks for `evaluation` to be loaded along."""
    return [
        WindowRow(
            uuid=window.uuid,
            start=window.start,
            end=window.end,
            state=window.evaluation.state if window.evaluation else window.state,
            rows=window.evaluation.rows if window.evaluation else None,
            restated=window.evaluation.number - 1 if window.evaluation else 0,
            detail=window.detail,
        )
        for window in windows
    ]


def _newest_windows(monitors: Sequence[Monitor]) -> dict[int, list[WindowRow]]:
    """The newest few of each, oldest first."""
    order = Over(RowNumber(), partition_by=F("monitor"), order_by=F("start").desc())
    found = Window.objects.filter(monitor__in=monitors).annotate(place=order).filter(place__lte=SHOWN_WINDOWS)
    by_monitor: dict[int, list[WindowRow]] = {}
    for window in found.select_related("evaluation").defer("document", "evaluation__result").order_by("start"):
        by_monitor.setdefault(window.monitor_id, []).extend(window_rows([window]))
    return by_monitor


def _last_judged(windows: Sequence[WindowRow]) -> WindowRow | None:
    return next((window for window in reversed(windows) if window.rows is not None), windows[-1] if windows else None)


# --- columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One question about one column in one window, and how it went in the windows before."""

    column: str
    role: str
    kind: str
    state: str
    test: str
    statistic: float | None
    p_value: float | None
    effect_name: str
    effect: str  # with its unit
    message: str
    spark: Spark


def column_rows(monitor: Monitor, window: Window) -> list[ColumnRow]:
    """The verdicts of a window, the worst first. Two queries."""
    verdicts = list(ColumnResult.objects.filter(window=window))
    starts = _starts(monitor, upto=window.start)
    history = _history(monitor, starts)
    found = []
    for verdict in verdicts:
        name = main_effect(verdict)
        size = (verdict.effects.get(name) if name else None) or 0.0
        values = [history.get((verdict.column, verdict.kind), {}).get(start) for start in starts]
        found.append((-size, _column_row(verdict, monitor, values)))
    found.sort(key=lambda pair: (_BADNESS.get(pair[1].state, 3), pair[0], pair[1].column, pair[1].kind))
    return [row for _, row in found]


def _column_row(verdict: ColumnResult, monitor: Monitor, values: Sequence[float | None]) -> ColumnRow:
    name = main_effect(verdict)
    effect = EFFECTS[name] if name else None
    return ColumnRow(
        column=verdict.column,
        role=verdict.role,
        kind=verdict.kind,
        state=verdict.state,
        test=(verdict.test or "").replace("_", " "),
        statistic=verdict.statistic,
        p_value=verdict.adjusted_p if verdict.adjusted_p is not None else verdict.p_value,
        effect_name=effect.label if effect else "",
        effect=effect.text(verdict.effects.get(name)) if effect else "–",
        message=verdict.message,
        spark=sparkline(values, limit=limits_of(monitor, verdict.column).get(effect.warn) if effect else None),
    )


def limits_of(monitor: Monitor, column: str) -> dict[str, Any]:
    """The monitor's, with what is different for that column."""
    return {**monitor.limits, **(monitor.limits.get("columns") or {}).get(column, {})}


@dataclass(frozen=True, slots=True)
class Effect:
    """What limits are set on: what a table calls it, what a chart says it is, the limits, and whether it is a share of rows."""

    label: str
    about: str
    warn: str
    critical: str
    is_share: bool = False

    def text(self, value: float | None) -> str:
        if value is None:
            return "–"
        return percent(value) if self.is_share else short(value)


EFFECTS = {
    "psi": Effect("PSI", "population stability index, in nats", "psi_warn", "psi_critical"),
    "l_infinity": Effect("L∞", "largest change of a value's share", "linf_warn", "linf_critical", is_share=True),
    "missing_points": Effect(
        "missing", "rows without a value, beyond the baseline's", "missing_points", "missing_critical", is_share=True
    ),
    "new_category_mass": Effect(
        "new", "rows with a value that the baseline had not", "new_category_points", "new_category_critical", is_share=True
    ),
    "mmd": Effect("MMD²", "squared distance of the embeddings, 0 to 2", "embedding_warn", "embedding_critical"),
}  # fmt: skip
_OF_KIND = {"missing": ("missing_points",), "new_category": ("new_category_mass",), "embedding": ("mmd",)}


def main_effect(verdict: ColumnResult) -> str:
    """The name of the effect that says most; "" where it has none."""
    wanted = _OF_KIND.get(verdict.kind, ("psi", "l_infinity"))
    return next((name for name in wanted if verdict.effects.get(name) is not None), "")


def _starts(monitor: Monitor, *, upto: datetime) -> list[datetime]:
    found = Window.objects.filter(monitor=monitor, start__lte=upto, evaluation__isnull=False).order_by("-start")
    return list(found.values_list("start", flat=True)[:SHOWN_WINDOWS])[::-1]


def _history(monitor: Monitor, starts: Sequence[datetime]) -> dict[tuple[str, str], dict[datetime, float | None]]:
    history: dict[tuple[str, str], dict[datetime, float | None]] = {}
    if starts:
        results = ColumnResult.objects.filter(monitor=monitor, start__gte=starts[0], start__lte=starts[-1])
        for result in results.only("column", "kind", "start", "effects"):
            name = main_effect(result)
            history.setdefault((result.column, result.kind), {})[result.start] = (
                result.effects.get(name) if name else None
            )
    return history


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """One effect of a column over the windows, under its limits."""

    kind: str
    effect: str
    about: str
    lines: Lines


def column_charts(monitor: Monitor, column: str) -> list[ColumnChart]:
    """One for each kind of question that has a number, over the newest windows."""
    results = ColumnResult.objects.filter(monitor=monitor, column=column).order_by("-start", "-id")
    by_kind: dict[str, list[ColumnResult]] = {}
    for result in results[: SHOWN_WINDOWS * 4]:
        by_kind.setdefault(result.kind, []).append(result)
    found = []
    for kind, newest in by_kind.items():
        name = main_effect(newest[0])
        if not name:
            continue
        effect, known = EFFECTS[name], limits_of(monitor, column)
        limits = [
            (word, float(known[key]), tone)
            for word, key, tone in (("warns from", effect.warn, "warn"), ("critical from", effect.critical, "bad"))
            if known.get(key) is not None
        ]
        points = [
            Point(result.start, result.effects.get(name), TONES.get(result.state, "idle"))
            for result in reversed(newest)
        ]
        drawn = lines(points, limits=limits, as_text=effect.text)
        if drawn is not None:
            found.append(ColumnChart(kind, effect.label, effect.about, drawn))
    return sorted(found, key=lambda chart: chart.kind)


# --- performance -----------------------------------------------------------------------------------------------------


ACRONYMS = {"auc": "AUC", "mae": "MAE", "rmse": "RMSE", "logloss": "log loss"}


@dataclass(frozen=True, slots=True)
class PerformanceChart:
    """One metric over the windows, with its interval and the baseline as a limit."""

    metric: str
    lines: Lines


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    start: datetime
    window: UUID
    state: str
    predicted: int
    labelled: int
    coverage: float | None
    metrics: Sequence[tuple[str, Mapping[str, float | None]]]
    estimate: Sequence[tuple[str, float | None]]
    message: str


def performance_rows(monitor: Monitor) -> list[PerformanceRow]:
    """Newest first, of the windows that had predictions with or without labels."""
    found = Evaluation.objects.filter(window__evaluation=F("id"), window__monitor=monitor).select_related("window")
    rows = []
    for evaluation in found.defer("window__document").order_by("-window__start")[:SHOWN_WINDOWS]:
        verdict: Mapping[str, Any] | None = evaluation.result.get("performance")
        if verdict is None:
            continue
        rows.append(
            PerformanceRow(
                start=evaluation.window.start,
                window=evaluation.window.uuid,
                state=verdict["state"],
                predicted=verdict["predicted"],
                labelled=verdict["labelled"],
                coverage=verdict["coverage"],
                metrics=sorted(verdict["metrics"].items()),
                estimate=sorted((verdict["estimate"] or {}).items()),
                message=verdict["message"],
            )
        )
    return rows


def performance_charts(rows: Sequence[PerformanceRow]) -> list[PerformanceChart]:
    """Label coverage first, then each metric that any window has."""
    oldest_first = list(reversed(rows))
    covered = [Point(row.start, row.coverage, TONES.get(row.state, "idle")) for row in oldest_first]
    coverage = lines(covered, as_text=percent)
    charts = [PerformanceChart("label coverage", coverage)] if coverage else []
    for metric in sorted({name for row in rows for name, _ in row.metrics}):
        values = [dict(row.metrics).get(metric, {}) for row in oldest_first]
        baseline = next((each["baseline"] for each in reversed(values) if each.get("baseline") is not None), None)
        points = [
            Point(row.start, each.get("current"), TONES.get(row.state, "idle"), each.get("low"), each.get("high"))
            for row, each in zip(oldest_first, values, strict=True)
        ]
        drawn = lines(points, limits=[("baseline", baseline, "info")] if baseline is not None else [], from_zero=False)
        if drawn is not None:
            charts.append(PerformanceChart(ACRONYMS.get(metric, metric.replace("_", " ")), drawn))
    return charts


# --- limits ----------------------------------------------------------------------------------------------------------


LIMITS = {
    "fdr": ("share of alarms that may be false", "%"),
    "psi_warn": ("PSI that warns", "nats"),
    "psi_critical": ("PSI that is critical", "nats"),
    "linf_warn": ("change of a value's share that warns", "%"),
    "linf_critical": ("change of a value's share that is critical", "%"),
    "missing_points": ("more rows without a value that warn", "%"),
    "missing_critical": ("more rows without a value that are critical", "%"),
    "new_category_points": ("rows with new values that warn", "%"),
    "new_category_critical": ("rows with new values that are critical", "%"),
    "embedding_warn": ("MMD² of embeddings that warns", ""),
    "embedding_critical": ("MMD² of embeddings that is critical", ""),
    "least_rows": ("rows below which nothing is judged", "rows"),
    "sequential_alarm": ("mean time between false alarms of evidence over windows", "windows"),
    "sequential_psi": ("PSI of a window that such evidence needs", "nats"),
    "label_coverage": ("labels known, below which performance is not judged", "%"),
    "performance_drop": ("loss of accuracy or AUC that warns", "%"),
    "performance_critical": ("loss of accuracy or AUC that is critical", "%"),
    "error_growth": ("growth of the mean absolute error that warns", "%"),
    "error_critical": ("growth of the mean absolute error that is critical", "%"),
    "judge_dates": ("dates are judged", ""),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One setting, what it means, and its value with its unit. `column` is empty where it is for all columns."""

    key: str
    about: str
    value: str
    column: str = ""


def limit_rows(monitor: Monitor) -> list[Limit]:
    """All that hold for every column, in the order of their meaning, then what is different for some."""
    general = [key for key in LIMITS if key in monitor.limits]
    general += sorted(key for key in monitor.limits if key not in LIMITS and key != "columns")
    rows = [_limit(key, monitor.limits[key]) for key in general]
    for column, changes in sorted((monitor.limits.get("columns") or {}).items()):
        rows += [_limit(key, value, column) for key, value in sorted(changes.items())]
    return rows


def _limit(key: str, value: Any, column: str = "") -> Limit:
    about, unit = LIMITS.get(key, (key.replace("_", " "), ""))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Limit(key, about, {True: "yes", False: "no"}.get(value, str(value)), column)
    said = percent(value) if unit == "%" else f"{value:g}" + (f"\u202f{unit}" if unit else "")
    return Limit(key, about, said, column)
