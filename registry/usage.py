"""What this room counts of a project's usage."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import Count, Q

from registry.models import Model, ModelVersion
from retention import usage

BINNED = Q(purged_at=None) & (Q(deleted_at__isnull=False) | Q(model__deleted_at__isnull=False))


def count(project_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """Four grouped queries."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    models = Model.objects.filter(project__in=project_ids, purged_at=None)
    versions = ModelVersion.objects.filter(model__project__in=project_ids, purged_at=None)
    counted = {
        "models": models.filter(deleted_at=None).values_list("project_id"),
        "bin_models": models.exclude(deleted_at=None).values_list("project_id"),
        "versions": versions.exclude(BINNED).values_list("model__project_id"),
        "bin_versions": versions.filter(BINNED).values_list("model__project_id"),
    }
    for name, rows in counted.items():
        for id_, number in rows.annotate(Count("id")):
            found[id_][name] = number
    return found


usage.register(count)
