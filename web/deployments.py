"""Deployments as lists show them: one line each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.models import Deployment


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """`matched` is how it stood with the promoted version when it was reported."""

    id: UUID
    target: str
    model: str
    number: int
    environment: str
    started_at: datetime
    ended_at: datetime | None
    matched: bool
    traffic: str
    image_digest: str
    by: str


def deployment_rows(deployments: Iterable[Deployment]) -> list[DeploymentRow]:
    """Asks for model, version and environment to be loaded along."""
    return [
        DeploymentRow(
            id=deployment.uuid,
            target=deployment.target,
            model=deployment.version.model.name,
            number=deployment.version.number,
            environment=deployment.environment.name,
            started_at=deployment.started_at,
            ended_at=deployment.ended_at,
            matched=deployment.matched_slot,
            traffic=f"{100 * deployment.traffic_share:.3g} %",
            image_digest=deployment.image_digest,
            by=deployment.reported_by,
        )
        for deployment in deployments
    ]
