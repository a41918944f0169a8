"""OpenAPI's view of what `render` gives."""

from rest_framework import serializers

from registry.models import Approval, ModelVersion, Promotion, Report
from registry.result import EXIT_CODES
from registry.selectors.promotions import STATES
from retention.api.schemas import PurgedOut


class SealOut(serializers.Serializer):
    number = serializers.IntegerField()
    digest = serializers.CharField()


class ManifestFileOut(serializers.Serializer):
    path = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(["unverified", "verified", "quarantined", "missing"])


class ModelOut(serializers.Serializer):
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    latest_version = serializers.IntegerField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    purge_at = serializers.DateTimeField(allow_null=True, help_text="When the bin lets go of it.")
    purged = PurgedOut(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    url = serializers.CharField()


class VersionSummaryOut(serializers.Serializer):
    """A version as it stands in lists."""

    model = serializers.CharField()
    number = serializers.IntegerField()
    digest = serializers.CharField(help_text="sha256: and the SHA-256 of the manifest's text.")
    lifecycle = serializers.ChoiceField(ModelVersion.Lifecycle.values)
    deleted_at = serializers.DateTimeField(allow_null=True, help_text="Its own, or its model's.")
    purge_at = serializers.DateTimeField(allow_null=True, help_text="When the bin lets go of it.")
    purged = PurgedOut(allow_null=True)
    run = serializers.CharField()
    artifact = serializers.CharField()
    seal = SealOut(allow_null=True)
    description = serializers.CharField(allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField())
    aliases = serializers.ListField(child=serializers.CharField())
    environments = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    url = serializers.CharField()


class VersionOut(VersionSummaryOut):
    manifest = ManifestFileOut(many=True)
    card = serializers.DictField(allow_null=True)
    signature = serializers.DictField(allow_null=True)


class AliasOut(serializers.Serializer):
    alias = serializers.CharField()
    version = serializers.IntegerField()
    digest = serializers.CharField()
    set_at = serializers.DateTimeField(allow_null=True)
    set_by = serializers.CharField(allow_blank=True)
    is_environment = serializers.BooleanField(help_text="Read-only here: it moves by promotion.")


class AliasTargetOut(AliasOut):
    """An alias with what a loader needs of its version; the version's own address has the manifest."""

    lifecycle = serializers.ChoiceField(ModelVersion.Lifecycle.values)
    run = serializers.CharField(help_text="32 hex digits.")
    artifact = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True))


class AliasChangeOut(serializers.Serializer):
    alias = serializers.CharField()
    version = serializers.IntegerField(allow_null=True, help_text="Null where the alias was deleted.")
    digest = serializers.CharField(allow_null=True)
    previous = serializers.IntegerField(allow_null=True)
    previous_digest = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)


class EnvironmentOut(serializers.Serializer):
    name = serializers.CharField()
    position = serializers.IntegerField()
    protected = serializers.BooleanField(help_text="Takes verified bytes only, with or without a policy.")
    policy = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class SlotOut(serializers.Serializer):
    environment = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    digest = serializers.CharField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    promotion = serializers.UUIDField(allow_null=True)
    by = serializers.CharField(allow_null=True)


class SlotChangeOut(serializers.Serializer):
    promotion = serializers.UUIDField()
    kind = serializers.ChoiceField(Promotion.Kind.values)
    version = serializers.IntegerField()
    digest = serializers.CharField()
    previous = serializers.IntegerField(allow_null=True)
    previous_digest = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()
    by = serializers.CharField()
    reason = serializers.CharField()


class PolicyOut(serializers.Serializer):
    name = serializers.CharField()
    revision = serializers.IntegerField()
    sha256 = serializers.CharField()
    document = serializers.DictField(help_text="Canonical: every default is written out.")
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


class PolicyDocumentIn(serializers.Serializer):
    """A policy: `gate` lists its gates, each with `id`, `kind` and the fields of its kind."""

    description = serializers.CharField(required=False)
    gate = serializers.ListField(child=serializers.DictField())


class BriefOut(serializers.Serializer):
    version = serializers.IntegerField()
    digest = serializers.CharField()


class PolicyRefOut(serializers.Serializer):
    id = serializers.CharField()
    revision = serializers.IntegerField()
    sha256 = serializers.CharField()


class GateOut(serializers.Serializer):
    """The gate as the policy words it, and what it saw."""

    id = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(["pass", "fail", "missing", "error", "waiting"])
    observed = serializers.JSONField(allow_null=True)
    limit = serializers.JSONField(allow_null=True)
    evidence = serializers.ListField(child=serializers.CharField())
    detail = serializers.CharField(allow_blank=True)


class ApprovalOut(serializers.Serializer):
    by = serializers.CharField()
    subject = serializers.CharField()
    role = serializers.CharField()
    meaning = serializers.ChoiceField(Approval.Decision.values)
    reason = serializers.CharField()
    signed_at = serializers.DateTimeField()
    auth = serializers.CharField()
    signed_digest = serializers.CharField()
    evidence_sha256 = serializers.CharField()
    stands = serializers.BooleanField(help_text="False once the evidence it was given on has changed.")
    event_id = serializers.UUIDField()


