"""Reports: what tools found out about a version, each a verdict with the document that it stands on."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from registry.models.versions import ModelVersion


class Report(models.Model):
    """The verdict `name` of one tool on a version. Written once; a later one of that name stands beside it.

    `kind` is the form of the document, `sha256` of its exact bytes, which `document` holds as one zstd frame.
    """

    class Verdict(models.TextChoices):
        PASS = "pass"  # noqa: S105 - not a password
        FAIL = "fail"
        ERROR = "error"  # the tool could not judge; never a pass

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="reports", db_index=False)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=32)
    verdict = models.CharField(max_length=5, choices=Verdict.choices)
    tool = models.CharField(max_length=64)
    tool_version = models.CharField(max_length=64, default="")
    summary = models.JSONField(default=dict)  # which checks and columns failed, small enough for lists
    url = models.CharField(max_length=2000, default="")  # where the tool shows it
    document = models.BinaryField()
    size = models.PositiveIntegerField()  # of the document, in bytes
    sha256 = models.CharField(max_length=64)
    observed_at = models.DateTimeField()  # when the tool judged, as it says
    created_at = models.DateTimeField(default=now, editable=False)
    created_by_id = models.UUIDField()  # the account's lasting id, a plain value
    created_by = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "name", "sha256"], name="registry_report_once"),
            models.CheckConstraint(condition=Q(verdict__in=["pass", "fail", "error"]), name="registry_report_verdict"),
            models.CheckConstraint(condition=~Q(name=""), name="registry_report_named"),
        ]
        indexes = [models.Index(fields=["version", "name", "observed_at", "id"], name="registry_report_latest")]
