"""Writes to environments."""

from django.db import IntegrityError, transaction

from accounts.models import Project
from audit.services import record
from core.access import Principal, system_principal
from registry.errors import NameTaken
from registry.evidence import environment_target
from registry.models import Alias, Environment, Policy
from registry.names import check_slug

FIRST_ENVIRONMENTS = (("dev", 1, False), ("staging", 2, False), ("production", 3, True))
"""What every project begins with: name, position, protected."""


def ensure_environments(*, project: Project) -> None:
    """Give a project that has none the first environments. One cheap query when it has."""
    if not Environment.objects.filter(project=project).exists():
        _begin(project)


@transaction.atomic
def _begin(project: Project) -> None:
    Project.objects.select_for_update().get(pk=project.pk)  # two first listings come one after the other
    if Environment.objects.filter(project=project).exists():
        return
    for name, position, protected in FIRST_ENVIRONMENTS:
        _create(Environment(project=project, name=name, position=position, protected=protected), system_principal())


@transaction.atomic
def create_environment(
    *, project: Project, name: str, position: int, protected: bool, actor: Principal, policy: Policy | None = None
) -> Environment:
    """A further place to promote to.

    Raises:
        Invalid: no environment may be called so.
        NameTaken: the project has one of that name, or one of its models has an alias of that name.
    """
    check_slug(name)
    ensure_environments(project=project)
    if Alias.objects.filter(model__project=project, name=name).exists():
        raise NameTaken(f"'{name}' is an alias of a model here; an environment of that name would take it over.")
    try:
        with transaction.atomic():
            environment = Environment(project=project, name=name, position=position, protected=protected, policy=policy)
            return _create(environment, actor)
    except IntegrityError as exc:
        raise NameTaken(f"There is an environment '{name}' already.") from exc


@transaction.atomic
def set_environment_policy(
    *, environment: Environment, policy: Policy | None, reason: str, actor: Principal
) -> Environment:
    """Bind promotions into it by `policy`, or by none. Waiting promotions are judged anew when somebody signs them."""
    environment = (
        Environment.objects.select_for_update(of=("self",)).select_related("project", "policy").get(pk=environment.pk)
    )
    if environment.policy == policy:
        return environment
    before, environment.policy = environment.policy, policy
    environment.save(update_fields=["policy"])
    record(
        action="environment.set_policy",
        target=environment_target(environment),
        actor=actor,
        project=environment.project,
        reason=reason,
        before={"policy": before.name if before else None},
        after={"policy": policy.name if policy else None},
    )
    return environment


def _create(environment: Environment, actor: Principal) -> Environment:
    environment.save()
    policy = environment.policy
    record(
        action="environment.create",
        target=environment_target(environment),
        actor=actor,
        project=environment.project,
        after={
            "position": environment.position,
            "protected": environment.protected,
            "policy": policy.name if policy else None,
        },
    )
    return environment
