"""Intake hooks: addresses to which other tools send their verdicts, each with a secret of its own."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7

NAME_LENGTH = 64


class IntakeHook(models.Model):
    """Verdicts signed with its secret become evidence on a version of `model`: the one that the document names by its
    digest, else the one that `at` (an environment or an alias) points at, else the newest.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    model = models.ForeignKey("registry.Model", on_delete=models.PROTECT, related_name="+")
    at = models.CharField(max_length=64, default="")
    sealed_secret = models.BinaryField()
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()  # the account's lasting id, a plain value
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="monitoring_intake_hook_name"),
            models.CheckConstraint(condition=~Q(name=""), name="monitoring_intake_hook_named"),
        ]


class IntakeDelivery(models.Model):
    """One message that a hook took, under the sender's id for it: taken once, however often it is sent."""

    hook = models.ForeignKey(IntakeHook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    message_id = models.CharField(max_length=256)
    sha256 = models.CharField(max_length=64)  # of the body
    report = models.ForeignKey("registry.Report", on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hook", "message_id"], name="monitoring_intake_once")]
