"""Subscriptions: who is told of what, and where."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7

NAME_LENGTH = 64


class Subscription(models.Model):
    """Messages about `events` (names, or patterns as `alert.*`) that are at least as severe as `least_severity`.

    Where they go is sealed, since the addresses of chats are secrets by themselves; `shown_target` is what people see.
    A webhook's messages are signed with `sealed_secret`, and with the one before it until `previous_until`.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        SLACK = "slack"
        TEAMS = "teams"
        EMAIL = "email"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    sealed_target = models.BinaryField()
    shown_target = models.CharField(max_length=500)
    events = models.JSONField()
    least_severity = models.CharField(max_length=8)
    enabled = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=500, default="")  # where the server did it
    sealed_secret = models.BinaryField(default=bytes)
    sealed_previous_secret = models.BinaryField(default=bytes)
    previous_until = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)  # the first failure after the last success
    failures = models.PositiveIntegerField(default=0)  # one after the other
    paused_until = models.DateTimeField(null=True)  # before then nothing is tried, except by people
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()  # the account's lasting id, a plain value
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="notify_subscription_name"),
            models.CheckConstraint(condition=~Q(name=""), name="notify_subscription_named"),
            models.CheckConstraint(
                condition=Q(kind__in=["webhook", "slack", "teams", "email"]), name="notify_subscription_kind"
            ),
        ]

    @property
    def is_failing(self) -> bool:
        return self.failing_since is not None

    def is_paused(self, moment: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > moment
