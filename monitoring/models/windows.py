"""Windows of a monitor: the profiles that came for them, and how they were judged."""

from django.db import models
from django.db.models import F, Q

from core.clock import now
from core.ids import uuid7
from monitoring.models.monitors import Monitor


class Window(models.Model):
    """The time from `start` to before `end`. It is made by its first part, is closed at `due_at`, and then judged.

    A part that comes later closes it again. `document` holds the merged profile of the parts that were judged; after
    `attempts` too many it is set aside as failed, with the reason, so that later windows are judged all the same.
    """

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        EVALUATED = "evaluated"
        FAILED = "failed"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="windows", db_index=False)
    start = models.DateTimeField()
    end = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    privacy = models.CharField(max_length=8)  # of its parts, which merge with their like alone
    document = models.BinaryField(default=b"")
    sha256 = models.CharField(max_length=64, default="")  # of the document; empty before the first judgement
    attempts = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=500, default="")
    evaluation = models.OneToOneField(
        "monitoring.Evaluation", on_delete=models.PROTECT, null=True, related_name="+"
    )  # the one that stands
    created_at = models.DateTimeField(default=now, editable=False)
    evaluated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["monitor", "start"], name="monitoring_window_start"),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="monitoring_window_span"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "closed", "evaluated", "failed"]), name="monitoring_window_state"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="monitoring_window_due", condition=Q(state="open"))]


class ProfilePart(models.Model):
    """A profile of some rows of a window, under an id that its sender chose: taken once, however often it is sent.

    Once it is `merged`, the window's document has it, and its own may be dropped; the row stays, for it remembers the
    id. One that cannot be merged with its window's others is `refused`, with the reason.
    """

    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="parts", db_index=False)
    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="parts")
    uuid = models.UUIDField()
    start = models.DateTimeField()  # as the sender says
    end = models.DateTimeField()
    rows = models.PositiveBigIntegerField()
    document = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    merged = models.BooleanField(default=False)
    refused = models.CharField(max_length=500, default="")
    received_at = models.DateTimeField(default=now)
    received_from = models.CharField(max_length=128)  # the account, or the source

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["monitor", "uuid"], name="monitoring_part_once"),
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="monitoring_part_span"),
        ]


class Evaluation(models.Model):
    """One judgement of a window. `input_digest` is over all that it depends on, so the same is judged once.

    `result` is what the engine found, `sequential` what the next window's judgement starts from.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="evaluations", db_index=False)
    number = models.PositiveIntegerField()  # 1, and more for each restatement
    input_digest = models.CharField(max_length=64)
    baseline_sha256 = models.CharField(max_length=64, default="")  # empty where there was no baseline
    state = models.CharField(max_length=15)
    rows = models.PositiveBigIntegerField()
    result = models.JSONField()
    sequential = models.JSONField(default=dict)
    alarms = models.JSONField(default=dict)  # severities by kind
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "input_digest"], name="monitoring_evaluation_once"),
            models.UniqueConstraint(fields=["window", "number"], name="monitoring_evaluation_number"),
        ]


class ColumnResult(models.Model):
    """One verdict of the evaluation that stands for its window, for the history of a column."""

    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="+", db_index=False)
    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="columns")
    window = models.ForeignKey(Window, on_delete=models.PROTECT, related_name="+", db_index=False)
    start = models.DateTimeField()  # of the window
    column = models.CharField(max_length=500)
    kind = models.CharField(max_length=15)
    role = models.CharField(max_length=10)
    state = models.CharField(max_length=15)
    test = models.CharField(max_length=20, null=True)
    statistic = models.FloatField(null=True)
    p_value = models.FloatField(null=True)
    adjusted_p = models.FloatField(null=True)
    e_value = models.FloatField(null=True)
    effects = models.JSONField(default=dict)
    message = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["window", "column", "kind"], name="monitoring_column_result_once")
        ]
        indexes = [models.Index(fields=["monitor", "column", "start", "id"], name="monitoring_column_history")]


class ReferenceWindow(models.Model):
    """A window that shows how windows vary while all is well: people accepted it, or it was learnt (`accepted_by_id` is None)."""

    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="references")
    window = models.OneToOneField(Window, on_delete=models.PROTECT, related_name="reference")
    reason = models.CharField(max_length=2_000, default="")
    accepted_at = models.DateTimeField(default=now)
    accepted_by_id = models.UUIDField(null=True)
    accepted_by = models.CharField(max_length=128, default="")

    @property
    def is_learnt(self) -> bool:
        return self.accepted_by_id is None
