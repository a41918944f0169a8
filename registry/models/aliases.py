"""Aliases: names that move from version to version, and the history of every move."""

from django.db import models

from core.clock import now
from registry.models.versions import Model, ModelVersion

NAME_LENGTH = 64


class Alias(models.Model):
    """Where a name points now."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="aliases", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="aliases")
    set_at = models.DateTimeField(default=now)
    set_by = models.CharField(max_length=128)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="registry_alias_name")]


class AliasChange(models.Model):
    """One move. `version` is None where the alias was deleted. Rows are written once."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    previous = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    changed_at = models.DateTimeField(default=now)
    changed_by = models.CharField(max_length=128)
    reason = models.TextField(blank=True, default="")

    class Meta:
        indexes = [models.Index(fields=["model", "name", "id"], name="registry_alias_history")]
