"""Reads of experiments."""

from django.db.models import QuerySet

from core.access import ProjectRef
from tracking.errors import ExperimentNotFound
from tracking.models import Experiment


def find_experiment(*, project: ProjectRef, name: str) -> Experiment | None:
    return Experiment.objects.filter(project_id=project.id, name=name).first()


def get_experiment(*, project: ProjectRef, name: str) -> Experiment:
    """The experiment of that name, deleted or not. Raises ExperimentNotFound."""
    experiment = find_experiment(project=project, name=name)
    if experiment is None:
        raise ExperimentNotFound(name)
    return experiment


def list_experiments(*, project: ProjectRef, deleted: bool = False) -> QuerySet[Experiment]:
    """Living experiments, or the deleted ones; newest first. Purged ones are in neither. Lazy."""
    rows = Experiment.objects.filter(project_id=project.id, deleted_at__isnull=not deleted, purged_at=None)
    return rows.order_by("-id")
