"""From laid-out rows to one profile for each window, counted over the reference that the server handed out."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from lineal._errors import IncompatibleProfiles
from lineal._monitors.contract import Contract
from lineal._monitors.layout import Laid, OnBad, Salvage, lay_out
from lineal._monitors.snapshots import Observation
from lineal._profiles import tables
from lineal._profiles.document import Profile
from lineal._profiles.plan import Plan
from lineal._profiles.sources import StreamSource


@dataclass(frozen=True)
class WindowProfile:
    """What one flush knows of one window. `rows` counts late outcomes too, which `profile.rows` does not."""

    start: int
    profile: Profile
    rows: int


class Profiler:
    """Remembers whether classes or numbers are predicted, because all parts of a window have to agree on that."""

    def __init__(self, task: str | None, on_bad: OnBad) -> None:
        self._task = task
        self._seen: str | None = None
        self._on_bad = on_bad

    def profiles(
        self, observations: Sequence[Observation], contract: Contract, privacy: str
    ) -> Iterator[WindowProfile]:
        """A profile for each window that the observations fall into."""
        salvage = Salvage(self._on_bad)
        by_window: dict[int, list[Laid]] = defaultdict(list)
        for laid in lay_out(observations, contract.window_s, salvage):
            by_window[laid.start].append(laid)
        for start in sorted(by_window):
            found: WindowProfile | None = None
            for plan, late, group in _of_one_plan(by_window[start]):
                task = self._task or self._expected(contract, plan)
                options = tables.options_of(plan, contract.reference, privacy, None, task, late=late)
                attempt = partial(self._built, start, options)
                for made in salvage.results(group, attempt, _divided, _rows):
                    found = made if found is None else self._merged(found, made)
            if found is not None:
                yield found

    def _expected(self, contract: Contract, plan: Plan) -> str | None:
        """Classes are looked for in each part anew, so that numbers which come later are not taken for classes."""
        return "regression" if self._seen == "regression" else task_of(contract, plan)

    def _built(self, start: int, options: tables.Options, group: Sequence[pa.Table]) -> WindowProfile:
        profile = tables.build(StreamSource(group), options)
        kind = profile.performance.kind if profile.performance is not None else None
        if kind is not None and self._seen not in (None, kind):
            raise ValueError(
                f"predictions look like a {kind}, and like a {self._seen} before: say which, as task={kind!r}"
            )
        self._seen = self._seen or kind
        return WindowProfile(start, profile, _rows(group))

    def _merged(self, one: WindowProfile, two: WindowProfile) -> WindowProfile:
        try:
            return WindowProfile(one.start, one.profile.merge(two.profile), one.rows + two.rows)
        except IncompatibleProfiles as exc:
            self._on_bad(two.rows, exc)
            return one


def task_of(contract: Contract, plan: Plan) -> str | None:
    """What the baseline's label, or its column of predictions, says about the sort of what is predicted; None if nothing."""
    columns = contract.reference.columns if contract.reference is not None else {}
    told = [column for name, column in columns.items() if column.role == "label" or name == plan.prediction]
    if any(column.pin.kind == "bins" for column in told):
        return None if plan.scores else "regression"
    return "classification" if any(column.family in ("text", "bool") for column in told) else None


def _of_one_plan(laid: Sequence[Laid]) -> list[tuple[Plan, bool, list[pa.Table]]]:
    groups: dict[tuple[str, bool], tuple[Plan, bool, list[pa.Table]]] = {}
    for each in laid:
        groups.setdefault((repr(each.plan), each.late), (each.plan, each.late, []))[2].append(each.table)
    return list(groups.values())


def _rows(group: Sequence[pa.Table]) -> int:
    return sum(table.num_rows for table in group)


def _divided(group: list[pa.Table]) -> list[list[pa.Table]]:
    if len(group) == 1:
        middle = group[0].num_rows // 2
        return [[group[0].slice(0, middle)], [group[0].slice(middle)]] if middle else []
    middle = len(group) // 2
    return [group[:middle], group[middle:]]
