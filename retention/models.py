"""Tables of this room: holds that people put, tombstones of what is gone, and deletions of many things at once."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7

KEY_LENGTH = 64  # a lasting id of any kind, in hex


class Hold(models.Model):
    """A person's word that something, and all that it came from, stays. Lifted ones are kept."""

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=KEY_LENGTH)
    label = models.CharField(max_length=600)  # what it was called when it was held
    reason = models.TextField()
    placed_at = models.DateTimeField(default=now, editable=False)
    placed_by = models.CharField(max_length=128)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=128, default="")
    lift_reason = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["project", "id"], name="retention_hold_list"),
            models.Index(
                fields=["project", "kind", "key"], name="retention_hold_now", condition=Q(lifted_at__isnull=True)
            ),
        ]


class Tombstone(models.Model):
    """What is left to say of a thing that was purged. Written once, by the purge, as plain values."""

    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=KEY_LENGTH)
    label = models.CharField(max_length=600)
    purged_at = models.DateTimeField(default=now, editable=False)
    purged_by = models.CharField(max_length=128)
    reason = models.TextField(blank=True, default="")
    event_id = models.UUIDField()  # the ledger's entry of the purge

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind", "key"], name="retention_tombstone_identity")]


class Deletion(models.Model):
    """One act on many things, frozen when it was asked for and carried out some at a time."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=32)
    act = models.CharField(max_length=16)
    selection = models.JSONField(default=dict)  # the filter it was made from, for people; the items are what counts
    reason = models.TextField(blank=True, default="")
    actor = models.JSONField(default=dict)  # who asked, as a plain value: the account may be gone when it ends
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["project", "id"], name="retention_deletion_list")]

    @property
    def label(self) -> str:
        return f"{self.act} {self.total} × {self.kind}"


class DeletionItem(models.Model):
    """One thing of a deletion. `outcome` is empty until its turn has come."""

    class Outcome(models.TextChoices):
        DONE = "done"
        UNCHANGED = "unchanged"
        HELD = "held"
        FAILED = "failed"

    deletion = models.ForeignKey(Deletion, on_delete=models.CASCADE, related_name="items", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH)
    label = models.CharField(max_length=600)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default="")
    detail = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deletion", "key"], name="retention_item_once")]
        indexes = [models.Index(fields=["deletion", "outcome", "id"], name="retention_item_waiting")]
