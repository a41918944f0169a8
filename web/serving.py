"""What ran at a moment: the version, what it was trained on, who approved it; and the lanes of the drawing over time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.urls import reverse

from accounts.models import Project
from registry import selectors
from registry.models import Deployment, ModelVersion, Promotion
from tracking.selectors import inputs_of
from tracking.selectors.datasets import UsedVersion
from web.timelines import Lane, Span

MOST_SERVING = 200  # rows of the table; the page says when there are more
MOST_PROMOTIONS = 2_000  # looked at for who approved what
MOST_BARS = 600  # of the drawing
MOST_LANES, FEW_LANES = 60, 24  # with a model or an environment chosen, and without
SHOWN_INPUTS = 5

Place = tuple[int, int]  # model, environment


@dataclass(frozen=True, slots=True)
class Served:
    """One line of "what ran": reported by `target`, or (without one) promoted and not reported by anybody.

    `promotion` is the one in force there at that moment, if it moved this very version.
    """

    environment: str
    model: str
    number: int
    digest: str
    lifecycle: str
    target: str
    deployment: UUID | None
    traffic: str
    since: datetime | None
    run: str
    run_name: str
    inputs: Sequence[UsedVersion]
    more_inputs: int
    promotion: UUID | None
    requested_by: str
    approved_by: Sequence[str]
    matched: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """`rows` at the moment; `more` says that there were more than a page has room for."""

    rows: Sequence[Served]
    more: bool


def served_at(project: Project, moment: datetime, *, model: str = "", environment: str = "") -> Scene:
    """What ran at `moment`. Some six queries, whatever there is."""
    deployments: list[Deployment] = list(
        selectors.list_deployments(project=project, model=model, environment=environment, as_of=moment)
        .select_related("version__model__project", "version__run", "environment")
        .order_by("-environment__position", "version__model__name", "target", "-id")[: MOST_SERVING + 1]
    )
    holders = _holders_at(project, moment, model=model, environment=environment)
    reported = {(each.version.model_id, each.environment_id) for each in deployments}
    alone = [promotion for place, promotion in holders.items() if place not in reported]
    shown = deployments[:MOST_SERVING]
    inputs = _inputs_of([each.version for each in shown] + [each.version for each in alone])
    rows = [_of_deployment(each, holders.get((each.version.model_id, each.environment_id)), inputs) for each in shown]
    rows += [_of_promotion(each, inputs) for each in alone[: MOST_SERVING - len(rows)]]
    return Scene(rows, len(deployments) + len(alone) > len(rows))


def _holders_at(project: Project, moment: datetime, *, model: str, environment: str) -> dict[Place, Promotion]:
    """The promotion in force in each place, by the order of environments and models."""
    committed = selectors.committed_until(project=project, until=moment, model=model, environment=environment)
    newest: dict[Place, int] = {}
    for pk, model_id, environment_id in committed.values_list("pk", "model_id", "environment_id")[:MOST_PROMOTIONS]:
        newest.setdefault((model_id, environment_id), pk)
    chosen = committed.filter(pk__in=newest.values()).defer("gates", "lineage")
    found: dict[Place, Promotion] = {(each.model_id, each.environment_id): each for each in chosen}
    ordered = sorted(found.items(), key=lambda each: (-each[1].environment.position, each[1].model.name))
    return dict(ordered)


def _inputs_of(versions: Iterable[ModelVersion]) -> dict[int, list[UsedVersion]]:
    by_run: dict[int, list[UsedVersion]] = defaultdict(list)
    for used in inputs_of({version.run_id for version in versions}):
        by_run[used.run_id].append(used)
    return by_run


def _of_deployment(
    deployment: Deployment, holder: Promotion | None, inputs: Mapping[int, Sequence[UsedVersion]]
) -> Served:
    own = holder if holder is not None and holder.version_id == deployment.version_id else None
    return Served(
        environment=deployment.environment.name,
        target=deployment.target,
        deployment=deployment.uuid,
        traffic=f"{100 * deployment.traffic_share:.3g} %",
        since=deployment.started_at,
        matched=holder is not None and holder.version.digest == deployment.version.digest,
        **_about(deployment.version, own, inputs),
    )


def _of_promotion(promotion: Promotion, inputs: Mapping[int, Sequence[UsedVersion]]) -> Served:
    return Served(
        environment=promotion.environment.name,
        target="",
        deployment=None,
        traffic="",
        since=promotion.finished_at,
        matched=True,
        **_about(promotion.version, promotion, inputs),
    )


def _about(
    version: ModelVersion, promotion: Promotion | None, inputs: Mapping[int, Sequence[UsedVersion]]
) -> dict[str, Any]:
    used = inputs.get(version.run_id, [])
    return {
        "model": version.model.name,
        "number": version.number,
        "digest": version.digest,
        "lifecycle": version.standing,
        "run": version.run.uuid.hex,
        "run_name": version.run.name,
        "inputs": used[:SHOWN_INPUTS],
        "more_inputs": max(0, len(used) - SHOWN_INPUTS),
        "promotion": promotion.uuid if promotion else None,
        "requested_by": promotion.requested_by if promotion else "",
        "approved_by": approvers_of(promotion) if promotion else (),
    }


def approvers_of(promotion: Promotion) -> list[str]:
    return [each.account_name for each in promotion.approvals.all() if each.decision == "approve"]


@dataclass(frozen=True, slots=True)
class Lanes:
    lanes: Sequence[Lane]
    more: bool


def lanes_between(project: Project, start: datetime, end: datetime, *, model: str = "", environment: str = "") -> Lanes:
    """What was promoted, by model and environment, and below it what each target said that it served. Three queries."""
    between = selectors.list_deployments(project=project, model=model, environment=environment, between=(start, end))
    deployments: list[Deployment] = list(between.order_by("-started_at", "-id")[: MOST_BARS + 1])
    until = selectors.committed_until(project=project, until=end, model=model, environment=environment)
    committed: list[Promotion] = list(until.defer("gates", "lineage")[:MOST_PROMOTIONS])
    environments = [each.environment for each in deployments] + [each.environment for each in committed]
    positions = {environment.pk: environment.position for environment in environments}
    found: dict[tuple[int, str, str, str], Lane] = {}
    for key, label, spans in (*_promoted(committed, start), *_reported(deployments[:MOST_BARS])):
        environment_id, name, model_name, target = key
        found[-positions[environment_id], name, model_name, target] = Lane(label, name, spans)
    lanes = [found[key] for key in sorted(found)]
    most = MOST_LANES if model or environment else FEW_LANES
    return Lanes(lanes[:most], len(lanes) > most or len(deployments) > MOST_BARS)


LaneOf = tuple[tuple[int, str, str, str], str, list[Span]]


def _promoted(committed: Sequence[Promotion], start: datetime) -> list[LaneOf]:
    """A version stood from its promotion until the next one of the same place."""
    by_place: dict[Place, list[Promotion]] = defaultdict(list)
    for promotion in reversed(committed):
        by_place[promotion.model_id, promotion.environment_id].append(promotion)
    lanes = []
    for history in by_place.values():
        first = history[0]
        ends = [later.finished_at for _, later in pairwise(history)] + [None]
        spans = [
            _promoted_span(promotion, ended_at)
            for promotion, ended_at in zip(history, ends, strict=True)
            if ended_at is None or ended_at > start
        ]
        key = (first.environment_id, first.environment.name, first.model.name, "")
        lanes.append((key, f"{first.model.name}: promoted", spans))
    return lanes


def _promoted_span(promotion: Promotion, ended_at: datetime | None) -> Span:
    by = approvers_of(promotion)
    words = f"version {promotion.version.number} promoted {_day(promotion.finished_at)} by {promotion.requested_by}"
    words += f", approved by {', '.join(by)}" if by else ""
    return Span(
        start=promotion.finished_at or promotion.requested_at,
        end=ended_at,
        label=f"v{promotion.version.number}" + (" (rollback)" if promotion.kind == "rollback" else ""),
        title=words + (f", until {_day(ended_at)}" if ended_at else ""),
        url=reverse("web:promotion_detail", args=[promotion.project.name, promotion.uuid]),
        tone="plan",
    )


def _reported(deployments: Sequence[Deployment]) -> list[LaneOf]:
    by_target: dict[tuple[int, str, str, str], list[Span]] = defaultdict(list)
    for each in reversed(deployments):
        key = (each.environment_id, each.environment.name, each.version.model.name, each.target)
        by_target[key].append(_reported_span(each))
    return [(key, f"{key[2]} at {key[3]}", spans) for key, spans in by_target.items()]


def _reported_span(deployment: Deployment) -> Span:
    words = f"{deployment.version.label} at {deployment.target} from {_day(deployment.started_at)}"
    words += f" until {_day(deployment.ended_at)}" if deployment.ended_at else ", serving now"
    return Span(
        start=deployment.started_at,
        end=deployment.ended_at,
        label=f"v{deployment.version.number}" + ("" if deployment.matched_slot else " !"),
        title=words + ("" if deployment.matched_slot else "; not what was promoted"),
        url=reverse("web:deployment_detail", args=[deployment.project.name, deployment.uuid]),
        tone="ok" if deployment.matched_slot else "warn",
    )


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else ""
