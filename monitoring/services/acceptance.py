"""Windows that people accept as normal, and that they do not any more."""

from typing import Any

from django.db import transaction

from audit.services import record
from core.access import Principal
from monitoring.errors import NotJudged
from monitoring.evidence import monitor_target
from monitoring.models import ReferenceWindow, Window
from monitoring.services.locking import lock_monitor


@transaction.atomic
def accept_window(*, window: Window, reason: str, actor: Principal) -> ReferenceWindow:
    """How it is, is normal: what is judged from now on is judged beside it. Idempotent.

    Raises:
        NotJudged: nobody has seen yet how it is.
    """
    lock_monitor(window.monitor_id)
    window = _fresh(window)
    if not window.sha256:
        raise NotJudged("This window has not been judged yet; it can be accepted after that.")
    known = ReferenceWindow.objects.filter(window=window).first()
    if known is not None and not known.is_learnt:
        return known
    accepted, _ = ReferenceWindow.objects.update_or_create(
        window=window,
        defaults={
            "monitor": window.monitor,
            "reason": reason,
            "accepted_by_id": actor.id,
            "accepted_by": actor.name,
        },
    )
    _record(window, "window.accept", actor, reason=reason)
    return accepted


@transaction.atomic
def reject_window(*, window: Window, actor: Principal) -> None:
    """It is not taken as normal any more, whoever accepted it. Idempotent."""
    lock_monitor(window.monitor_id)
    dropped, _ = ReferenceWindow.objects.filter(window=window).delete()
    if dropped:
        _record(_fresh(window), "window.reject", actor)


def _fresh(window: Window) -> Window:
    return Window.objects.select_related(
        "monitor__project", "monitor__environment", "monitor__version__model__project"
    ).get(pk=window.pk)


def _record(window: Window, action: str, actor: Principal, **evidence: Any) -> None:
    record(
        action=action,
        target=monitor_target(window.monitor),
        actor=actor,
        project=window.monitor.project,
        after={"window": window.uuid, "start": window.start, "profile": window.sha256},
        refs=[("window", str(window.uuid))],
        **evidence,
    )
