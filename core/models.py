"""The outbox: a row here is a job that will be done, whatever happens to the message that rings for it."""

from django.db import models
from django.db.models import Q


class Job(models.Model):
    """Work promised by a committed transaction. Open until `done_at` or `failed_at`; leased while a worker has it."""

    name = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    dedupe = models.CharField(max_length=200, null=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")
    request_id = models.CharField(max_length=64, default="", db_default="")  # of the request that promised it
    traceparent = models.CharField(max_length=55, default="", db_default="")  # W3C Trace Context, likewise

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="job_open", condition=Q(done_at__isnull=True, failed_at__isnull=True)
            ),
            models.Index(fields=["done_at"], name="job_done"),
            models.Index(fields=["failed_at"], name="job_failed", condition=Q(failed_at__isnull=False)),
        ]
        constraints = [
            # One waiting job per key; a job that has begun no longer stands in the way of its successor.
            models.UniqueConstraint(
                fields=["dedupe"],
                name="job_waiting_once",
                condition=Q(done_at__isnull=True, failed_at__isnull=True, attempts=0),
            ),
        ]


class PeriodicRun(models.Model):
    """When the turn of a periodic job was taken last."""

    name = models.CharField(max_length=100, primary_key=True)
    last_at = models.DateTimeField()


class SchemaFloor(models.Model):
    """The oldest release whose code works on this schema: at most one row, which migrations that take something away raise."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    release = models.CharField(max_length=32)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="schema_floor_one_row")]