class ActorOut(serializers.Serializer):
    type = serializers.CharField()
    issuer = serializers.CharField(allow_null=True)
    subject = serializers.CharField()
    id = serializers.UUIDField()
    run_url = serializers.CharField(allow_null=True)


class CheckpointOut(serializers.Serializer):
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]  # the REST framework has a property of this name


class PositionOut(serializers.Serializer):
    event_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    leaf_hash = serializers.CharField()
    checkpoint = CheckpointOut(allow_null=True)


class ReceiptRefOut(serializers.Serializer):
    type = serializers.CharField()
    status = serializers.ChoiceField(["pending", "issued"])
    uri = serializers.CharField(required=False)
    sha256 = serializers.CharField(required=False)


class LineOut(serializers.Serializer):
    url = serializers.CharField()
    datasets = serializers.ListField(child=serializers.CharField())
    code = serializers.CharField(allow_null=True)
    strength = serializers.CharField(allow_null=True)


class RollbackRefOut(serializers.Serializer):
    command = serializers.CharField()


class PendingOut(serializers.Serializer):
    gates = serializers.ListField(child=serializers.CharField())
    detail = serializers.CharField()
    expires_at = serializers.DateTimeField()


class PromotionLinksOut(serializers.Serializer):
    ui = serializers.CharField()
    self = serializers.CharField(required=False)
    version = serializers.CharField()


class PromotionOut(serializers.Serializer):
    """The result document, as the JSON Schema at /schemas/promotion/v1.json has it."""

    schema = serializers.CharField()
    id = serializers.UUIDField(allow_null=True)
    kind = serializers.ChoiceField(Promotion.Kind.values)
    decision = serializers.ChoiceField(Promotion.Decision.values)
    state = serializers.ChoiceField(sorted(set(STATES.values())))
    exit_code = serializers.ChoiceField(sorted(set(EXIT_CODES.values())))
    detail = serializers.CharField(allow_blank=True)
    idempotency_key = serializers.CharField()
    dry_run = serializers.BooleanField()
    project = serializers.CharField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    digest = serializers.CharField()
    environment = serializers.CharField()
    expect_current = serializers.CharField(allow_null=True)
    previous = BriefOut(allow_null=True)
    policy = PolicyRefOut(allow_null=True)
    gates = GateOut(many=True)
    evidence_sha256 = serializers.CharField()
    approvals = ApprovalOut(many=True)
    actor = ActorOut()
    reason = serializers.CharField()
    audit = PositionOut(allow_null=True)
    receipt = ReceiptRefOut(allow_null=True)
    lineage = LineOut()
    rollback = RollbackRefOut(allow_null=True)
    pending = PendingOut(allow_null=True)
    links = PromotionLinksOut()
    server = serializers.CharField()
    requested_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class ReportOut(serializers.Serializer):
    """A verdict on a version, as it stands in lists."""

    id = serializers.UUIDField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    digest = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text="The form of the document.")
    verdict = serializers.ChoiceField(Report.Verdict.values)
    tool = serializers.CharField()
    tool_version = serializers.CharField(allow_blank=True)
    summary = serializers.DictField(help_text="What was checked, and which checks and columns failed.")
    report_url = serializers.CharField(allow_null=True, help_text="Where the tool shows it.")
    size = serializers.IntegerField(help_text="Of the document, in bytes.")
    sha256 = serializers.CharField(help_text="Of the document's bytes.")
    observed_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    url = serializers.CharField()


class ReportWithDocumentOut(ReportOut):
    document = serializers.CharField(help_text="The document's exact text; `sha256` is of its UTF-8 bytes.")


class DeploymentOut(serializers.Serializer):
    id = serializers.UUIDField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    digest = serializers.CharField()
    environment = serializers.CharField()
    target = serializers.CharField()
    image_digest = serializers.CharField(allow_null=True)
    traffic_share = serializers.FloatField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    live = serializers.BooleanField()
    matches_slot = serializers.BooleanField(
        help_text="Whether it is the promoted version: now while it is live, else as it was when reported."
    )
    reported_at = serializers.DateTimeField()
    reported_by = serializers.CharField()
    url = serializers.CharField()


class SignatureOut(serializers.Serializer):
    keyid = serializers.CharField()
    sig = serializers.CharField()


class EnvelopeOut(serializers.Serializer):
    """A DSSE envelope of an in-toto Statement."""

    payload = serializers.CharField()
    payloadType = serializers.CharField()  # noqa: N815 - DSSE's spelling
    signatures = SignatureOut(many=True)


class ReceiptKeyOut(serializers.Serializer):
    vkey = serializers.CharField(help_text="C2SP signed-note form: name, key id and Ed25519 public key.")
