"""The `stage` gate: the same bytes have held another environment for long enough.

kind = "stage"
hours = 24
environment = "staging"        # by default the one before, in the project's order
"""

from datetime import datetime, timedelta
from itertools import pairwise

from core import clock
from registry.gates.base import Case, Finding, Gate, Spec, Status, register
from registry.gates.fields import Fields
from registry.models import Environment
from registry.selectors.environments import list_environments, slot_history

MOST_HOURS = 24 * 365


def read(fields: Fields) -> Spec:
    environment = fields.optional_text("environment", longest=64)
    hours = fields.integer("hours", least=0, most=MOST_HOURS)
    return {"hours": hours} | ({"environment": environment} if environment else {})


def judge(spec: Spec, case: Case) -> Finding:
    """Observed is when the longest stay began, which stands still while the stay grows; limit is in hours."""
    earlier = _earlier(spec, case)
    if earlier is None:
        return Finding(Status.ERROR, limit=spec["hours"], detail="There is no such environment to have held before.")
    stays = _stays(case, earlier)
    if not stays:
        return Finding(Status.FAIL, limit=spec["hours"], detail=f"It never held '{earlier.name}'.")
    began, ended = max(stays, key=lambda stay: stay[1] - stay[0])
    enough = ended - began >= timedelta(hours=spec["hours"])
    return Finding(
        Status.PASS if enough else Status.FAIL,
        observed=clock.text(began),
        limit=spec["hours"],
        evidence=(f"environment:{earlier.name}/history",),
        detail="" if enough else f"It has not held '{earlier.name}' for {spec['hours']} hours.",
    )


def _earlier(spec: Spec, case: Case) -> Environment | None:
    environments = list(list_environments(project=case.version.model.project))
    if "environment" in spec:
        return next((each for each in environments if each.name == spec["environment"]), None)
    before = [each for each in environments if each.position < case.environment.position]
    return before[-1] if before else None


def _stays(case: Case, environment: Environment) -> list[tuple[datetime, datetime]]:
    """When these bytes held the environment: from each promotion of them until the next promotion of anything."""
    history = list(reversed(slot_history(model=case.version.model, environment=environment)))
    moments = [past.finished_at for past in history if past.finished_at is not None] + [clock.now()]
    spans = list(pairwise(moments))
    return [span for past, span in zip(history, spans, strict=True) if past.version.digest == case.version.digest]


register(Gate("stage", read, judge))
