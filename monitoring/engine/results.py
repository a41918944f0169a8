"""What judging a window comes to. No number in here is NaN or infinite: what has no finite value is None."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["ok", "warn", "critical", "not_enough_data", "no_reference"]
_WORST: tuple[State, ...] = ("critical", "warn", "ok", "not_enough_data", "no_reference")


def worst(states: list[State]) -> State:
    """The state that matters most; `not_enough_data` when there are none."""
    return min(states, key=_WORST.index, default="not_enough_data")


def finite(value: float | None) -> float | None:
    """The number, or None for what JSON and databases cannot hold."""
    return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True, slots=True)
class ColumnVerdict:
    """One question about one column: `kind` says which (`drift`, `missing`, `new_category` or `embedding`).

    `effects`, as far as they are known: `psi` (nats) with `psi_limit`, what chance alone exceeds at the false discovery rate, and
    `psi_baseline` where `psi` compares with accepted windows instead; `js` (0 to 0.833), `l_infinity` (share), `wasserstein_sd` (in the
    baseline's standard deviations); `missing_points` (difference of shares); `new_category_mass` (share of rows), `new_category_count`;
    `mmd` (squared).
    `e_value` is the evidence over all windows so far, 1 at the start; where `over_windows`, the state is by that.
    """

    column: str
    role: str
    kind: str
    state: State
    test: str | None
    statistic: float | None
    p_value: float | None
    adjusted_p: float | None
    effects: Mapping[str, float | None]
    e_value: float | None
    message: str
    over_windows: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A column that was `dropped`, `added` or `type_changed`; `before` and `after` are types."""

    column: str
    role: str
    kind: str
    before: str | None
    after: str | None
    state: State
    message: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PerformanceVerdict:
    """How the model did. `metrics` has `baseline`, `current` and the confidence interval `low` to `high` of each; `estimate` is what scores
    alone let expect, given while labels are missing. `coverage` is the share of predictions with a label."""

    kind: str
    state: State
    predicted: int
    labelled: int
    coverage: float | None
    metrics: Mapping[str, Mapping[str, float | None]]
    estimate: Mapping[str, float | None] | None
    message: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The judgement of one window. `sequential` is what the next window's evaluation starts from."""

    state: State
    rows: int
    columns: tuple[ColumnVerdict, ...] = ()
    schema: tuple[SchemaChange, ...] = ()
    performance: PerformanceVerdict | None = None
    notes: tuple[str, ...] = ()
    sequential: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "rows": self.rows,
            "columns": [verdict.to_json() for verdict in self.columns],
            "schema": [change.to_json() for change in self.schema],
            "performance": None if self.performance is None else self.performance.to_json(),
            "notes": list(self.notes),
            "sequential": dict(self.sequential),
        }
