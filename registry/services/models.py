"""Writes to models."""

from django.db import IntegrityError, transaction

from accounts.models import Project
from audit.services import record
from core.access import Principal
from registry.errors import NameTaken
from registry.evidence import model_target
from registry.models import Model
from registry.names import check_model_name


@transaction.atomic
def create_model(*, project: Project, name: str, actor: Principal, description: str = "") -> Model:
    """A new model without versions.

    Raises:
        Invalid: no model may be called so.
        NameTaken: the project has one of that name.
    """
    check_model_name(name)
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


@transaction.atomic
def ensure_model(*, project: Project, name: str, actor: Principal) -> Model:
    """The model of that name, made if missing. Raises Invalid as `create_model` does."""
    found = Model.objects.select_related("project").filter(project=project, name=name).first()
    if found is not None:
        return found
    try:
        return create_model(project=project, name=name, actor=actor)
    except NameTaken:  # made by another request meanwhile
        return Model.objects.select_related("project").get(project=project, name=name)


@transaction.atomic
def update_model(*, model: Model, description: str, actor: Principal) -> Model:
    """Describe it anew; the same again leaves no entry."""
    model = Model.objects.select_for_update(of=("self",)).select_related("project").get(pk=model.pk)
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
