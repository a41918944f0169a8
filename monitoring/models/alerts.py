"""Alerts: what is wrong with a version in production, until it is over or somebody says that it is."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from monitoring.models.monitors import Monitor
from monitoring.models.windows import Window


class Alert(models.Model):
    """One trouble of a monitor, of which there is at most one of each kind that is not closed.

    `causes` names what it was opened and updated by, where that is no window; nothing there is met twice. `told` counts
    its announcements.
    """

    class Kind(models.TextChoices):
        DRIFT = "drift"
        PREDICTION_DRIFT = "prediction_drift"
        MISSING = "missing"
        NEW_CATEGORY = "new_category"
        SCHEMA = "schema"
        PERFORMANCE = "performance"
        SEQUENTIAL = "sequential"
        MISMATCH = "mismatch"
        SILENCE = "silence"
        EXTERNAL = "external"

    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        CLOSED = "closed"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="alerts", db_index=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    severity = models.CharField(max_length=8, choices=Monitor.Severity.choices)
    columns = models.JSONField(default=list)
    message = models.TextField()
    first_window = models.ForeignKey(Window, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    last_window = models.ForeignKey(Window, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    causes = models.JSONField(default=list)
    told = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=128, default="")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=128, default="")
    reason = models.CharField(max_length=2_000, default="")  # of whoever acknowledged or closed it last

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["monitor", "kind"], name="monitoring_alert_open", condition=~Q(state="closed")
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "drift", "prediction_drift", "missing", "new_category", "schema", "performance", "sequential",
                        "mismatch", "silence", "external",
                    ]
                ),
                name="monitoring_alert_kind",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "acknowledged"], closed_at__isnull=True)
                | Q(state="closed", closed_at__isnull=False),
                name="monitoring_alert_state",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["project", "id"], name="monitoring_alert_list"),
            models.Index(fields=["monitor", "kind", "id"], name="monitoring_alert_history"),
        ]

    @property
    def is_closed(self) -> bool:
        return self.state == self.State.CLOSED
