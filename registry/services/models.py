"""Writes to models."""

from collections.abc import Callable

from django.db import IntegrityError, transaction

from accounts.models import Project
from audit.services import record
from core import clock, prepared, rows
from core.access import Principal
from registry.errors import ModelDeleted, NameTaken
from registry.evidence import model_target
from registry.models import Model
from registry.names import can_be_asked_for, check_model_name


@transaction.atomic
def create_model(*, project: Project, name: str, actor: Principal, description: str = "") -> Model:
    """A new model without versions. Where one of that name was purged, its numbers go on, since none is used twice.

    Raises:
        Invalid: no model may be called so.
        NameTaken: the project has one of that name, be it in the bin.
    """
    check_model_name(name)
    gone = Model.objects.select_for_update().filter(project=project, name=name, purged_at__isnull=False).first()
    if gone is not None:
        return _begin_again(gone, project, description, actor)
    try:
        with transaction.atomic():
            model = Model.objects.create(
                project=project, name=name, description=description, created_by_id=actor.id, created_by=actor.name
            )
    except IntegrityError as exc:
        raise NameTaken(f"There is a model '{name}' already.") from exc
    record(
        action="model.create",
        target=model_target(model),
        actor=actor,
        project=project,
        after={"description": description},
    )
    return model


def _begin_again(model: Model, project: Project, description: str, actor: Principal) -> Model:
    model.project = project
    model.description, model.deleted_at, model.purged_at = description, None, None
    model.created_by_id, model.created_by, model.created_at = actor.id, actor.name, clock.now()
    model.save()
    record(
        action="model.create",
        target=model_target(model),
        actor=actor,
        project=project,
        after={"description": description, "numbers_go_on_after": model.last_number},
    )
    return model


def ask_model(*, project: Project, name: str) -> Callable[[], Model | None]:
    """Look the model of that name up and lock it, in one statement (`prepared.ask`). What comes back gives it, whatever became of it;
    None where there is none.
    """
    if not can_be_asked_for(name):
        return lambda: None
    asked = prepared.ask(
        f"SELECT {rows.columns(Model, 'model')} FROM registry_model model "  # noqa: S608 - columns of ours
        f"WHERE model.project_id = %s AND model.name = %s {rows.lock_of('model')}",
        [project.pk, name],
    )

    def answer() -> Model | None:
        for found in asked():
            model = rows.read(Model, found)
            model.project = project
            return model
        return None

    return answer


def make_locked_model(*, project: Project, name: str, actor: Principal) -> Model:
    """A model of a name that nobody had, or that was purged; locked until the transaction ends. Where another request has made it
    meanwhile, that one. Raises Invalid as `create_model`.
    """
    try:
        return create_model(project=project, name=name, actor=actor)
    except NameTaken:
        found = ask_model(project=project, name=name)()
        if found is None:
            raise
        return found


@transaction.atomic
def update_model(*, model: Model, description: str, actor: Principal) -> Model:
    """Describe it anew; the same again leaves no entry."""
    model = Model.objects.select_for_update(of=("self",)).select_related("project").get(pk=model.pk)
    if model.deleted_at is not None:
        raise ModelDeleted(model.name)
    if description == model.description:
        return model
    before, model.description = model.description, description
    model.save(update_fields=["description"])
    record(
        action="model.update",
        target=model_target(model),
        actor=actor,
        project=model.project,
        before={"description": before},
        after={"description": description},
    )
    return model
