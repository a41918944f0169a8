"""Triggers of retraining, and their firings: why, when, and what came of it."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7

NAME_LENGTH = 64


class Trigger(models.Model):
    """Starts a job elsewhere when something happens here. `filter` says what, `action`, `address` and `settings` say where.

    A deleted one stays as a row without credentials, because its firings are causes that runs lead back to.
    """

    class On(models.TextChoices):
        CALENDAR = "calendar"
        DATASET_VERSION = "dataset_version"
        ALERT = "alert"

    class Action(models.TextChoices):
        WEBHOOK = "webhook"
        GITHUB = "github"
        GITLAB = "gitlab"
        AIRFLOW = "airflow"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    on = models.CharField(max_length=15, choices=On.choices)
    filter = models.JSONField()
    action = models.CharField(max_length=7, choices=Action.choices)
    address = models.CharField(max_length=2000)
    settings = models.JSONField(default=dict)
    sealed_credentials = models.BinaryField()
    cool_down_s = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    owner = models.CharField(max_length=128)  # who is asked about it
    next_at = models.DateTimeField(null=True)  # when a calendar is due next; None while disabled
    last_fired_at = models.DateTimeField(null=True)  # the cool-down counts from here
    deleted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()  # the account's lasting id, a plain value
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], name="monitoring_trigger_name", condition=Q(deleted_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(on__in=["calendar", "dataset_version", "alert"]), name="monitoring_trigger_on"
            ),
            models.CheckConstraint(
                condition=Q(action__in=["webhook", "github", "gitlab", "airflow"]), name="monitoring_trigger_action"
            ),
        ]
        indexes = [models.Index(fields=["next_at"], name="monitoring_trigger_due", condition=Q(next_at__isnull=False))]

    @property
    def shown_address(self) -> str:
        return shown_address(self.address)


def shown_address(address: str) -> str:
    """Without its query, which may hold a secret of whoever receives."""
    shown, mark, _ = address.partition("?")
    return f"{shown}?…" if mark else shown


class Firing(models.Model):
    """One cause that a trigger met. Its `uuid` is the cause that runs name; `cause_key` lets no cause be met twice.

    `facts` are what is known of the cause, kept as they were. `attempts` counts requests that were begun.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"
        SUPPRESSED = "suppressed"

    class Cause(models.TextChoices):
        CALENDAR = "calendar"
        DATASET_VERSION = "dataset_version"
        ALERT = "alert"
        TEST = "test"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    trigger = models.ForeignKey(Trigger, on_delete=models.PROTECT, related_name="firings", db_index=False)
    cause_type = models.CharField(max_length=15, choices=Cause.choices)
    cause_id = models.CharField(max_length=100)
    cause_key = models.CharField(max_length=200)
    cause_label = models.CharField(max_length=500)
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices)
    detail = models.CharField(max_length=500, default="")  # why it was suppressed, or failed
    fired_at = models.DateTimeField(default=now, editable=False)
    ended_at = models.DateTimeField(null=True)  # when it was sent, or given up
    attempts = models.PositiveIntegerField(default=0)
    answer_status = models.PositiveIntegerField(null=True)
    answer = models.CharField(max_length=500, default="")  # the beginning of the last answer
    run = models.ForeignKey("tracking.Run", on_delete=models.PROTECT, null=True, related_name="+")
    version = models.ForeignKey("registry.ModelVersion", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trigger", "cause_key"], name="monitoring_firing_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "sent", "failed", "suppressed"]), name="monitoring_firing_state"
            ),
        ]
        indexes = [models.Index(fields=["trigger", "id"], name="monitoring_firing_list")]

    @property
    def is_pending(self) -> bool:
        return self.state == self.State.PENDING
