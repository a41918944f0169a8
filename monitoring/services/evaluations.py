"""Evaluations: a closed window is judged, and what comes of it is written at once: its numbers, its alerts, its ledger entry.

The same inputs are judged once: their digest is unique for a window. A worker that dies before the write leaves no trace
but a counted attempt; of two that judge the same case, the second finds the first's evaluation.
"""

import logging
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Max

from audit.services import record
from core import clock
from core.access import system_principal
from core.errors import LinealError
from monitoring.alarms import Alarm, alarms_of, is_over
from monitoring.engine import ColumnVerdict
from monitoring.engine import Evaluation as Judgement
from monitoring.evidence import monitor_target
from monitoring.models import Alert, ColumnResult, Evaluation, Monitor, ProfilePart, ReferenceWindow, Window
from monitoring.services.alerts import close_recovered, open_alerts, raise_alarm
from monitoring.services.cases import Case, Outcome, judge, load_case
from monitoring.services.locking import lock_monitor, monitors
from monitoring.services.windows import count_attempt, first_unjudged, judge_next, promise_judgement, reopen
from monitoring.triggers.filters import rank

log = logging.getLogger(__name__)

State = Window.State
MOST_ATTEMPTS = 6  # to judge one window, before the later ones go on without it


class StillTrying(Exception):
    """The window could not be judged; the outbox will try again."""


def evaluate_window(*, window_id: int) -> Evaluation | None:
    """Judge a closed window, or have an earlier one judged first; None where there is nothing to judge now. Idempotent.

    Raises:
        StillTrying: it cannot be judged now, and may be later.
    """
    case = _begin(window_id)
    if case is None:
        return None
    try:
        outcome = judge(case)
    except Exception as exc:
        detail = exc.detail if isinstance(exc, LinealError) else f"{type(exc).__name__}: {exc}"
        log.warning("The window %s of %s cannot be judged", case.window.uuid, case.monitor.label, exc_info=True)
        _note_failure(case, detail)
        return None
    return _keep(case, outcome)


@transaction.atomic
def _begin(window_id: int) -> Case | None:
    """Its case, if it is its turn."""
    window = Window.objects.get(pk=window_id)
    monitor = monitors().get(pk=window.monitor_id)
    if window.state != State.CLOSED or not monitor.enabled:
        return None
    if window.evaluation_id is None and first_unjudged(monitor) != window.pk:
        judge_next(monitor=monitor)
        return None
    if window.attempts >= MOST_ATTEMPTS:  # each killed its worker
        _set_aside(monitor, window, "Judging it was begun too often, and never ended.")
        return None
    count_attempt(window)
    return load_case(monitor, window)


def _note_failure(case: Case, detail: str) -> None:
    """Raises StillTrying, unless this was the last attempt: then later windows go on, and this one stays as it came."""
    if case.window.attempts >= MOST_ATTEMPTS:
        with transaction.atomic():
            _set_aside(lock_monitor(case.monitor.pk), case.window, detail)
        return
    Window.objects.filter(pk=case.window.pk).update(detail=detail[:500])
    raise StillTrying(f"{case.monitor.label}, {clock.text(case.window.start)}: {detail}")


def _set_aside(monitor: Monitor, window: Window, detail: str) -> None:
    Window.objects.filter(pk=window.pk, state=State.CLOSED).update(state=State.FAILED, detail=detail[:500])
    _record(monitor, window, outcome="error", after={"window": window.uuid, "detail": detail[:500]})
    judge_next(monitor=monitor)


@transaction.atomic
def _keep(case: Case, outcome: Outcome) -> Evaluation | None:
    """Write it, if nothing that it depends on has changed meanwhile; else have it judged again."""
    monitor = lock_monitor(case.monitor.pk)
    window = Window.objects.select_related("evaluation").get(pk=case.window.pk)
    if window.state != State.CLOSED or window.sha256 != case.window.sha256:
        return None  # another worker was faster
    now = load_case(monitor, window)
    if now.rules != case.rules:
        Window.objects.filter(pk=window.pk).update(attempts=0)
        promise_judgement(window.pk)
        return None
    before = window.evaluation
    evaluation, is_new = _save(case, outcome)
    _settle(window, case, outcome, evaluation)
    if is_new:
        _raise_alarms(monitor, window, outcome, before)
        _learn(monitor, window, outcome.judgement)
        _tell(monitor, window, evaluation, len(case.all_parts))
        _pass_on(monitor, window, before, evaluation)
    if now.digest != case.digest:  # parts that came meanwhile
        reopen(window)
    judge_next(monitor=monitor)
    return evaluation


