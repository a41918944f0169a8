"""Sources: folders of Parquet that the server itself profiles, window by window, where the serving code sends nothing."""

from django.db import models

from core.clock import now
from core.ids import uuid7
from monitoring.models.monitors import Monitor


class Source(models.Model):
    """Files at `path`, in which `%Y %m %d %H %M` stand for the window's start. Each window is profiled once: when it has
    ended, or at `daily_at` (UTC) after that. `next_start` is the window that is profiled next, `next_at` when.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="sources")
    path = models.CharField(max_length=2_000)
    predictions = models.CharField(max_length=500, default="")  # columns of the files
    labels = models.CharField(max_length=500, default="")
    daily_at = models.CharField(max_length=5, default="")  # "03:00"; empty: when the window has ended
    next_start = models.DateTimeField()
    next_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)  # at the window that is next
    last_error = models.CharField(max_length=500, default="")
    last_error_at = models.DateTimeField(null=True)
    last_done_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()  # the account's lasting id, a plain value
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["monitor", "path"], name="monitoring_source_path")]
        indexes = [models.Index(fields=["next_at"], name="monitoring_source_due")]
