"""Writes to deployments: what serving code reports of itself, held against what was promoted."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit.services import record
from core import clock, events
from core.access import Principal
from core.errors import Invalid
from lineage.models import Node
from lineage.services import connect, ensure_node, set_live
from registry import links
from registry.evidence import deployment_target
from registry.models import Deployment, Environment, ModelVersion, Slot
from registry.selectors import slot_history
from registry.services.promotions import lock_slot
from retention import holds

CLOCK_SKEW = timedelta(minutes=5)  # how far a reporter's clock may run ahead of ours


@transaction.atomic
def report_deployment(
    *,
    version: ModelVersion,
    environment: Environment,
    target: str,
    actor: Principal,
    image_digest: str = "",
    traffic_share: float = 1.0,
    observed_at: datetime | None = None,
) -> tuple[Deployment, bool]:
    """`target` serves `version` since `observed_at` (now by default); and whether that is news.

    The same version and image at the same target is the same deployment; another one with all of the traffic ends
    what served there. A version that is not the promoted one is recorded too, and announced as
    `deployment.mismatch`. Locks the slot.

    Raises:
        Invalid: `observed_at` is in the future.
    """
    started_at = _observed(observed_at, field="observed_at")
    holds.enter(version.model.project)
    slot = lock_slot(model=version.model, environment=environment)
    served = _served(version, environment, target)
    same = served.filter(ended_at__isnull=True, version=version, image_digest=image_digest).first()
    if same is not None:
        return _share(same, traffic_share, actor), False
    ended_at = _succeeded_at(served, started_at) if traffic_share >= 1 else None
    holder = _holder_at(slot, started_at) if ended_at is not None else slot.version
    deployment = Deployment.objects.create(
        project=version.model.project,
        version=version,
        environment=environment,
        target=target,
        image_digest=image_digest,
        traffic_share=traffic_share,
        started_at=started_at,
        ended_at=ended_at,
        reported_by_id=actor.id,
        reported_by=actor.name,
        matched_slot=holder is not None and holder.digest == version.digest,
    )
    _join_line(deployment)
    _tell_reported(deployment, holder, actor)
    if traffic_share >= 1 and ended_at is None:
        _end_others(served.exclude(pk=deployment.pk), started_at, actor)
    return deployment, True


@transaction.atomic
def end_deployment(
    *, deployment: Deployment, reason: str, actor: Principal, ended_at: datetime | None = None
) -> Deployment:
    """It serves no more since `ended_at` (now by default). Idempotent.

    Raises:
        Invalid: `ended_at` is in the future, or before it began.
    """
    moment = _observed(ended_at, field="ended_at")
    lock_slot(model=deployment.version.model, environment=deployment.environment)
    deployment = Deployment.objects.select_related("version__model__project", "environment", "project").get(
        pk=deployment.pk
    )
    if deployment.ended_at is not None:
        return deployment
    if moment < deployment.started_at:
        raise Invalid(f"It began at {clock.text(deployment.started_at)}, so it cannot end before.", field="ended_at")
    _end(deployment, moment, actor, reason=reason)
    return deployment


def _observed(moment: datetime | None, *, field: str) -> datetime:
    now = clock.now()
    if moment is not None and moment > now + CLOCK_SKEW:
        raise Invalid(f"{clock.text(moment)} is in the future; it is {clock.text(now)} here.", field=field)
    return moment or now


def _served(version: ModelVersion, environment: Environment, target: str) -> QuerySet[Deployment]:
    """All that ever served the model at the target."""
    deployments = Deployment.objects.select_related("version__model__project", "environment", "project")
    return deployments.filter(version__model=version.model_id, environment=environment, target=target)


def _succeeded_at(served: QuerySet[Deployment], started_at: datetime) -> datetime | None:
    """When a report comes late: the moment its successor, reported before it, took over."""
    return served.filter(started_at__gt=started_at).order_by("started_at").values_list("started_at", flat=True).first()


def _holder_at(slot: Slot, moment: datetime) -> ModelVersion | None:
    held = slot_history(model=slot.model, environment=slot.environment, as_of=moment).first()
    return held.version if held is not None else None


def _share(deployment: Deployment, traffic_share: float, actor: Principal) -> Deployment:
    """A repeated report changes at most the share of traffic."""
    if deployment.traffic_share == traffic_share:
        return deployment
    before, deployment.traffic_share = deployment.traffic_share, traffic_share
    deployment.save(update_fields=["traffic_share"])
    _record(
        deployment,
        "deployment.update",
        actor,
        before={"traffic_share": before},
        after={"traffic_share": traffic_share},
    )
    if traffic_share >= 1:
        others = _served(deployment.version, deployment.environment, deployment.target).exclude(pk=deployment.pk)
        _end_others(others, clock.now(), actor)
    return deployment


def _end_others(others: QuerySet[Deployment], moment: datetime, actor: Principal) -> None:
    for other in others.filter(ended_at__isnull=True):
        _end(other, max(moment, other.started_at), actor, reason="Another version took all of the traffic.")


def _end(deployment: Deployment, moment: datetime, actor: Principal, *, reason: str) -> None:
    deployment.ended_at = moment
    deployment.save(update_fields=["ended_at"])
    node = Node.objects.filter(project=deployment.project, kind="deployment", key=str(deployment.uuid)).first()
    if node is not None:
        set_live(node=node, live=False)
    _record(deployment, "deployment.end", actor, reason=reason, after={"ended_at": moment})
    events.announce("deployment.ended", **facts(deployment))


def _join_line(deployment: Deployment) -> None:
    project, version = deployment.project, deployment.version
    src = ensure_node(project=project, kind="model_version", key=version.uuid.hex)
    node = ensure_node(project=project, kind="deployment", key=str(deployment.uuid), live=deployment.is_live)
    connect(src=src, dst=node, kind="deployed")


def _tell_reported(deployment: Deployment, holder: ModelVersion | None, actor: Principal) -> None:
    promoted = holder.digest if holder is not None else None
    after = {
        "digest": deployment.version.digest,
        "environment": deployment.environment.name,
        "target": deployment.target,
        "image_digest": deployment.image_digest,
        "traffic_share": deployment.traffic_share,
        "started_at": deployment.started_at,
        "ended_at": deployment.ended_at,
        "matches_slot": deployment.matched_slot,
    }
    _record(deployment, "deployment.report", actor, after=after)
    events.announce("deployment.reported", **facts(deployment))
    if not deployment.matched_slot:
        _record(
            deployment,
            "deployment.mismatch",
            actor,
            outcome="error",
            after={"running": deployment.version.digest, "promoted": promoted},
        )
        events.announce("deployment.mismatch", **facts(deployment), promoted_digest=promoted)


def _record(deployment: Deployment, action: str, actor: Principal, **evidence: Any) -> None:
    refs = [("model_version", str(deployment.version.uuid)), ("model", str(deployment.version.model.uuid))]
    record(
        action=action,
        target=deployment_target(deployment),
        actor=actor,
        project=deployment.project,
        refs=refs,
        **evidence,
    )


def facts(deployment: Deployment) -> dict[str, Any]:
    """What announcements say of a deployment."""
    version = deployment.version
    return {
        "project_id": deployment.project_id,
        "deployment": str(deployment.uuid),
        "model": version.model.name,
        "number": version.number,
        "digest": version.digest,
        "environment": deployment.environment.name,
        "target": deployment.target,
        "url": links.deployments_page(deployment),
    }
