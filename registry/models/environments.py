"""Environments of a project, and slots: the one lockable truth of which version is promoted where."""

from django.db import models

from core.clock import now
from core.ids import uuid7
from registry.models.policies import Policy
from registry.models.versions import Model, ModelVersion


class Environment(models.Model):
    """A place that models are promoted to. A protected one takes verified bytes only, with or without a policy."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=64)
    position = models.PositiveIntegerField()
    protected = models.BooleanField(default=False)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, null=True, related_name="environments")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="registry_environment_name")]


class Slot(models.Model):
    """Which version of `model` holds `environment`. Every promotion locks this row before it looks."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="slots", db_index=False)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="slots")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="slots")
    since = models.DateTimeField(null=True)
    promotion = models.ForeignKey("registry.Promotion", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "environment"], name="registry_slot_identity")]
