"""What the monitoring room's routes name, as each route needs."""

from itertools import count

import orjson

from monitoring import services
from monitoring.services.triggers import Wish
from registry.services import ensure_model
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


def some_evidence(world, caller):
    version = new_version(world.project, world.people["contributor"])
    report, _ = services.receive_verdict(
        version=version, document=orjson.dumps(VERDICT), actor=world.people["contributor"]
    )
    return NAMES | {"evidence": str(report.uuid)}


def a_hook(world, caller):
    model = ensure_model(project=world.project, name="fraud", actor=world.people["maintainer"])
    hook, _ = services.create_hook(
        project=world.project, name=f"nightly-{next(_numbers)}", model=model, actor=world.people["maintainer"]
    )
    return NAMES | {"hook": str(hook.uuid)}


def a_trigger(world, caller):
    wish = Wish(name=f"retrain-{next(_numbers)}", **WISH)
    trigger, _ = services.create_trigger(project=world.project, wish=wish, actor=world.people["maintainer"])
    return NAMES | {"trigger": str(trigger.uuid)}
