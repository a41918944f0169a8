"""Seals: what a run held when it ended, as one digest that stands in the ledger."""

from django.db import models

from core.clock import now
from tracking.models.runs import Run


class Seal(models.Model):
    """Number n of a run. `digest` is made by `tracking.sealing.digest`; `event_id` is the ledger's entry of it."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="seals", db_index=False)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=71)
    event_id = models.UUIDField()
    sealed_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="tracking_seal_number")]
