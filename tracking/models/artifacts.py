"""Artifacts: paths of a run that point at content-addressed bytes, and uploads on their way there."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from tracking.artifacts.paths import MAX_BYTES
from tracking.models.runs import Run


class Blob(models.Model):
    """Bytes in the object store under (project, sha256). Verified once a worker has hashed what is really stored."""

    class State(models.TextChoices):
        UNVERIFIED = "unverified"
        VERIFIED = "verified"
        QUARANTINED = "quarantined"
        MISSING = "missing"

    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    state = models.CharField(max_length=11, choices=State.choices, default=State.UNVERIFIED)
    created_at = models.DateTimeField(default=now, editable=False)
    checked_at = models.DateTimeField(null=True)
    marked_at = models.DateTimeField(null=True)  # since when a sweep has seen nothing refer to it
    condemned_at = models.DateTimeField(null=True)  # since when its bytes may be gone at any moment

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="tracking_blob_identity"),
            models.CheckConstraint(condition=Q(size__gte=0), name="tracking_blob_size"),
        ]
        indexes = [
            models.Index(fields=["checked_at", "id"], name="tracking_blob_checked"),
            models.Index(
                fields=["project", "marked_at"], name="tracking_blob_marked", condition=Q(marked_at__isnull=False)
            ),
        ]

    @property
    def is_usable(self) -> bool:
        """Whether the bytes may be handed out: they are there, and nothing is known against them."""
        return self.state in {self.State.UNVERIFIED, self.State.VERIFIED}


class Artifact(models.Model):
    """A run's file: a canonical path, and the bytes it stands for."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="artifacts", db_index=False)
    path = models.CharField(max_length=MAX_BYTES)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="artifacts")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="tracking_artifact_path")]


class Upload(models.Model):
    """Bytes on their way into the store, under a random staging key that no one outside learns.

    `streamed_sha256` is the digest of what one uninterrupted request has written, so that a commit need not read it
    again. Where clients send parts to the store by themselves, `multipart_id` is the store's name for that, and `part_size`
    how the file was cut when it began.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="uploads")
    path = models.CharField(max_length=MAX_BYTES)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    staging_key = models.CharField(max_length=64)
    streamed_sha256 = models.CharField(max_length=64, default="")
    multipart_id = models.CharField(max_length=1024, db_default="", default="")
    part_size = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=now, editable=False)
    touched_at = models.DateTimeField(default=now)
    committed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["touched_at"], name="tracking_upload_open", condition=Q(committed_at__isnull=True))
        ]


class Sweep(models.Model):
    """One walk over a project's objects in search of what nothing refers to. `cursor` is the digest it has come to."""

    class Phase(models.TextChoices):
        OBJECTS = "objects"  # the store against the rows
        MARKS = "marks"  # the rows against what refers to them
        BYTES = "bytes"  # what was marked a while ago goes
        DONE = "done"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.OBJECTS)
    cursor = models.CharField(max_length=64, default="")
    objects_seen = models.BigIntegerField(default=0)
    adopted = models.BigIntegerField(default=0)  # objects without a row, which got one
    missing = models.BigIntegerField(default=0)  # rows without an object
    marked = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    deleted_bytes = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=now, editable=False)
    started_by = models.CharField(max_length=128)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], name="tracking_sweep_one_open", condition=Q(finished_at__isnull=True)
            )
        ]
        indexes = [models.Index(fields=["project", "id"], name="tracking_sweep_list")]
