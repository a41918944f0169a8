"""Runs, with what was said of them: params, tags, code and environment."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from tracking.limits import HEAD_LENGTH, KEY_LENGTH, NAME_LENGTH
from tracking.models.experiments import Experiment


class EnvironmentLock(models.Model):
    """The exact packages a run had, stored once per project under its digest."""

    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    digest = models.CharField(max_length=71)  # "sha256:" and 64 hex digits
    lock = models.TextField(default="")
    python = models.CharField(max_length=64, default="")
    platform = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="tracking_environment_digest")]


class Run(models.Model):
    """One execution of training code. `uuid` is unique per project and may be the client's choice.

    A purged run keeps its row, so that its id is never another's and what came of it still has a name to point at; all
    that was logged to it goes. `emptied_at` is when the last of that was gone.

    Times are the server's unless they say client. `sealed` is true while the latest seal covers all there is;
    `changed_at` is the last write after the run had ended.
    """

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"
        KILLED = "killed"

    class Lifecycle(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"
        DELETED = "deleted"
        PURGED = "purged"

    uuid = models.UUIDField(default=uuid7)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="runs", db_index=False)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    lifecycle = models.CharField(max_length=8, choices=Lifecycle.choices, default=Lifecycle.ACTIVE)
    created_by_id = models.UUIDField()  # the account's lasting id: a plain value, since runs outlive accounts
    created_by = models.CharField(max_length=128)
    created_at = models.DateTimeField(default=now, editable=False)
    client_started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    client_ended_at = models.DateTimeField(null=True)
    host = models.CharField(max_length=255, default="")
    os_user = models.CharField(max_length=255, default="")
    entry_point = models.CharField(max_length=1000, default="")
    code_repository = models.CharField(max_length=1000, default="")
    code_commit = models.CharField(max_length=64, default="")
    code_branch = models.CharField(max_length=255, default="")
    code_dirty = models.BooleanField(null=True)
    code_diff_sha256 = models.CharField(max_length=64, default="")
    caused_by = models.UUIDField(
        null=True
    )  # why it was started, as its starter said; an edge of the line where we know it
    environment = models.ForeignKey(EnvironmentLock, on_delete=models.PROTECT, null=True, related_name="+")
    sealed = models.BooleanField(default=False)
    changed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "uuid"], name="tracking_run_identity"),
            models.CheckConstraint(
                condition=Q(status__in=["running", "finished", "failed", "killed"]), name="tracking_run_status"
            ),
            models.CheckConstraint(
                condition=Q(lifecycle__in=["active", "archived", "deleted", "purged"]), name="tracking_run_lifecycle"
            ),
        ]
        indexes = [
            models.Index(fields=["experiment", "lifecycle", "id"], name="tracking_run_list"),
            models.Index(
                fields=["changed_at"], name="tracking_run_unsealed", condition=Q(sealed=False, changed_at__isnull=False)
            ),
            models.Index(
                fields=["project", "code_commit"], name="tracking_run_commit"
            ),  # lines of descent pass through
            models.Index(  # a handful among all that ever ran: what goes on now is asked for by every overview
                fields=["id"], name="tracking_run_going_on", condition=Q(status="running", lifecycle="active")
            ),
            models.Index(fields=["deleted_at"], name="tracking_run_bin", condition=Q(lifecycle="deleted")),
            models.Index(
                fields=["id"], name="tracking_run_to_empty", condition=Q(lifecycle="purged", emptied_at__isnull=True)
            ),
        ]

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING

    @property
    def is_deleted(self) -> bool:
        return self.lifecycle == self.Lifecycle.DELETED

    @property
    def is_purged(self) -> bool:
        return self.lifecycle == self.Lifecycle.PURGED


class RunDiff(models.Model):
    """Uncommitted changes of the code, apart from the run so that lists stay light. Cut at DIFF_LENGTH characters."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, primary_key=True, related_name="diff")
    text = models.TextField()


class Param(models.Model):
    """One input of a run, written once. `value` is its text, `kind` the type it was given as.

    `head` (the beginning of `value`) and `number` are what search looks up; the experiment is copied in so that the
    index alone answers.
    """

    class Kind(models.TextChoices):
        TEXT = "s"
        INTEGER = "i"
        FLOAT = "f"
        BOOLEAN = "b"
        NULL = "n"

    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH)
    value = models.TextField()
    head = models.CharField(max_length=HEAD_LENGTH)
    kind = models.CharField(max_length=1, choices=Kind.choices)
    number = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["experiment", "key", "head", "run"], name="tracking_param_text"),
            models.Index(
                fields=["experiment", "key", "number", "run"],
                name="tracking_param_number",
                condition=Q(number__isnull=False),
            ),
        ]


class Tag(models.Model):
    """One word about a run, which may change at any time."""

    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH)
    value = models.TextField()
    head = models.CharField(max_length=HEAD_LENGTH)

    class Meta:
        indexes = [models.Index(fields=["experiment", "key", "head", "run"], name="tracking_tag_text")]
