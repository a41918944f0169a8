"""Reads of datasets and of who used them."""

import re
from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from tracking.errors import DatasetNotFound
from tracking.models import Dataset, DatasetVersion, Run, RunInput, RunOutput

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


def inputs_of(run: Run) -> list[RunInput]:
    """What the run read, in the order it said so."""
    return list(RunInput.objects.filter(run=run).select_related("version__dataset").order_by("id"))


def outputs_of(run: Run) -> list[RunOutput]:
    """What the run made, in the order it said so."""
    return list(RunOutput.objects.filter(run=run).select_related("version__dataset").order_by("id"))


def runs_using(version: DatasetVersion) -> QuerySet[RunInput]:
    """Uses of this version by runs that are not deleted, newest first. Lazy."""
    uses = RunInput.objects.filter(version=version).exclude(run__lifecycle=Run.Lifecycle.DELETED)
    return uses.select_related("run__experiment").order_by("-id")
