"""What this room counts of a project's usage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Length

from retention import usage
from tracking.models import Artifact, Batch, Blob, Chunk, DatasetVersion, Experiment, Run, Series
from tracking.references import unreferenced

RUN_FIELDS = {
    Run.Lifecycle.ACTIVE: ("runs",),
    Run.Lifecycle.ARCHIVED: ("runs", "archived_runs"),
    Run.Lifecycle.DELETED: ("bin_runs",),
}


def count(project_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """Ten grouped queries."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    runs = Run.objects.filter(project__in=project_ids).values_list("project_id", "lifecycle").annotate(Count("id"))
    for id_, lifecycle, number in runs:
        for field in RUN_FIELDS.get(lifecycle, ()):
            found[id_][field] += number
    experiments = Experiment.objects.filter(project__in=project_ids)
    _add(found, experiments.filter(deleted_at=None), "project_id", experiments=Count("id"))
    _add(
        found,
        experiments.filter(deleted_at__isnull=False, purged_at=None),
        "project_id",
        bin_experiments=Count("id"),
    )
    series = Series.objects.filter(experiment__project__in=project_ids)
    _add(found, series, "experiment__project_id", series=Count("key"), points=Sum("count"))
    for table in (Batch, Chunk):
        rows = table.objects.filter(run__project__in=project_ids)
        _add(found, rows, "run__project_id", metric_bytes=Sum(Length("payload")))
    files = Artifact.objects.filter(run__project__in=project_ids).exclude(run__lifecycle=Run.Lifecycle.PURGED)
    _add(found, files, "run__project_id", files=Count("id"), file_bytes=Sum("blob__size"))
    binned = files.filter(run__lifecycle=Run.Lifecycle.DELETED)
    _add(found, binned, "run__project_id", bin_bytes=Sum("blob__size"))
    blobs = Blob.objects.filter(project__in=project_ids)
    stored = blobs.exclude(state=Blob.State.MISSING)
    _add(found, stored, "project_id", objects=Count("id"), object_bytes=Sum("size"))
    _add(
        found,
        unreferenced(blobs),
        "project_id",
        reclaimable_objects=Count("id"),
        reclaimable_bytes=Sum("size"),
    )
    versions = DatasetVersion.objects.filter(dataset__project__in=project_ids)
    _add(found, versions, "dataset__project_id", datasets=Count("id"))
    return found


def _add(found: dict[int, dict[str, int]], rows: QuerySet[Any], project: str, **numbers: Any) -> None:
    names = list(numbers)
    grouped: Iterable[tuple[Any, ...]] = (
        rows.order_by().values_list(project).annotate(**{f"n_{name}": value for name, value in numbers.items()})
    )
    for id_, *values in grouped:
        for name, value in zip(names, values, strict=True):
            found[id_][name] += value or 0


usage.register(count)
