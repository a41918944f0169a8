"""Reads of aliases. Environments that hold a version are shown among them, as names that move by promotion alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from registry.models import Alias, AliasChange, Model, ModelVersion, Slot


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


def alias_history(*, model: Model, name: str) -> QuerySet[AliasChange]:
    """Every move of the alias, newest first."""
    return AliasChange.objects.select_related("version", "previous").filter(model=model, name=name).order_by("-id")
