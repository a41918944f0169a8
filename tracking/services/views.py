"""Saved views come to be, change and go, each on the ledger: many people look at runs through the same ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction

from audit.services import record
from core import clock
from core.access import Principal
from core.errors import Invalid
from tracking.errors import ViewExists, ViewNotFound
from tracking.evidence import view_target
from tracking.limits import DESCRIPTION_LENGTH, NAME_LENGTH, ORDER_LENGTH, PROJECT_VIEWS
from tracking.models import Experiment, SavedView
from tracking.search.columns import join_columns, parse_columns
from tracking.search.parser import parse, parse_order
from tracking.search.selection import LIFECYCLES
from tracking.selectors import get_experiment
from tracking.values import has_control


@dataclass(frozen=True, slots=True)
class ViewWish:
    """What a view is to be. `experiment` is a name, empty for the whole project; the rest is written as in a search."""

    name: str
    filter: str = ""
    experiment: str = ""
    lifecycle: str = "active"
    order_by: str = ""
    columns: str = ""
    differing: bool = False
    description: str = ""


def create_view(*, project: Any, wish: ViewWish, actor: Principal) -> SavedView:
    """Raises ViewExists, ExperimentNotFound, InvalidFilter, InvalidOrder, InvalidColumns, Invalid."""
    kept = _checked(project, wish)
    if SavedView.objects.filter(project_id=project.id).count() >= PROJECT_VIEWS:
        raise Invalid(f"A project has at most {PROJECT_VIEWS} views; delete those that nobody needs.", field="name")
    try:
        with transaction.atomic():
            view = SavedView.objects.create(project=project, created_by_id=actor.id, created_by=actor.name, **kept)
            record(action="view.create", target=view_target(view), actor=actor, project=project, after=said(view))
    except IntegrityError as exc:
        raise ViewExists(wish.name) from exc
    return view


def update_view(*, view: SavedView, changes: Mapping[str, Any], actor: Principal) -> SavedView:
    """Give it what `changes` says of the fields of a `ViewWish`; the others stay as they are. What is so already is no act.

    Raises as `create_view` does, and ViewNotFound.
    """
    locked = view
    try:
        with transaction.atomic():
            locked = _locked(view)
            _make(locked, replace(wish_of(locked), **changes), actor)
    except IntegrityError as exc:
        raise ViewExists(locked.name) from exc  # the name it would have had
    return locked


def _make(locked: SavedView, wish: ViewWish, actor: Principal) -> None:
    kept = _checked(locked.project, wish)
    before = said(locked)
    for field, value in kept.items():
        setattr(locked, field, value)
    after = said(locked)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        locked.updated_at = clock.now()
        locked.save(update_fields=[*kept, "updated_at"])
        record(
            action="view.update",
            target=view_target(locked),
            actor=actor,
            project=locked.project,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


@transaction.atomic
def delete_view(*, view: SavedView, actor: Principal) -> None:
    """Gone at once: it is a rule, and the ledger keeps how it read. The runs are not touched. Raises ViewNotFound."""
    locked = _locked(view)
    record(action="view.delete", target=view_target(locked), actor=actor, project=locked.project, before=said(locked))
    locked.delete()


def _locked(view: SavedView) -> SavedView:
    """As it is now; nobody changes it before the transaction ends. Raises ViewNotFound."""
    rows = SavedView.objects.select_for_update(of=("self",)).select_related("project", "experiment")
    locked = rows.filter(pk=view.pk).first()
    if locked is None:
        raise ViewNotFound
    return locked


def wish_of(view: SavedView) -> ViewWish:
    return ViewWish(
        name=view.name,
        filter=view.filter,
        experiment=view.experiment.name if view.experiment else "",
        lifecycle=view.lifecycle,
        order_by=view.order_by,
        columns=view.columns,
        differing=view.differing,
        description=view.description,
    )


def said(view: SavedView) -> Mapping[str, Any]:
    """The rule in plain values, for the ledger."""
    wish = wish_of(view)
    return {name: getattr(wish, name) for name in ViewWish.__slots__}


def _checked(project: Any, wish: ViewWish) -> dict[str, Any]:
    _check_words(wish)
    parse(wish.filter)
    parse_order([wish.order_by] if wish.order_by.strip() else [])
    if wish.lifecycle not in LIFECYCLES:
        raise Invalid(f"lifecycle is one of {', '.join(LIFECYCLES)}.", field="lifecycle")
    experiment: Experiment | None = get_experiment(project=project, name=wish.experiment) if wish.experiment else None
    return {
        "name": wish.name,
        "description": wish.description,
        "filter": wish.filter,
        "experiment": experiment,
        "lifecycle": wish.lifecycle,
        "order_by": wish.order_by,
        "columns": join_columns(parse_columns(wish.columns, lines=True)),
        "differing": wish.differing,
    }


def _check_words(wish: ViewWish) -> None:
    if not wish.name.strip():
        raise Invalid("A view needs a name.", field="name")
    if len(wish.name) > NAME_LENGTH:
        raise Invalid(f"A view's name has at most {NAME_LENGTH} characters; this has {len(wish.name)}.", field="name")
    if has_control(wish.name):
        raise Invalid("A view's name holds no control characters.", field="name")
    if len(wish.description) > DESCRIPTION_LENGTH or "\0" in wish.description:
        raise Invalid(f"A description is text of at most {DESCRIPTION_LENGTH} characters.", field="description")
    if len(wish.order_by) > ORDER_LENGTH:
        raise Invalid(f"An order has at most {ORDER_LENGTH} characters.", field="order_by")
