"""Promotions: what was asked, what the gates saw, who signed, and what came of it."""

from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import uuid7
from registry.models.environments import Environment
from registry.models.policies import PolicyRevision
from registry.models.versions import Model, ModelVersion


class Promotion(models.Model):
    """One request to move a version into an environment. Open while `decision` is waiting; decided for good after.

    `gates` and `lineage` hold what was seen when it was last judged, and `evidence_sha256` is the digest of that:
    an approval stands only while it names the same digest.
    """

    class Kind(models.TextChoices):
        PROMOTION = "promotion"
        ROLLBACK = "rollback"

    class Decision(models.TextChoices):
        PROMOTED = "promoted"
        ALREADY = "already"
        WAITING = "waiting"
        GATE_FAILED = "gate_failed"
        EVIDENCE_MISSING = "evidence_missing"
        REFUSED = "refused"
        EXPIRED = "expired"
        HOLDER_DIFFERS = "holder_differs"
        FROZEN = "frozen"
        CANCELLED = "cancelled"

    uuid = models.UUIDField(unique=True, default=uuid7, editable=False)
    project = models.ForeignKey("accounts.Project", on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.PROMOTION)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="promotions", db_index=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="promotions", db_index=False)
    previous = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    policy_revision = models.ForeignKey(
        PolicyRevision, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    expect_current = models.CharField(max_length=71, null=True)  # a digest, "none", or None for no expectation
    idempotency_key = models.CharField(max_length=255)
    reason = models.TextField()
    decision = models.CharField(max_length=16, choices=Decision.choices)
    detail = models.TextField(blank=True, default="")  # the decision, explained
    gates = models.JSONField(default=list)
    lineage = models.JSONField(default=dict)
    evidence_sha256 = models.CharField(max_length=64, default="")
    requested_by_id = models.UUIDField()
    requested_by = models.CharField(max_length=128)
    requested_by_kind = models.CharField(max_length=16)
    requested_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    event_id = models.UUIDField(null=True)  # the ledger's entry of the decision

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "idempotency_key"], name="registry_promotion_key"),
            models.CheckConstraint(
                condition=Q(decision="waiting", finished_at__isnull=True)
                | (~Q(decision="waiting") & Q(finished_at__isnull=False)),
                name="registry_promotion_finished",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="registry_promotion_list"),
            models.Index(fields=["model", "environment", "decision", "id"], name="registry_promotion_history"),
            models.Index(fields=["expires_at"], name="registry_promotion_open", condition=Q(decision="waiting")),
        ]

    @property
    def is_open(self) -> bool:
        return self.decision == self.Decision.WAITING


class Approval(models.Model):
    """One person's word on a promotion, given on the evidence of `evidence_sha256`. Written once, never changed."""

    class Decision(models.TextChoices):
        APPROVE = "approve"
        REFUSE = "refuse"

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="approvals", db_index=False)
    account_id = models.UUIDField()
    account_name = models.CharField(max_length=128)
    role = models.CharField(max_length=16)  # held when it was given
    decision = models.CharField(max_length=7, choices=Decision.choices)
    reason = models.TextField()
    auth_method = models.CharField(max_length=32)
    signed_digest = models.CharField(max_length=71)
    evidence_sha256 = models.CharField(max_length=64)
    signed_at = models.DateTimeField(default=now)
    event_id = models.UUIDField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "account_id", "evidence_sha256"], name="registry_approval_once"
            )
        ]
