"""Writes to aliases: every move is kept, in their history and on the ledger."""

from django.db import transaction

from accounts.models import Project
from audit.services import record
from core.access import Principal
from core.clock import now
from core.errors import NotFound
from registry import selectors
from registry.errors import AliasIsEnvironment, ModelMissing, VersionBarred
from registry.evidence import alias_target
from registry.models import Alias, AliasChange, Environment, Model, ModelVersion
from registry.names import check_alias
from registry.services.environments import ensure_environments
from registry.services.models import lock_model
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
    return _set(model, name, version, actor=actor, reason=reason)


@transaction.atomic
def set_alias_by_name(
    *, project: Project, model: str, name: str, ref: str | int, actor: Principal, reason: str = ""
) -> Alias:
    """As `set_alias`, of things by their names, and in fewer statements.

    Raises:
        ModelMissing, VersionMissing: there is none.
    """
    check_alias(name)
    holds.enter(project)
    found = lock_model(project=project, name=model)
    if found is None:
        raise ModelMissing(model[:80])
    version = selectors.get_version(model=found, ref=ref, alone=True)
    return _set(found, name, version, actor=actor, reason=reason)


def _set(model: Model, name: str, version: ModelVersion, *, actor: Principal, reason: str) -> Alias:
    """The model is locked, and the version was read since."""
    alias = _find(model, name)
    if alias is None:  # no environment takes the name of an alias
        _refuse_environment(model, name)
    if version.is_barred:
        raise VersionBarred(f"{version.label} is {version.standing}.")
    if alias is not None and alias.version_id == version.pk:
        return alias
    previous = alias.version if alias is not None else None
    alias = _point(alias or Alias(model=model, name=name), version, actor)
    _keep(model, name, version=version, previous=previous, actor=actor, reason=reason)
    return alias


def _point(alias: Alias, version: ModelVersion, actor: Principal) -> Alias:
    alias.version, alias.set_at, alias.set_by = version, now(), actor.name
    alias.save(update_fields=None if alias.pk is None else ["version", "set_at", "set_by"])
    return alias


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
    return next(iter(Alias.objects.select_related("version").filter(model=model, name=name)), None)


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
    AliasChange.objects.create(
        model=model, name=name, version=version, previous=previous, changed_by=actor.name, reason=reason
    )
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
