"""Deployments: what serving code says that it runs, where and since when."""

from django.db import models
from django.db.models import F, Q

from core.clock import now
from core.ids import uuid7
from registry.models.environments import Environment
from registry.models.versions import ModelVersion


class Deployment(models.Model):
    """A version served at `target` from `started_at` until `ended_at`, or until now. `matched_slot` is how it stood
    with the promoted version when it was reported.
    """

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="deployments", db_index=False)
    target = models.CharField(max_length=250)  # the endpoint, job or device that serves
    image_digest = models.CharField(max_length=100, default="")
    traffic_share = models.FloatField(default=1.0)  # 0 to 1
    started_at = models.DateTimeField()  # as observed by the reporter
    ended_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(default=now)
    reported_by_id = models.UUIDField()
    reported_by = models.CharField(max_length=128)
    matched_slot = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(traffic_share__gte=0, traffic_share__lte=1), name="registry_deployment_share"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="registry_deployment_span"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="registry_deployment_list"),
            models.Index(fields=["environment", "target", "started_at"], name="registry_deployment_where"),
            models.Index(fields=["environment"], name="registry_deployment_live", condition=Q(ended_at__isnull=True)),
        ]

    @property
    def is_live(self) -> bool:
        return self.ended_at is None
