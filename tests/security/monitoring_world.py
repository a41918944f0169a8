"""What the monitoring room's routes name, as each route needs."""

import orjson

from monitoring import services
from tests.registry.factories import new_version
from tests.security.registry_world import NAMES

VERDICT = {"name": "bias audit", "verdict": "pass", "tool": "aequitas"}


def some_evidence(world, caller):
    version = new_version(world.project, world.people["contributor"])
    report, _ = services.receive_verdict(
        version=version, document=orjson.dumps(VERDICT), actor=world.people["contributor"]
    )
    return NAMES | {"evidence": str(report.uuid)}
