"""What the monitoring room's routes name, as each route needs."""

from base64 import b64encode
from itertools import count

import orjson
from django.conf import settings

from core import jobs
from monitoring import services
from monitoring.models import Alert, Monitor, Window
from monitoring.profiles import DEFAULT_KEY
from monitoring.services.triggers import Wish
from monitoring.services.windows import close_due
from tests.monitoring.building import build_profile
from tests.monitoring.production import body, day, new_trained_version, promote, rows, send, the_monitor
from tests.registry.factories import new_version
from tests.security.registry_world import NAMES

_numbers = count(1)
WISH = {
    "on": "dataset_version",
    "filter": {"dataset": "train"},
    "action": "webhook",
    "address": "https://jobs.example.org/retrain",
}
VERDICT = {"name": "bias audit", "verdict": "pass", "tool": "aequitas"}
PROFILE = build_profile(rows(200))
BASELINE = {
    "profile": b64encode(PROFILE.to_bytes()).decode(),
    "key": b64encode(DEFAULT_KEY).decode(),
    "reason": "better",
}
PART = body(PROFILE, day(2))


def some_evidence(world, caller):
    version = new_version(world.project, world.people["contributor"])
    report, _ = services.receive_verdict(
        version=version, document=orjson.dumps(VERDICT), actor=world.people["contributor"]
    )
    return NAMES | {"evidence": str(report.uuid)}


def a_hook(world, caller):
    model = new_version(world.project, world.people["contributor"]).model
    hook, _ = services.create_hook(
        project=world.project, name=f"nightly-{next(_numbers)}", model=model, actor=world.people["maintainer"]
    )
    return NAMES | {"hook": str(hook.uuid)}


def a_trigger(world, caller):
    wish = Wish(name=f"retrain-{next(_numbers)}", **WISH)
    trigger, _ = services.create_trigger(project=world.project, wish=wish, actor=world.people["maintainer"])
    return NAMES | {"trigger": str(trigger.uuid)}


def a_monitor(world, caller):
    """Of a version that is promoted, and has a baseline."""
    version = new_trained_version(world.project, world.people["contributor"], {"reference": PROFILE.to_bytes()})
    promote(version, world.people["contributor"])
    jobs.run_pending()
    return NAMES | {"monitor": str(the_monitor(version).uuid)}


def a_window(world, caller):
    names = a_monitor(world, caller)
    monitor = Monitor.objects.get(uuid=names["monitor"])
    send(monitor, PROFILE, day(2))
    close_due()
    jobs.run_pending()
    return names | {"column": "amount", "window": str(Window.objects.get(monitor=monitor).uuid)}


def a_source(world, caller):
    """Files in the folder that the world's server may read."""
    names = a_monitor(world, caller)
    monitor = Monitor.objects.get(uuid=names["monitor"])
    (root,) = settings.DATA_ROOTS
    source = monitor.sources.first()  # a second version's monitor has those of the first
    if source is None:
        source = services.create_source(monitor=monitor, path=f"{root}/day", actor=world.people["maintainer"])
    return names | {"source": str(source.uuid), "root": root}


def an_alert(world, caller):
    names = a_monitor(world, caller)
    monitor = Monitor.objects.get(uuid=names["monitor"])
    send(monitor, build_profile(rows(2_000, shift=3.0)), day(2))
    close_due()
    jobs.run_pending()
    return names | {"alert": str(Alert.objects.filter(monitor=monitor).first().uuid)}
