"""Reads of datasets and of who used them."""

import re
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from tracking.errors import DatasetNotFound
from tracking.models import Dataset, DatasetVersion, Run, RunInput
from tracking.selectors.listed import among, typed

_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def list_datasets(*, project: ProjectRef) -> QuerySet[Dataset]:
    """By name. Lazy."""
    return Dataset.objects.filter(project_id=project.id).order_by("name")


def get_dataset(*, project: ProjectRef, name: str) -> Dataset:
    """Raises DatasetNotFound."""
    dataset = Dataset.objects.filter(project_id=project.id, name=name).first()
    if dataset is None:
        raise DatasetNotFound(f"There is no dataset '{name}' in this project.")
    return dataset


def list_dataset_versions(*, dataset: Dataset) -> QuerySet[DatasetVersion]:
    """Newest first. Lazy."""
    return DatasetVersion.objects.filter(dataset=dataset).select_related("dataset").order_by("-id")


def get_dataset_version(*, dataset: Dataset, ref: str) -> DatasetVersion:
    """The version of that digest (the newest, should several declare it) or id. Raises DatasetNotFound."""
    versions = list_dataset_versions(dataset=dataset)
    found = versions.filter(digest=ref).first()
    if found is None and _UUID.fullmatch(ref):
        found = versions.filter(uuid=UUID(ref)).first()
    if found is None:
        raise DatasetNotFound(f"The dataset '{dataset.name}' has no version {ref}.")
    return found


class UsedVersion(NamedTuple):
    """A dataset version at one end of a run, as lists show it: without schema and profile, which may have megabytes."""

    run_id: int
    context: str
    version: UUID
    name: str
    digest: str | None
    kind: str
    strength: str
    rows: int | None
    bytes: int | None
    uri: str


_USES = """SELECT {made}, u.id, u.run_id, u.context, v.uuid, d.name, v.digest, v.kind, v.strength, v.rows, v.bytes, v.uri
FROM {table} u JOIN tracking_datasetversion v ON v.id = u.version_id JOIN tracking_dataset d ON d.id = v.dataset_id"""
_BOTH = " UNION ALL ".join(
    _USES.format(made=made, table=table) + "{}"
    for made, table in enumerate(("tracking_runinput", "tracking_runoutput"))
)


def uses_of(runs: Collection[int]) -> tuple[list[UsedVersion], list[UsedVersion]]:
    """What the runs of those primary keys read, and what they made, each in the order they said so. One statement."""
    rows = typed(among(f"{_BOTH} ORDER BY 1, 2", {"u.run_id": runs}), ids=[4], times=[])
    both: tuple[list[UsedVersion], list[UsedVersion]] = ([], [])
    for made, _, *row in rows:
        both[made].append(UsedVersion._make(row))
    return both


def inputs_of(runs: Collection[int]) -> list[UsedVersion]:
    """What the runs read, likewise."""
    return uses_of(runs)[0]


def outputs_of(runs: Collection[int]) -> list[UsedVersion]:
    """What the runs made, likewise."""
    return uses_of(runs)[1]


def runs_using(version: DatasetVersion) -> QuerySet[RunInput]:
    """Uses of this version by runs that are not deleted, newest first. Lazy."""
    uses = RunInput.objects.filter(version=version).exclude(run__lifecycle=Run.Lifecycle.DELETED)
    return uses.select_related("run__experiment").order_by("-id")
