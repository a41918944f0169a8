"""Metrics as columns: summaries that search reads, batches as they came, chunks as they stay."""

from django.db import models

from core.clock import now
from tracking.limits import KEY_LENGTH
from tracking.models.experiments import Experiment
from tracking.models.runs import Run


class Series(models.Model):
    """Summary of one metric of one run; the rules are in `tracking.metrics.summary`. `last` NULL means NaN."""

    pk = models.CompositePrimaryKey("run_id", "key")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH)
    count = models.BigIntegerField()
    last = models.FloatField(null=True)
    last_step = models.BigIntegerField()
    last_time = models.BigIntegerField()  # µs since 1970, the client's clock
    min = models.FloatField(null=True)
    min_step = models.BigIntegerField(null=True)
    max = models.FloatField(null=True)
    max_step = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["experiment", "key", "last", "run"], name="tracking_series_last")]


class Batch(models.Model):
    """Points of one request, packed; gone once a worker has moved them into chunks. Ids grow in order of arrival."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    points = models.IntegerField()
    payload = models.BinaryField()
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["run", "id"], name="tracking_batch_run"),
            models.Index(fields=["created_at"], name="tracking_batch_age"),
        ]


class Chunk(models.Model):
    """Some 4,000 points of one series in order of arrival, and its outline for charts. Ids grow within a series."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=KEY_LENGTH)
    count = models.IntegerField()
    first_step = models.BigIntegerField()  # the least and the greatest step in it
    last_step = models.BigIntegerField()
    min = models.FloatField(null=True)
    max = models.FloatField(null=True)
    payload = models.BinaryField()
    outline = models.BinaryField()
    stretches = models.BinaryField(null=True)  # a byte each: how many rows of the outline; none where it tells of none

    class Meta:
        indexes = [models.Index(fields=["run", "key", "id"], name="tracking_chunk_series")]


class WriterPosition(models.Model):
    """The last batch that was stored of one writer of one run; moves by one, in the transaction of the batch."""

    pk = models.CompositePrimaryKey("run_id", "writer")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False)
    writer = models.UUIDField()
    last_sequence = models.BigIntegerField()
