"""What was found about one column, before all columns together decide what is an alarm."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring.engine.results import State
from monitoring.statistics import Outcome


@dataclass(frozen=True, slots=True)
class Finding:
    """`grade` is the state that the effect alone would give; `alarm` and `calm` are the sentences for either end of it.

    Without an outcome there is nothing to decide: the grade is the state, and `calm` the message.
    """

    column: str
    role: str
    kind: str
    grade: State
    calm: str
    alarm: str = ""
    test: str | None = None
    outcome: Outcome | None = None
    effects: Mapping[str, float | None] = field(default_factory=dict)
    judged: bool = True


def graded(effect: float, warn: float, critical: float) -> State:
    """The state of an effect that is no chance."""
    if effect >= critical:
        return "critical"
    return "warn" if effect >= warn else "ok"
