"""What the search box finds: runs, experiments, models, versions, datasets and promotions, by name, id or digest.

Each kind costs a bounded query or two over the projects that the reader may see, whatever they hold: ids, digests and commits are
looked up by index from their beginning on; names of runs, of which there may be very many, among the newest only.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Q
from django.urls import reverse

from accounts.models import Project
from core.access import Principal, visible_project_ids
from registry.models import Model, ModelVersion, Promotion
from tracking.models import Dataset, DatasetVersion, Experiment, Run
from web.targets import experiment_url

SHOWN = 8  # of each kind
NEWEST_RUNS = 20_000  # whose names are looked through: some 20 ms
LOOKED_AT = 200  # runs that share the beginning of an id or a commit
MOST_PROJECTS = 1_000
PUT_AWAY = ("deleted", "purged")
LONGEST = 200  # characters of a query that are looked at
SHORTEST_DIGEST = 6  # hex digits: fewer would find by accident
SHA256_DIGITS = 64
ID_DIGITS = 32
HEX = re.compile(r"(?:sha256:)?([0-9a-f-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hit:
    """`why` says what matched where the name did not: an id, a commit, a digest."""

    label: str
    url: str
    project: str
    why: str = ""
    detail: str = ""
    state: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class _Query:
    """`digits` are what the text has of a hash or an id, without hyphens; "" where it is none."""

    text: str
    digits: str
    projects: Sequence[int]


def find(text: str, viewer: Principal) -> list[Group]:
    """What is found, by kind; kinds without a find are left out. At most twelve queries beside those of the page."""
    query = _Query(text[:LONGEST], _digits(text[:LONGEST]), _projects(viewer))
    if not query.text or not query.projects:
        return []
    finders: tuple[tuple[str, Callable[[_Query], Iterable[Hit]]], ...] = (
        ("Models", _models),
        ("Versions", _versions),
        ("Runs", _runs),
        ("Experiments", _experiments),
        ("Datasets", _datasets),
        ("Promotions", _promotions),
    )
    groups = [Group(title, list(finder(query))) for title, finder in finders]
    return [group for group in groups if group.hits]


def _digits(text: str) -> str:
    match = HEX.fullmatch(text)
    digits = match[1].replace("-", "").lower() if match else ""
    return digits if SHORTEST_DIGEST <= len(digits) <= SHA256_DIGITS else ""


def _projects(viewer: Principal) -> list[int]:
    allowed = visible_project_ids(viewer)
    if allowed is None:
        return list(Project.objects.order_by("-id").values_list("id", flat=True)[:MOST_PROJECTS])
    return sorted(allowed)[-MOST_PROJECTS:]


def _beginning(field: str, digits: str, *, whole: int, prefix: str = "") -> Q:
    """Values of `field` that begin with `digits`, as a range, which an index serves on either database."""
    low, high = digits.ljust(whole, "0"), digits.ljust(whole, "f")
    return Q(**{f"{field}__gte": prefix + low, f"{field}__lte": prefix + high})


def _ids(digits: str) -> Q | None:
    if not digits or len(digits) > ID_DIGITS:
        return None
    return Q(uuid__gte=UUID(digits.ljust(ID_DIGITS, "0")), uuid__lte=UUID(digits.ljust(ID_DIGITS, "f")))


def _runs(query: _Query) -> list[Hit]:
    """First those of that id, then of that commit, then of that name. The rows are read whole only once it is known which are shown."""
    found: dict[int, str] = {}
    ids = _ids(query.digits)
    if ids is not None:
        found |= dict.fromkeys(_some_runs(query, ids), "id")
        found |= {pk: "commit" for pk in _some_runs(query, _commit(query.digits)) if pk not in found}
    found |= {pk: "" for pk in _named_runs(query) if pk not in found}
    shown = list(found)[:SHOWN]
    runs = Run.objects.select_related("project", "experiment").in_bulk(shown)
    return [_run_hit(runs[pk], found[pk]) for pk in shown if pk in runs]


def _some_runs(query: _Query, wanted: Q) -> list[int]:
    """The newest of those found first: a beginning that very many share is not looked through to its end."""
    there = Run.objects.exclude(lifecycle__in=PUT_AWAY).filter(wanted, project__in=query.projects)
    return sorted(there.values_list("id", flat=True)[:LOOKED_AT], reverse=True)


def _named_runs(query: _Query) -> list[int]:
    """Projects are looked at here and not in the query, where they would have the database read all their runs."""
    newest = Run.objects.aggregate(newest=Max("id"))["newest"] or 0
    named = Run.objects.exclude(lifecycle__in=PUT_AWAY).filter(id__gt=newest - NEWEST_RUNS, name__icontains=query.text)
    allowed = set(query.projects)
    return [pk for pk, project in named.order_by("-id").values_list("id", "project_id") if project in allowed][:SHOWN]


def _commit(digits: str) -> Q:
    return Q(code_commit__gte=digits, code_commit__lte=digits + "g")  # "g" comes after all digits


def _run_hit(run: Run, why: str) -> Hit:
    matched = {"id": f"id {run.uuid.hex[:12]}", "commit": f"commit {run.code_commit[:12]}"}
    return Hit(
        label=run.name or run.uuid.hex[:12],
        url=reverse("web:run_detail", args=[run.project.name, run.uuid.hex]),
        project=run.project.name,
        why=matched.get(why, ""),
        detail=run.experiment.name,
        state=run.status,
        at=run.created_at,
    )


def _experiments(query: _Query) -> list[Hit]:
    found = Experiment.objects.filter(project__in=query.projects, name__icontains=query.text, deleted_at__isnull=True)
    return [
        Hit(each.name, experiment_url(each.project, each.name), each.project.name, at=each.created_at)
        for each in found.select_related("project").order_by("-id")[:SHOWN]
    ]


def _models(query: _Query) -> list[Hit]:
    found = Model.objects.filter(project__in=query.projects, name__icontains=query.text, deleted_at__isnull=True)
    return [
        Hit(
            label=model.name,
            url=reverse("web:model_detail", args=[model.project.name, model.name]),
            project=model.project.name,
            detail=model.description[:120],
            at=model.created_at,
        )
        for model in found.select_related("project").order_by("name")[:SHOWN]
    ]


def _versions(query: _Query) -> list[Hit]:
    if not query.digits:
        return []
    found = ModelVersion.objects.filter(_beginning("digest", query.digits, whole=SHA256_DIGITS, prefix="sha256:"))
    found = found.filter(model__project__in=query.projects, deleted_at__isnull=True).select_related("model__project")
    return [
        Hit(
            label=f"{version.model.name} version {version.number}",
            url=reverse("web:version_detail", args=[version.model.project.name, version.model.name, version.number]),
            project=version.model.project.name,
            why=f"digest {version.digest[:19]}",
            state=version.lifecycle,
            at=version.created_at,
        )
        for version in found.order_by("-id")[:SHOWN]
    ]


def _datasets(query: _Query) -> list[Hit]:
    named = Dataset.objects.filter(project__in=query.projects, name__icontains=query.text).select_related("project")
    found = [_dataset_hit(each) for each in named.order_by("name")[:SHOWN]]
    if query.digits:
        versions = DatasetVersion.objects.filter(
            _beginning("digest", query.digits, whole=SHA256_DIGITS, prefix="sha256:"),
            dataset__project__in=query.projects,
        )
        found += [
            _dataset_hit(version.dataset, version)
            for version in versions.select_related("dataset__project").order_by("-id")[:SHOWN]
        ]
    return found


def _dataset_hit(dataset: Dataset, version: Any = None) -> Hit:
    url = reverse("web:dataset_detail", args=[dataset.project.name, dataset.name])
    if version is None:
        return Hit(dataset.name, url, dataset.project.name, at=dataset.created_at)
    return Hit(
        label=dataset.name,
        url=f"{url}?version={version.uuid}",
        project=dataset.project.name,
        why=f"digest {version.digest[:19]}",
        state=version.strength,
        at=version.created_at,
    )


def _promotions(query: _Query) -> list[Hit]:
    ids = _ids(query.digits)
    if ids is None:
        return []
    found = Promotion.objects.filter(ids, project__in=query.projects)
    found = found.select_related("project", "model", "version", "environment")
    return [
        Hit(
            label=f"{each.model.name} version {each.version.number} to {each.environment.name}",
            url=reverse("web:promotion_detail", args=[each.project.name, each.uuid]),
            project=each.project.name,
            why=f"id {each.uuid}",
            state=each.decision,
            at=each.requested_at,
        )
        for each in found.order_by("-id")[:SHOWN]
    ]
