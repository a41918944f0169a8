"""Experiments: named heaps of runs within a project."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from tracking.limits import NAME_LENGTH


class Experiment(models.Model):
    """A deleted experiment keeps its name and hides its runs until it is restored. A purged one has given its name up."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True, default="")
    tags = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.CharField(max_length=128)
    deleted_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)  # when the last of its runs was purged, too

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tracking_experiment_name"),
            models.CheckConstraint(condition=~Q(name=""), name="tracking_experiment_named"),
        ]

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None
