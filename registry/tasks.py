"""Jobs of the registry: each loads by id and calls one service. All may run more than once."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Project
from core import jobs
from core.events import subscribe
from core.jobs import job
from registry import services
from registry.models import ManifestFile, ModelVersion, Promotion, Slot
from tracking.models import Run

REVIEW_EVERY_S = 300  # a safety net under the announcements of verified bytes
EXPIRE_EVERY_S = 300
REVIEWED_AT_ONCE = 1_000


@job("registry.begin_project")
def begin_project(*, project_id: int) -> None:
    services.ensure_environments(project=Project.objects.get(pk=project_id))


@job("registry.review_version")
def review_version(*, version_id: int) -> None:
    services.review_version(version_id=version_id)


@job("registry.review_blob")
def review_blob(*, project_id: int, sha256: str, **_: object) -> None:
    """Bytes were verified, or found wrong: look at every version that holds them."""
    files = ManifestFile.objects.filter(blob__project_id=project_id, blob__sha256=sha256)
    for version_id in files.values_list("version_id", flat=True).distinct():
        services.review_version(version_id=version_id)


@job("registry.review_candidates")
def review_candidates() -> None:
    """What an announcement may have missed, oldest first."""
    candidates = ModelVersion.objects.filter(lifecycle=ModelVersion.Lifecycle.CANDIDATE).order_by("pk")
    for version_id in candidates.values_list("pk", flat=True)[:REVIEWED_AT_ONCE]:
        services.review_version(version_id=version_id)


@job("registry.pin_seals")
def pin_seals(*, project_id: int, run: str, **_: object) -> None:
    """A run was sealed: versions registered while it was open get their seal."""
    services.pin_seals(run=Run.objects.get(project_id=project_id, uuid=UUID(run)))


@job("registry.advance_version")
def advance_version(*, version_id: int) -> None:
    """A version's state has changed: its waiting promotions may go on, or be over."""
    _advance(list(_waiting().filter(version_id=version_id).values_list("pk", flat=True)))


@job("registry.weigh_evidence")
def weigh_evidence(*, project_id: int, version_uuid: str, **_: object) -> None:
    """A report was attached: what the version's waiting promotions were judged on is not all there is any more."""
    waiting = _waiting().filter(project_id=project_id, version__uuid=UUID(version_uuid))
    _advance(list(waiting.values_list("pk", flat=True)))


@job("registry.advance_slot")
def advance_slot(*, slot_id: int) -> None:
    """A slot has another holder: promotions that wait for it are judged against the new one."""
    slot = Slot.objects.get(pk=slot_id)
    waiting = _waiting().filter(model_id=slot.model_id, environment_id=slot.environment_id)
    _advance(list(waiting.values_list("pk", flat=True)))


@job("registry.expire_promotions")
def expire_promotions() -> None:
    services.expire_promotions()


@job("registry.issue_receipt")
def issue_receipt(*, promotion_id: int, asked: int = 0) -> None:
    services.issue_receipt(promotion_id=promotion_id, asked=asked)


def _waiting() -> QuerySet[Promotion]:
    return Promotion.objects.filter(decision=Promotion.Decision.WAITING).order_by("pk")


def _advance(promotion_ids: list[int]) -> None:
    for promotion_id in promotion_ids:
        services.advance_promotion(promotion_id=promotion_id)


jobs.every(seconds=REVIEW_EVERY_S, name="registry.review_candidates")
jobs.every(seconds=EXPIRE_EVERY_S, name="registry.expire_promotions")

subscribe("project.created", "registry.begin_project")
subscribe("blob.verified", "registry.review_blob")
subscribe("blob.quarantined", "registry.review_blob")
subscribe("run.sealed", "registry.pin_seals")
subscribe("evidence.attached", "registry.weigh_evidence")
