"""Monitors: how one version is watched in one environment."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7

DAY_S = 86_400


class Monitor(models.Model):
    """Windows of `window_s` seconds, in UTC, are judged `grace_s` after their end.

    `limits` has every limit, `columns` what is looked at: `{"include": [], "exclude": []}`, where no inclusion means all.
    `severity` is the least that opens an alert. A monitor that is not enabled keeps what comes and judges nothing until
    it is. The first `learn_windows` windows that are well teach it how windows vary.
    """

    class Severity(models.TextChoices):
        WARN = "warn"
        CRITICAL = "critical"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    environment = models.ForeignKey("registry.Environment", on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey("registry.ModelVersion", on_delete=models.PROTECT, related_name="+")
    enabled = models.BooleanField(default=True)
    window_s = models.PositiveIntegerField(default=DAY_S)
    grace_s = models.PositiveIntegerField(default=3_600)
    limits = models.JSONField()
    columns = models.JSONField()
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.WARN)
    quiet_hours = models.JSONField(null=True)  # {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}
    silence_windows = models.PositiveIntegerField(default=2)  # so many without data are an alert
    learn_windows = models.PositiveIntegerField(default=28)
    owner = models.CharField(max_length=128)  # who is asked about it
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "version"], name="monitoring_monitor_place"),
            models.CheckConstraint(condition=Q(severity__in=["warn", "critical"]), name="monitoring_monitor_severity"),
            models.CheckConstraint(condition=Q(window_s__gte=60), name="monitoring_monitor_window"),
        ]
        indexes = [models.Index(fields=["project", "id"], name="monitoring_monitor_list")]

    @property
    def label(self) -> str:
        """Needs the version's model and the environment."""
        return f"{self.version.label} in {self.environment.name}"
