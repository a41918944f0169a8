"""Policies: named rules for promotions. What a policy says is in its revisions, which are written once."""

from django.db import models

from core.clock import now
from core.ids import uuid7


class Policy(models.Model):
    """A name; `revision` is the number of the revision in force."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="registry_policy_name")]


class PolicyRevision(models.Model):
    """One wording. `text` is the canonical JSON that `sha256` is of."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="registry_policy_revision_number")]
