"""Deliveries: one message to one subscription, and every attempt to bring it there."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from notify.models.subscriptions import Subscription

KEY_LENGTH = 200


class Delivery(models.Model):
    """A message that one subscription gets once: `key` names what happened, and is unique per subscription.

    Its `uuid` is the message's id wherever it goes, the same on every attempt. `attempts` counts those of this round,
    which began at `since`; a replay begins another.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"  # refused, so that another try would change nothing
        DEAD = "dead"  # given up after many tries

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=64)
    key = models.CharField(max_length=KEY_LENGTH)
    severity = models.CharField(max_length=8)
    title = models.CharField(max_length=300)
    text = models.TextField()
    url = models.CharField(max_length=2000)  # of a page or route, below the server's address
    payload = models.JSONField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    detail = models.CharField(max_length=500, default="")  # why it is tried again, failed, or is dead
    attempts = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    next_at = models.DateTimeField(null=True)  # not to be tried before; None once it has ended
    created_at = models.DateTimeField(default=now, editable=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "key"], name="notify_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "delivered", "failed", "dead"]), name="notify_delivery_state"
            ),
        ]
        indexes = [
            models.Index(fields=["subscription", "id"], name="notify_delivery_list"),
            models.Index(fields=["ended_at"], name="notify_delivery_ended"),
        ]

    @property
    def is_pending(self) -> bool:
        return self.state == self.State.PENDING


class Attempt(models.Model):
    """One try. Without `duration_ms` it is under way, or whoever made it died before they could note what came of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True)
    status = models.PositiveIntegerField(null=True)  # of HTTP or SMTP
    answer = models.CharField(max_length=500, default="")  # its beginning
    error = models.CharField(max_length=500, default="")
