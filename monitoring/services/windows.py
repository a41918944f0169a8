"""Windows: which one a moment falls into, when each is closed, and which is judged next.

Windows of one monitor are judged in their order. A window that is closed promises its judgement in the same transaction;
whoever comes too early leaves, and each judgement promises the next, so that none is forgotten. One that is judged again
holds up no other: where it leaves other evidence than before, the windows after it are judged again, too.
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F

from core import clock, jobs
from monitoring.models import Monitor, ProfilePart, Window
from registry.models import ModelVersion

State = Window.State
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOSED_AT_ONCE = 500  # windows closed in one run of the sweep
DROPPED_AT_ONCE = 5_000  # parts emptied in one statement


def aligned(monitor: Monitor, moment: datetime) -> datetime:
    """The start of the window that `moment` falls into by the monitor's length alone: whole windows since 1970, in UTC."""
    length = timedelta(seconds=monitor.window_s)
    return EPOCH + (moment - EPOCH) // length * length


def window_at(monitor: Monitor, moment: datetime, *, privacy: str) -> Window:
    """The window that `moment` falls into, made if need be. The caller holds the monitor's lock.

    After a change of length, windows that are there stay as they are, and a new one fills no more than the gap.
    """
    windows = Window.objects.filter(monitor=monitor)
    before = windows.filter(start__lte=moment).order_by("-start").first()
    if before is not None and moment < before.end:
        return before
    after = windows.filter(start__gt=moment).order_by("start").values_list("start", flat=True).first()
    start = aligned(monitor, moment)
    end = start + timedelta(seconds=monitor.window_s)
    end = min(end, after) if after is not None else end
    due_at = end + timedelta(seconds=monitor.grace_s)
    return Window.objects.create(
        monitor=monitor,
        start=max(start, before.end) if before is not None else start,
        end=end,
        due_at=due_at,
        privacy=privacy,
    )


def close_due() -> int:
    """Close the windows whose time is over, oldest first; how many. For workers."""
    due = Window.objects.filter(
        state=State.OPEN,
        due_at__lte=clock.now(),
        monitor__enabled=True,
        monitor__project__archived_at__isnull=True,
    )
    found = list(due.order_by("due_at").values_list("pk", flat=True)[:CLOSED_AT_ONCE])
    return sum(_close(window_id) for window_id in found)


@transaction.atomic
def _close(window_id: int) -> int:
    closed = Window.objects.filter(pk=window_id, state=State.OPEN).update(state=State.CLOSED, attempts=0)
    if closed:
        promise_judgement(window_id)
    return closed


def reopen(window: Window) -> None:
    """Have it judged again, soon: what else comes for it meanwhile is judged with it. The caller holds the monitor's lock."""
    Window.objects.filter(pk=window.pk).exclude(state=State.OPEN).update(state=State.CLOSED, attempts=0, detail="")
    promise_judgement(window.pk, delay_s=restate_delay_s(window))


def restate_delay_s(window: Window) -> float:
    """A minute for windows of an hour, an hour for those of a day: labels trickle in, and each judgement is kept."""
    return min(3_600.0, max(60.0, (window.end - window.start).total_seconds() / 24))


def promise_judgement(window_id: int, *, delay_s: float = 0) -> None:
    """One promise at a time that is due now, and one that is due later."""
    later = ":later" if delay_s else ""
    jobs.enqueue(
        "monitoring.evaluate_window", _dedupe=f"window:{window_id}{later}", _delay_s=delay_s, window_id=window_id
    )


def judge_next(*, monitor: Monitor) -> None:
    """Promise the judgement of the oldest window that never had one. In the caller's transaction."""
    first = first_unjudged(monitor)
    if first is not None:
        promise_judgement(first)


def first_unjudged(monitor: Monitor) -> int | None:
    closed = Window.objects.filter(monitor=monitor, state=State.CLOSED, evaluation__isnull=True)
    return closed.order_by("start").values_list("pk", flat=True).first()


def judge_waiting(*, monitor: Monitor) -> None:
    """Promise all judgements that are due. In the caller's transaction."""
    closed = Window.objects.filter(monitor=monitor, state=State.CLOSED).order_by("start")
    for window_id in closed.values_list("pk", flat=True):
        promise_judgement(window_id)


def judge_unjudged(*, version: ModelVersion) -> None:
    """There is a baseline now: have the windows judged that were looked at without one, or that failed."""
    for monitor in Monitor.objects.select_for_update().filter(version=version).order_by("pk"):
        windows = Window.objects.filter(monitor=monitor)
        windows.filter(state=State.EVALUATED, evaluation__baseline_sha256="").update(state=State.CLOSED, attempts=0)
        windows.filter(state=State.FAILED).update(state=State.CLOSED, attempts=0, detail="")
        judge_waiting(monitor=monitor)


def drop_old_parts(*, days: int) -> int:
    """Empty parts that came more than `days` ago and that their window's document has; how many. For workers. Their ids
    stay, so that what is sent again is still known.
    """
    old = ProfilePart.objects.filter(
        merged=True, received_at__lt=clock.now() - timedelta(days=days), window__state=State.EVALUATED
    ).exclude(document=b"")
    dropped = 0
    while found := list(old.values_list("pk", flat=True)[:DROPPED_AT_ONCE]):
        dropped += ProfilePart.objects.filter(pk__in=found).update(document=b"")
    return dropped


def count_attempt(window: Window) -> None:
    """Before the work, so that an attempt which killed its worker is counted too."""
    Window.objects.filter(pk=window.pk).update(attempts=F("attempts") + 1)
    window.attempts += 1
