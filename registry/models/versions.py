"""Models and their versions. A version is a digest: the SHA-256 of its artifact manifest."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7

NAME_LENGTH = 250


class Model(models.Model):
    """A name under which versions are numbered. `last_number` only grows, so no number is ever used twice.

    A deleted model hides its versions and keeps its name; a purged one has given it up, and stays for what speaks of it.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True, default="")
    last_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()  # the account's lasting id, a plain value
    created_by = models.CharField(max_length=128)
    deleted_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="registry_model_name"),
            models.CheckConstraint(condition=~Q(name=""), name="registry_model_named"),
        ]
        indexes = [
            models.Index(
                fields=["deleted_at"],
                name="registry_model_bin",
                condition=Q(deleted_at__isnull=False, purged_at__isnull=True),
            )
        ]


class ModelVersion(models.Model):
    """Files of one run under one digest. `seal` is the run's seal that the version was registered from.

    A version registered from a run that had not ended has no seal until the run ends. A purged version keeps its row,
    with number, digest, run and seal, for the promotions and deployments that speak of it; its manifest goes, and with
    that its claim on the bytes.
    """

    class Lifecycle(models.TextChoices):
        CANDIDATE = "candidate"
        VERIFIED = "verified"  # a worker matched every stored byte to its digest
        QUARANTINED = "quarantined"
        RETIRED = "retired"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=71)  # "sha256:" and 64 hex digits
    run = models.ForeignKey("tracking.Run", on_delete=models.PROTECT, related_name="+")
    seal = models.ForeignKey("tracking.Seal", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    artifact = models.CharField(max_length=1024)  # path of the file or folder among the run's artifacts
    lifecycle = models.CharField(max_length=11, choices=Lifecycle.choices, default=Lifecycle.CANDIDATE)
    description = models.TextField(blank=True, default="")
    tags = models.JSONField(default=dict)
    card = models.JSONField(null=True)
    signature = models.JSONField(null=True)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()
    created_by = models.CharField(max_length=128)
    deleted_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="registry_version_number"),
            models.UniqueConstraint(
                fields=["model", "digest", "run"],
                name="registry_version_kept_once",
                condition=Q(purged_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(lifecycle__in=["candidate", "verified", "quarantined", "retired"]),
                name="registry_version_lifecycle",
            ),
        ]
        indexes = [
            models.Index(fields=["digest"], name="registry_version_digest"),
            models.Index(
                fields=["deleted_at"],
                name="registry_version_bin",
                condition=Q(deleted_at__isnull=False, purged_at__isnull=True),
            ),
        ]

    @property
    def label(self) -> str:
        return label_of(self.model.name, self.number)

    @property
    def is_barred(self) -> bool:
        """Whether it may go nowhere as it stands: its bytes are doubted, or people have put it away."""
        return self.is_deleted or self.lifecycle in {self.Lifecycle.QUARANTINED, self.Lifecycle.RETIRED}

    @property
    def is_deleted(self) -> bool:
        """By itself, or with its model."""
        return self.deleted_at is not None or self.model.deleted_at is not None

    @property
    def standing(self) -> str:
        """Its lifecycle, or deleted or purged, which come before it."""
        if self.purged_at is not None:
            return "purged"
        return "deleted" if self.is_deleted else self.lifecycle


def label_of(model: str, number: int) -> str:
    """What people call a version."""
    return f"{model} v{number}"


class ManifestFile(models.Model):
    """One line of a version's manifest: a path relative to the artifact, and its bytes."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="files", db_index=False)
    path = models.CharField(max_length=1024)
    blob = models.ForeignKey("tracking.Blob", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="registry_manifest_path")]
