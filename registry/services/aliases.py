"""Writes to aliases: every move is kept, in their history and on the ledger."""

from collections.abc import Callable

from django.db import transaction

from accounts.models import Project
from audit.services import record
from core import prepared, rows
from core.access import Principal
from core.clock import now
from core.errors import NotFound
from registry import selectors
from registry.errors import AliasIsEnvironment, ModelMissing, VersionBarred
from registry.evidence import alias_target
from registry.models import Alias, AliasChange, Environment, Model, ModelVersion
from registry.names import can_be_asked_for, check_alias
from registry.services.environments import ensure_environments
from registry.services.models import ask_model
from retention import holds


@transaction.atomic
def set_alias(*, model: Model, name: str, version: ModelVersion, actor: Principal, reason: str = "") -> Alias:
    """Point the alias at `version`, which is of `model`. Where it points there already, nothing happens.

    Raises:
        Invalid: no alias may be called so.
        AliasIsEnvironment: an environment has that name.
        VersionBarred: the version is quarantined or retired.
    """
    check_alias(name)
    holds.enter(model.project)
    _lock(model)
    version = ModelVersion.objects.select_related("model").get(pk=version.pk)  # it may have been put away since
    return _set(model, name, version, _find(model, name), actor=actor, reason=reason)


def set_alias_by_name(
    *, project: Project, model: str, name: str, ref: str | int, actor: Principal, reason: str = ""
) -> Alias:
    """As `set_alias`, of things by their names, and in fewer statements, which PostgreSQL is sent in three flights.

    Raises:
        ModelMissing, VersionMissing: there is none.
    """
    check_alias(name)
    if not can_be_asked_for(model):
        raise ModelMissing(model[:80])
    with prepared.pipeline(), transaction.atomic():
        holds.enter(project)
        asked_model = ask_model(project=project, name=model)
        asked_version = selectors.ask_version(project=project, model=model, ref=ref)
        asked_alias = _ask(project, model, name)
        found = asked_model()
        if found is None:
            raise ModelMissing(model[:80])
        alias = _set(found, name, asked_version(found), asked_alias(found), actor=actor, reason=reason)
        prepared.settle()
    return alias


def _set(
    model: Model, name: str, version: ModelVersion, alias: Alias | None, *, actor: Principal, reason: str
) -> Alias:
    """The model is locked, and version and alias were read since."""
    if alias is None:  # no environment takes the name of an alias
        _refuse_environment(model, name)
    if version.is_barred:
        raise VersionBarred(f"{version.label} is {version.standing}.")
    if alias is not None and alias.version_id == version.pk:
        return alias
    previous = alias.version if alias is not None else None
    if alias is None:
        alias = Alias(model=model, name=name, version=version, set_by=actor.name)
        rows.insert_one(alias)
    else:
        _point(alias, version, actor)
    _keep(model, name, version=version, previous=previous, actor=actor, reason=reason)
    return alias


def _point(alias: Alias, version: ModelVersion, actor: Principal) -> None:
    alias.version, alias.set_at, alias.set_by = version, now(), actor.name
    rows.update(alias, "version", "set_at", "set_by")


@transaction.atomic
def delete_alias(*, model: Model, name: str, actor: Principal, reason: str = "") -> None:
    """Take the alias away; its history stays.

    Raises:
        AliasIsEnvironment: an environment has that name.
        NotFound: there is no such alias.
    """
    _lock(model)
    _refuse_environment(model, name)
    alias = _find(model, name)
    if alias is None:
        raise NotFound(f"The model '{model.name}' has no alias '{name[:64]}'.")
    alias.delete()
    _keep(model, name, version=None, previous=alias.version, actor=actor, reason=reason)


def _find(model: Model, name: str) -> Alias | None:
    return _ask(model.project, model.name, name)(model)


def _ask(project: Project, model: str, name: str) -> Callable[[Model], Alias | None]:
    """Ask for the alias of that name, with its version. What comes back gives it, of that model once that is known."""
    asked = prepared.ask(
        f"SELECT {rows.columns(Alias, 'alias')}, {rows.columns(ModelVersion, 'version')} "  # noqa: S608 - columns of ours
        "FROM registry_model model JOIN registry_alias alias ON alias.model_id = model.id "
        "JOIN registry_modelversion version ON version.id = alias.version_id "
        "WHERE model.project_id = %s AND model.name = %s AND alias.name = %s",
        [project.pk, model, name],
    )

    def answer(found: Model) -> Alias | None:
        for row in asked():
            alias: Alias
            alias, version = rows.read_all(row, Alias, ModelVersion)
            alias.model = version.model = found
            alias.version = version
            return alias
        return None

    return answer


def _lock(model: Model) -> None:
    """Two movers of one alias come one after the other, so that its history is one line."""
    Model.objects.select_for_update().values_list("pk").get(pk=model.pk)


def _refuse_environment(model: Model, name: str) -> None:
    environments = Environment.objects.filter(project_id=model.project_id).values_list("name", flat=True)
    names = set(environments)
    if not names:
        ensure_environments(project=model.project)
        names = set(environments.all())
    if name in names:
        raise AliasIsEnvironment(name)


def _keep(
    model: Model,
    name: str,
    *,
    version: ModelVersion | None,
    previous: ModelVersion | None,
    actor: Principal,
    reason: str,
) -> None:
    change = AliasChange(
        model=model, name=name, version=version, previous=previous, changed_by=actor.name, reason=reason
    )
    rows.insert([change])
    record(
        action="alias.set" if version is not None else "alias.delete",
        target=alias_target(model, name, version),
        actor=actor,
        project=model.project,
        reason=reason,
        before={"version": previous.number if previous else None, "digest": previous.digest if previous else None},
        after={"version": version.number if version else None, "digest": version.digest if version else None},
        refs=[("model", str(model.uuid))],
    )
