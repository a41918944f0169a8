"""Rows of the ledger. All but `AuditPending` is append-only, held so by triggers (see `guards`); private values may go.

Copies of ids and names are plain values, never foreign keys: the ledger outlives what it describes.
"""

from django.db import models


class AuditEvent(models.Model):
    """One thing that happened. `body` is the exact text that the log is made of; the other columns serve searches."""

    class Outcome(models.TextChoices):
        OK = "ok"
        DENIED = "denied"
        ERROR = "error"

    id = models.BigAutoField(primary_key=True)  # grows in the order of writing, which is what the sequencer goes by
    uuid = models.UUIDField(unique=True)
    at = models.DateTimeField(db_index=True)
    org = models.CharField(max_length=64)
    project_id = models.BigIntegerField(null=True)
    project_name = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    actor_type = models.CharField(max_length=16)
    actor_id = models.UUIDField()
    actor_name = models.CharField(max_length=128, blank=True)  # of services and the system; a person's is private
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=256)
    target_label = models.CharField(max_length=512, blank=True)  # empty where the label is private
    target_version = models.CharField(max_length=128, blank=True)
    body = models.TextField()

    class Meta:
        db_table = "audit_event"
        indexes = [
            models.Index(fields=["target_type", "target_id", "id"], name="audit_event_target"),
            models.Index(fields=["project_id", "id"], name="audit_event_project"),
            models.Index(fields=["project_name", "id"], name="audit_event_project_name"),
            models.Index(fields=["action", "id"], name="audit_event_action"),
            models.Index(fields=["actor_id", "id"], name="audit_event_actor"),
        ]
        constraints = [
            models.CheckConstraint(
                name="audit_event_outcome", condition=models.Q(outcome__in=["ok", "denied", "error"])
            ),
        ]


class AuditPrivate(models.Model):
    """A personal value that the body holds only a salted commitment to. Deleting the row erases the value for good."""

    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="private", db_index=False)
    path = models.CharField(max_length=256)  # where it stands in the body, as "/actor/display"
    salt = models.BinaryField(max_length=16)
    value = models.TextField()  # canonical JSON
    search_name = models.CharField(max_length=128, null=True, db_index=True)  # of /actor/name alone

    class Meta:
        db_table = "audit_private"
        constraints = [models.UniqueConstraint(fields=["event", "path"], name="audit_private_once")]


class AuditPending(models.Model):
    """An event that waits for its place in the log. The one table here whose rows come and go."""

    event = models.OneToOneField(
        AuditEvent, primary_key=True, on_delete=models.PROTECT, related_name="pending", db_constraint=False
    )

    class Meta:
        db_table = "audit_pending"


class AuditLeaf(models.Model):
    """The place of an event in the log: gap-free from 0, in the order in which the sequencer saw the commits."""

    seq = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="leaf")
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_leaf"


class AuditCheckpoint(models.Model):
    """A signed head of the log at `size` leaves; `frontier` is what growing on from there needs."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    frontier = models.BinaryField()
    note = models.TextField()  # C2SP signed note, as it is published
    vkey = models.CharField(max_length=512)  # of the key that signed it, for processes without the key's folder
    created_at = models.DateTimeField()

    class Meta:
        db_table = "audit_checkpoint"


class AuditTile(models.Model):
    """256 neighbouring hashes of one tile level (C2SP tlog-tiles), and their root, which stands one level up."""

    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_tile"
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="audit_tile_once")]


class Anchor(models.Model):
    """One attempt to put a checkpoint where the server's operators cannot change it unseen."""

    class Outcome(models.TextChoices):
        OK = "ok"
        ERROR = "error"

    kind = models.CharField(max_length=32)  # "folder", …
    checkpoint = models.ForeignKey(AuditCheckpoint, on_delete=models.PROTECT, related_name="anchors")
    location = models.CharField(max_length=1024)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    detail = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "audit_anchor"
        indexes = [models.Index(fields=["kind", "outcome", "checkpoint"], name="audit_anchor_latest")]


class Verification(models.Model):
    """The result of one check that a job has made: of the whole ledger, of what was added, or of stored bytes."""

    class Outcome(models.TextChoices):
        OK = "ok"
        FAILED = "failed"
        ERROR = "error"

    subject = models.CharField(max_length=64)  # "ledger", or the name a verifier was registered under
    mode = models.CharField(max_length=16)  # "full" or "incremental"
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    checked = models.BigIntegerField()  # events, objects, … that were looked at
    size = models.BigIntegerField(null=True)  # of the log up to which it was checked
    findings = models.JSONField(default=list)  # what was wrong, in sentences
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        db_table = "audit_verification"
        indexes = [models.Index(fields=["subject", "id"], name="audit_verification_latest")]
