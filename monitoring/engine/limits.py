"""What counts as drift: the limits that a monitor is set to, checked where they come in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

MOST_COLUMNS = 10_000
_SHARE = (0.0, 1.0)
_PSI = (0.0, 100.0)
_RANGES: Mapping[str, tuple[float, float]] = {
    "fdr": (1e-6, 0.5),
    "psi_warn": _PSI,
    "psi_critical": _PSI,
    "linf_warn": _SHARE,
    "linf_critical": _SHARE,
    "missing_points": _SHARE,
    "missing_critical": _SHARE,
    "new_category_points": _SHARE,
    "new_category_critical": _SHARE,
    "embedding_warn": (0.0, 2.0),
    "embedding_critical": (0.0, 2.0),
    "sequential_alarm": (1.0, 1e12),
    "sequential_psi": _PSI,
    "label_coverage": _SHARE,
    "performance_drop": _SHARE,
    "performance_critical": _SHARE,
    "error_growth": (0.0, 100.0),
    "error_critical": (0.0, 100.0),
}
_ORDERED = (
    ("psi_warn", "psi_critical"),
    ("linf_warn", "linf_critical"),
    ("missing_points", "missing_critical"),
    ("new_category_points", "new_category_critical"),
    ("embedding_warn", "embedding_critical"),
    ("performance_drop", "performance_critical"),
    ("error_growth", "error_critical"),
)
_MOST_ROWS = 2**53
_OF_COLUMNS = frozenset(
    {
        name
        for name in _RANGES
        if name.startswith(("psi_", "linf_", "missing_", "new_category_", "embedding_", "sequential_"))
    }
    | {"least_rows", "judge_dates", "ignore"}
)


class InvalidLimits(ValueError):
    """Limits that no monitor can have; `field` names which, from the top."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}.")
        self.field = field


@dataclass(frozen=True, slots=True)
class Limits:
    """An alarm takes an adjusted p-value up to `fdr` and an effect over its smallest; the larger limit makes it critical.

    `fdr`: the share of alarms that may be false. `psi_*` in nats; `linf_*`, `missing_*` and `new_category_*` are shares of rows (0.01 is a
    point), `missing_*` of their difference; `embedding_*` is a squared discrepancy (0 to 2). Evidence over several windows warns from
    `sequential_alarm` (mean windows between false alarms) where this window's PSI is at least `sequential_psi`. Nothing is judged below
    `least_rows`, and performance not below `label_coverage`. `performance_*` are points of accuracy or AUC, `error_*` the growth of the
    mean absolute error as a share of the baseline's. Dates move by themselves and are judged only with `judge_dates`. `columns` holds what
    is different for some of them; `"ignore": true` leaves a column out.
    """

    fdr: float = 0.01
    psi_warn: float = 0.1
    psi_critical: float = 0.25
    linf_warn: float = 0.1
    linf_critical: float = 0.25
    missing_points: float = 0.01
    missing_critical: float = 0.1
    new_category_points: float = 0.01
    new_category_critical: float = 0.1
    embedding_warn: float = 0.003
    embedding_critical: float = 0.03
    least_rows: int = 30
    sequential_alarm: float = 1000.0
    sequential_psi: float = 0.005
    label_coverage: float = 0.5
    performance_drop: float = 0.02
    performance_critical: float = 0.05
    error_growth: float = 0.1
    error_critical: float = 0.25
    judge_dates: bool = False
    ignore: bool = False
    columns: Mapping[str, Mapping[str, float | bool]] = field(default_factory=dict)

    def of(self, column: str) -> "Limits":
        """The limits of one column."""
        changes: Any = self.columns.get(column)
        return replace(self, columns={}, **changes) if changes else self

    def to_json(self) -> dict[str, Any]:
        """Every limit; `ignore` stands in `columns` only."""
        found = asdict(self)
        del found["ignore"]
        found["columns"] = {name: dict(changes) for name, changes in self.columns.items()}
        return found

    @classmethod
    def from_json(cls, document: Any) -> "Limits":
        """The limits in `document`, defaults for what it does not say.

        Raises:
            InvalidLimits: an unknown limit, another type, a value out of its range, or a warning above what is critical.
        """
        _expect(isinstance(document, Mapping), "limits", "an object")
        own = {name: value for name, value in document.items() if name != "columns"}
        known = {each.name for each in fields(cls)} - {"columns", "ignore"}
        limits = cls(**_checked(own, known, "limits"))
        _check_order(limits, "limits")
        columns = document.get("columns", {})
        _expect(isinstance(columns, Mapping), "limits.columns", "an object of columns")
        _expect(len(columns) <= MOST_COLUMNS, "limits.columns", f"at most {MOST_COLUMNS} columns")
        changes = {}
        for name, each in columns.items():
            place = f"limits.columns.{name}"
            _expect(isinstance(name, str) and isinstance(each, Mapping), place, "an object of limits")
            changes[name] = _checked(each, _OF_COLUMNS, place)
            _check_order(replace(limits, **changes[name]), place)
        return replace(limits, columns=changes)


def _checked(document: Mapping[str, Any], known: frozenset[str] | set[str], place: str) -> dict[str, Any]:
    for name in document:
        _expect(name in known, f"{place}.{name}", f"one of {', '.join(sorted(known))}")
    return {name: _value(name, value, f"{place}.{name}") for name, value in document.items()}


def _value(name: str, value: Any, place: str) -> float | int | bool:
    if name in ("judge_dates", "ignore"):
        _expect(isinstance(value, bool), place, "true or false")
        return bool(value)
    if name == "least_rows":
        whole = isinstance(value, int) and not isinstance(value, bool)
        _expect(whole and 1 <= value <= _MOST_ROWS, place, f"a whole number from 1 to {_MOST_ROWS}")
        return int(value)
    low, high = _RANGES[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    _expect(number and low <= value <= high, place, f"a number from {low:g} to {high:g}")
    return float(value)


def _check_order(limits: Limits, place: str) -> None:
    for warn, critical in _ORDERED:
        least, most = getattr(limits, warn), getattr(limits, critical)
        _expect(least <= most, f"{place}.{warn}", f"no more than {critical}, which is {most:g}")


def _expect(holds: bool, place: str, expected: str) -> None:
    if not holds:
        raise InvalidLimits(place, expected)
