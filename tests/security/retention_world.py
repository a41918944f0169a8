"""What the routes of retention name, and what other rooms' routes do about it: things in the bin, holds, deletions, sweeps."""

from core.ids import uuid7
from registry import services as registry
from retention import services as retention
from retention.plans import make_plan
from tests.registry.factories import new_version
from tests.security import tracking_world as logged
from tracking import services
from tracking.models import Run
from tracking.services import sweeps

NAMES = {"model": "fraud", "version": "1"}


def a_deleted_run(world, caller):
    names = logged.anothers_run(world, caller)
    run = Run.objects.get(uuid=names["run"])
    services.delete_run(run=run, actor=world.people["server admin"])
    return names


def a_deleted_experiment(world, caller):
    contributor = world.people["contributor"]
    doomed = services.create_experiment(project=world.project, name=f"doomed-{uuid7().hex}", actor=contributor)
    services.delete_experiment(experiment=doomed, actor=contributor)
    return {"experiment": doomed.name}


def an_own_version(world, caller):
    return NAMES | {"version": str(new_version(world.project, caller).number)}


def anothers_version(world, caller):
    return NAMES | {"version": str(new_version(world.project, world.people["server admin"]).number)}


def an_own_deleted_version(world, caller):
    version = new_version(world.project, caller)
    registry.delete_version(version=version, actor=caller)
    return NAMES | {"version": str(version.number)}


def a_deleted_version(world, caller):
    version = new_version(world.project, world.people["server admin"])
    registry.delete_version(version=version, actor=world.people["server admin"])
    return NAMES | {"version": str(version.number)}


def a_model(world, caller):
    new_version(world.project, world.people["contributor"], model="doomed")
    return {"model": "doomed"}


def a_deleted_model(world, caller):
    version = new_version(world.project, world.people["contributor"], model=f"doomed-{uuid7().hex}")
    registry.delete_model(model=version.model, actor=world.people["contributor"])
    return {"model": version.model.name}


def a_hold(world, caller):
    names = logged.a_run(world, caller)
    hold = retention.add_hold(
        project=world.project, kind="run", name=names["run"], reason="tests", actor=world.people["maintainer"]
    )
    return names | {"hold": str(hold.uuid)}


def a_deletion(world, caller):
    return {"deletion": str(_deletion(world, world.people["contributor"]).uuid)}


def an_own_deletion(world, caller):
    """Under way, and asked for by the caller."""
    deletion = _deletion(world, caller)
    type(deletion).objects.filter(pk=deletion.pk).update(state="running", finished_at=None)
    return {"deletion": str(deletion.uuid)}


def anothers_deletion(world, caller):
    return an_own_deletion(world, world.people["server admin"])


def _deletion(world, actor):
    run = logged.an_own_run(world, world.people["server admin"])["run"]
    plan = make_plan(
        project=world.project, kind="run", act="archive", principal=world.people["server admin"], ids=[run]
    )
    return retention.request_deletion(project=world.project, plan=plan, reason="tests", actor=actor)


def a_sweep(world, caller):
    sweep, _ = sweeps.start_sweep(project=world.project, actor=world.people["admin"])
    return {"sweep": str(sweep.uuid)}
