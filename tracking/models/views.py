"""Saved views: searches that people named and share."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from tracking.limits import NAME_LENGTH, ORDER_LENGTH
from tracking.models.experiments import Experiment


class SavedView(models.Model):
    """A list of runs as a rule: what is searched, in which order and columns it is shown. New runs join by themselves.

    `filter`, `order_by` and `columns` are kept as they were written. `experiment` NULL stands for the whole project.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True, default="")
    filter = models.TextField(blank=True, default="")
    lifecycle = models.CharField(max_length=8, default="active")
    order_by = models.CharField(max_length=ORDER_LENGTH, blank=True, default="")
    columns = models.TextField(blank=True, default="")
    differing = models.BooleanField(default=False)
    created_by_id = models.UUIDField()  # the account's lasting id, as on runs
    created_by = models.CharField(max_length=128)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="tracking_view_name"),
            models.CheckConstraint(condition=~Q(name=""), name="tracking_view_named"),
        ]