def _save(case: Case, outcome: Outcome) -> tuple[Evaluation, bool]:
    judgement = outcome.judgement
    earlier = Evaluation.objects.filter(window=case.window).aggregate(Max("number"))["number__max"] or 0
    return Evaluation.objects.get_or_create(
        window=case.window,
        input_digest=case.digest,
        defaults={
            "number": earlier + 1,
            "baseline_sha256": case.baseline.sha256 if case.baseline is not None else "",
            "state": judgement.state,
            "rows": judgement.rows,
            "result": judgement.to_json(),
            "sequential": dict(judgement.sequential),
            "alarms": {kind: alarm.severity for kind, alarm in alarms_of(judgement).items()},
        },
    )


def _settle(window: Window, case: Case, outcome: Outcome, evaluation: Evaluation) -> None:
    """The window has it, and so have its parts and its columns' histories."""
    window.document, window.sha256 = outcome.document, sha256(outcome.document).hexdigest()
    window.state, window.evaluation, window.evaluated_at = State.EVALUATED, evaluation, clock.now()
    window.attempts, window.detail = 0, ""
    window.save(update_fields=["document", "sha256", "state", "evaluation", "evaluated_at", "attempts", "detail"])
    for part_id, why in outcome.refused.items():
        ProfilePart.objects.filter(pk=part_id).update(refused=why)
    taken = [part.pk for part in case.parts if part.pk not in outcome.refused]
    ProfilePart.objects.filter(pk__in=taken).update(merged=True)
    ColumnResult.objects.filter(window=window).delete()
    ColumnResult.objects.bulk_create(
        [_column_result(window, evaluation, verdict) for verdict in outcome.judgement.columns], batch_size=200
    )


def _column_result(window: Window, evaluation: Evaluation, verdict: ColumnVerdict) -> ColumnResult:
    return ColumnResult(
        monitor_id=window.monitor_id,
        evaluation=evaluation,
        window=window,
        start=window.start,
        column=verdict.column,
        kind=verdict.kind,
        role=verdict.role,
        state=verdict.state,
        test=verdict.test,
        statistic=verdict.statistic,
        p_value=verdict.p_value,
        adjusted_p=verdict.adjusted_p,
        e_value=verdict.e_value,
        effects=dict(verdict.effects),
        message=verdict.message,
    )


def _raise_alarms(monitor: Monitor, window: Window, outcome: Outcome, before: Evaluation | None) -> None:
    """Open and update what was found. A restatement opens only what the judgement before it had not, or had as milder: what
    was known and has been closed since stays closed.
    """
    found = alarms_of(outcome.judgement)
    known = before.alarms if before is not None else {}
    for kind, alarm in found.items():
        is_news = kind not in known or rank(known[kind]) < rank(alarm.severity)
        raise_alarm(monitor, alarm, window=window, may_open=is_news)
    for alert in open_alerts(monitor):
        is_newest = alert.last_window is None or window.start >= alert.last_window.start
        if is_newest and alert.kind not in found and is_over(alert.kind, alert.columns, outcome.judgement):
            close_recovered(monitor, alert.kind, f"Over in the window of {clock.text(window.start)[:16]}Z.")
    if outcome.mismatches:
        raise_alarm(monitor, Alarm(Alert.Kind.MISMATCH, "warn", (), tuple(outcome.mismatches)), window=window)


def _learn(monitor: Monitor, window: Window, judgement: Judgement) -> None:
    """The first windows that are well show how windows vary; one that turns out not to have been well does not."""
    learnt = ReferenceWindow.objects.filter(monitor=monitor, accepted_by_id__isnull=True)
    if judgement.state != "ok":
        learnt.filter(window=window).delete()
    elif learnt.count() < monitor.learn_windows:
        ReferenceWindow.objects.get_or_create(window=window, defaults={"monitor": monitor})


def _tell(monitor: Monitor, window: Window, evaluation: Evaluation, parts: int) -> None:
    after = {
        "window": window.uuid,
        "start": window.start,
        "evaluation": evaluation.uuid,
        "number": evaluation.number,
        "state": evaluation.state,
        "rows": evaluation.rows,
        "parts": parts,
        "profile": window.sha256,
        "baseline": evaluation.baseline_sha256,
        "inputs": evaluation.input_digest,
    }
    _record(monitor, window, after=after)


def _pass_on(monitor: Monitor, window: Window, before: Evaluation | None, evaluation: Evaluation) -> None:
    """A restatement that leaves other evidence than the one before it has the next window judged again, from that."""
    if before is None or before.sequential == evaluation.sequential:
        return
    later = Window.objects.filter(monitor=monitor, state=State.EVALUATED, start__gt=window.start).order_by("start")
    following = later.values_list("pk", flat=True).first()
    if following is not None:
        Window.objects.filter(pk=following).update(state=State.CLOSED, attempts=0)
        promise_judgement(following)


def _record(monitor: Monitor, window: Window, **evidence: Any) -> None:
    record(
        action="window.evaluate",
        target=monitor_target(monitor),
        actor=system_principal("worker"),
        project=monitor.project,
        refs=[("window", str(window.uuid)), ("model_version", str(monitor.version.uuid))],
        **evidence,
    )
