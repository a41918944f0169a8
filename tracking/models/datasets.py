"""Datasets, their versions, and which run read or made which."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from tracking.limits import NAME_LENGTH
from tracking.models.runs import Run


class Dataset(models.Model):
    """A name under which versions of data are known in a project."""

    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="tracking_dataset_name")]


class DatasetVersion(models.Model):
    """Data at one moment. `strength` says how far `digest` can be trusted; see `tracking.datasets.identity_of`.

    `identity` is what makes two mentions the same version: never shown, always set.
    """

    class Strength(models.TextChoices):
        CONTENT = "content"
        SNAPSHOT = "snapshot"
        DECLARED = "declared"
        PATH = "path"

    class Kind(models.TextChoices):
        FILE = "file"
        DIRECTORY = "directory"
        FRAME = "frame"
        URI = "uri"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions", db_index=False)
    identity = models.CharField(max_length=64)
    digest = models.CharField(max_length=100, null=True)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    strength = models.CharField(max_length=8, choices=Strength.choices)
    schema = models.JSONField(null=True)
    rows = models.BigIntegerField(null=True)
    bytes = models.BigIntegerField(null=True)
    uri = models.CharField(max_length=2000, default="")
    source_version = models.CharField(max_length=500, default="")
    profile = models.JSONField(null=True)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "identity"], name="tracking_dataset_version_identity")
        ]
        indexes = [
            models.Index(fields=["digest"], name="tracking_dataset_digest", condition=Q(digest__isnull=False)),
        ]


class RunInput(models.Model):
    """A run read this version, for the purpose `context` ("train", "eval", … or nothing)."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="inputs", db_index=False)
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="used_by")
    context = models.CharField(max_length=100, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "version", "context"], name="tracking_run_input_once")]


class RunOutput(models.Model):
    """A run made this version."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="outputs", db_index=False)
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="made_by")
    context = models.CharField(max_length=100, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "version", "context"], name="tracking_run_output_once")]
