"""The lock that whatever changes a monitor, its windows' judgements or its alerts takes first."""

from django.db.models import QuerySet

from monitoring.models import Monitor


def monitors() -> QuerySet[Monitor]:
    return Monitor.objects.select_related("project", "environment", "version__model__project")


def lock_monitor(monitor_id: int) -> Monitor:
    """The monitor as it is now, and so it stays until this transaction ends."""
    return monitors().select_for_update(of=("self",)).get(pk=monitor_id)
