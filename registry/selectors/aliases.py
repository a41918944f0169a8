"""Reads of aliases. Environments that hold a version are shown among them, as names that move by promotion alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from core import prepared
from core.access import ProjectRef
from core.errors import NotFound
from registry.models import Alias, AliasChange, Model, ModelVersion, Slot
from registry.selectors.versions import get_model


@dataclass(frozen=True, slots=True)
class AliasView:
    """`is_environment` names are read-only here."""

    name: str
    version: ModelVersion
    set_at: datetime | None
    set_by: str
    is_environment: bool


def list_aliases(*, model: Model) -> Sequence[AliasView]:
    """All names that point at a version of `model`, by name. Two queries."""
    slots = Slot.objects.select_related("version", "environment", "promotion").filter(
        model=model, version__isnull=False
    )
    views = [
        AliasView(
            slot.environment.name, slot.version, slot.since, slot.promotion.requested_by if slot.promotion else "", True
        )
        for slot in slots
        if slot.version is not None
    ]
    aliases = Alias.objects.select_related("version").filter(model=model)
    views += [AliasView(alias.name, alias.version, alias.set_at, alias.set_by, False) for alias in aliases]
    return sorted(views, key=lambda view: view.name)


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """What a name leads to. `is_environment` names move by promotion alone."""

    name: str
    number: int
    digest: str
    lifecycle: str
    run: str  # 32 hex digits
    artifact: str
    description: str
    tags: dict[str, str]
    set_at: datetime | None
    set_by: str
    is_environment: bool


# Raw, because deployments ask it all day and the ORM takes longer to build it than either database to answer.
_TARGET = """
SELECT version.number, version.digest, version.lifecycle, run.uuid, version.artifact, version.description, version.tags,
    found.set_at, found.set_by, found.is_environment
FROM (
    SELECT slot.version_id, slot.since AS set_at, COALESCE(promotion.requested_by, '') AS set_by, 1 AS is_environment
    FROM registry_model AS model
    JOIN registry_slot AS slot ON slot.model_id = model.id
    JOIN registry_environment AS environment ON environment.id = slot.environment_id
    LEFT JOIN registry_promotion AS promotion ON promotion.id = slot.promotion_id
    WHERE model.project_id = %s AND model.name = %s AND environment.name = %s AND slot.version_id IS NOT NULL
    UNION ALL
    SELECT alias.version_id, alias.set_at, alias.set_by, 0
    FROM registry_model AS model
    JOIN registry_alias AS alias ON alias.model_id = model.id
    WHERE model.project_id = %s AND model.name = %s AND alias.name = %s
    ORDER BY is_environment DESC
    LIMIT 1
) AS found
JOIN registry_modelversion AS version ON version.id = found.version_id
JOIN tracking_run AS run ON run.id = version.run_id
"""


def get_alias_target(*, project: ProjectRef, model: str, name: str) -> AliasTarget:
    """What an environment or an alias of that name points at; the environment comes first. One query.

    Raises:
        ModelMissing: there is no such model.
        NotFound: it has no such name, or an environment that holds nothing.
    """
    asked = [project.id, model, name]
    # nothing is called otherwise, and NUL cannot be asked for
    if all(text.isprintable() for text in (model, name)):
        with prepared.cursor() as cursor:
            cursor.execute(_TARGET, asked * 2)
            row = cursor.fetchone()
        if row is not None:
            return _target_of(name, *row)
    get_model(project=project, name=model)
    raise NotFound(
        f"The model '{model}' has no alias '{name[:64]}', nor an environment of that name that holds a version."
    )


def _target_of(name: str, *row: Any) -> AliasTarget:
    """Columns as both drivers give them: SQLite keeps ids as hex and times without their zone."""
    number, digest, lifecycle, run, artifact, description, tags, set_at, set_by, is_environment = row
    return AliasTarget(
        name=name,
        number=number,
        digest=digest,
        lifecycle=lifecycle,
        run=run.hex if isinstance(run, UUID) else run,
        artifact=artifact,
        description=description,
        tags=orjson.loads(tags),
        set_at=_in_utc(set_at),
        set_by=set_by,
        is_environment=bool(is_environment),
    )


def _in_utc(moment: datetime | str | None) -> datetime | None:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def alias_history(*, model: Model, name: str) -> QuerySet[AliasChange]:
    """Every move of the alias, newest first."""
    return AliasChange.objects.select_related("version", "previous").filter(model=model, name=name).order_by("-id")


def alias_changes(*, model: Model) -> QuerySet[AliasChange]:
    """Every move of every alias of the model, newest first."""
    return AliasChange.objects.select_related("version", "previous").filter(model=model).order_by("-id")
