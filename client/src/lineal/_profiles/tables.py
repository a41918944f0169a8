"""A whole table's profile: a builder for each column, and for what was predicted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa

from lineal._profiles.building import ColumnBuilder, Setting, column_builder
from lineal._profiles.columns import ColumnProfile
from lineal._profiles.document import Profile
from lineal._profiles.embeddings import EmbeddingBuilder
from lineal._profiles.hashing import KEY_BYTES, PUBLIC_KEY, key_id
from lineal._profiles.histograms import CellCounts, Histogram
from lineal._profiles.merging import merge_columns
from lineal._profiles.outcomes import PerformanceBuilder
from lineal._profiles.pinning import pinned_columns
from lineal._profiles.plan import Extras, Plan, rows_of_numbers
from lineal._profiles.reference import PinnedColumn, Reference
from lineal._profiles.sources import Source, TableSource, source_of
from lineal.digest._sources import check_names

PRIVACIES = ("standard", "strict")

OnRows = Callable[[int], object]


@dataclass(frozen=True)
class Options:
    """How a profile is to be made. `late` labels belong to predictions that were profiled before."""

    plan: Plan
    reference: Reference | None = None
    privacy: str = "standard"
    key: bytes = PUBLIC_KEY
    task: str | None = None
    late: bool = False


def options_of(
    plan: Plan, reference: Reference | None, privacy: str, key: bytes | None, task: str | None, *, late: bool = False
) -> Options:
    """Raises ValueError or TypeError: an option that is none, or two that contradict each other."""
    if privacy not in PRIVACIES:
        raise ValueError(f"privacy is {privacy!r}: {' or '.join(map(repr, PRIVACIES))} are expected")
    if reference is not None and not isinstance(reference, Reference):
        raise TypeError(f"reference is a {type(reference).__qualname__}: a lineal.Reference is expected")
    if key is not None and (not isinstance(key, bytes) or len(key) != KEY_BYTES):
        raise ValueError(f"a key is {KEY_BYTES} bytes")
    if key is not None and reference is not None and key != reference.key:
        raise ValueError("the reference has another key: leave the key out")
    chosen = reference.key if reference is not None else key
    return Options(plan, reference, privacy, chosen or PUBLIC_KEY, task, late)


def source_with(table: Any, extras: Extras) -> Source:
    """The rows of `table`, with the arrays beside it as columns.

    Raises:
        TypeError: arrays beside something that is read in pieces.
    """
    if table is None:
        if not extras.columns:
            raise TypeError("there is nothing to profile: no table and no predictions")
        return TableSource(extras.added_to(None))
    source = source_of(table)
    if not extras.columns:
        return source
    if not isinstance(source, TableSource):
        raise TypeError("arrays go with a table in memory: for a stream or files, name columns of it")
    return TableSource(extras.added_to(source.table))


def build(source: Source, options: Options, on_rows: OnRows | None = None) -> Profile:
    """One pass; and another over the columns that need it, where the source can be read again and nothing is pinned yet."""
    builder = TableBuilder(options)
    for stretch in source.stretches():
        builder.begin(stretch.schema)
        for block in stretch.blocks:
            builder.add(block)
            if on_rows is not None:
                on_rows(block.num_rows)
    profile = builder.result()
    if options.reference is not None or not source.again:
        return profile
    pinned = pinned_columns(profile.columns, options.key)
    counts = builder.counts_over(pinned, source)
    columns = {
        name: replace(column, hist=Histogram.over(pinned[name].pin, counts[name], own=True))
        if name in pinned
        else column
        for name, column in profile.columns.items()
    }
    return replace(profile, columns=columns)


class TableBuilder:
    """Takes in blocks of rows. Where a column's type changes on the way, it is profiled in parts that are merged."""

    def __init__(self, options: Options) -> None:
        plan = options.plan
        self._options = options
        self._setting = Setting(options.key, options.privacy == "strict")
        self._rows = 0
        self._columns: dict[str, list[ColumnBuilder]] = {}
        self._performance = PerformanceBuilder(_task(options), list(plan.scores), late=options.late)
        known = options.reference.embeddings if options.reference is not None else {}
        self._embeddings = {name: EmbeddingBuilder(name, known.get(name)) for name in plan.embeddings}

    def begin(self, schema: pa.Schema) -> None:
        """Blocks of this schema follow. Raises ValueError: names twice, or one that the plan needs is missing."""
        check_names(schema.names)
        self._options.plan.check(schema.names)
        for column in schema:
            role = None if self._options.late else self._options.plan.role(column.name)
            parts = self._columns.get(column.name, [])
            if role is not None and (not parts or parts[-1].arrow_type != column.type):
                builder = column_builder(column.name, column.type, role, self._setting, self._pinned(column.name))
                self._columns[column.name] = [*parts, builder]

    def _pinned(self, name: str) -> PinnedColumn | None:
        return self._options.reference.columns.get(name) if self._options.reference is not None else None

    def add(self, block: pa.Table) -> None:
        """Take in one block."""
        self._rows += 0 if self._options.late else block.num_rows
        for name in block.column_names:
            if name in self._columns:
                self._columns[name][-1].add(block.column(name))
        plan = self._options.plan
        if plan.prediction is not None:
            self._performance.add(
                block.column(plan.prediction),
                block.column(plan.label) if plan.label is not None else None,
                {name: block.column(column) for name, column in plan.scores.items()},
            )
        for name, column in plan.embeddings.items():
            self._embeddings[name].add(rows_of_numbers(name, block.column(column)))

    def result(self) -> Profile:
        """The profile of all that was taken in."""
        options = self._options
        embeddings = {name: builder.result() for name, builder in self._embeddings.items()}
        return Profile(
            privacy=options.privacy,
            key=key_id(options.key),
            rows=self._rows,
            columns={name: _column(parts) for name, parts in self._columns.items()},
            performance=self._performance.result(options.key if self._setting.strict else None),
            embeddings={name: found for name, found in embeddings.items() if found is not None},
            secret=options.key,
        )

    def counts_over(self, pinned: dict[str, PinnedColumn], source: Source) -> dict[str, CellCounts]:
        """Every column over its pin; those whose builder has lost track are read again."""
        counts = {
            name: [part.counts_over(column.pin) for part in self._columns[name]] for name, column in pinned.items()
        }
        again = [name for name, parts in counts.items() if any(part is None for part in parts)]
        found = {
            name: np.sum([part for part in parts if part is not None], axis=0)
            for name, parts in counts.items()
            if name not in again
        }
        return found | (self._read_again(again, pinned, source) if again else {})

    def _read_again(self, names: list[str], pinned: dict[str, PinnedColumn], source: Source) -> dict[str, CellCounts]:
        found = {name: np.zeros(pinned[name].pin.size, np.int64) for name in names}
        for stretch in source.stretches(names):
            here = [name for name in names if name in stretch.schema.names]
            builders = {
                name: column_builder(name, stretch.schema.field(name).type, "feature", self._setting) for name in here
            }
            for block in stretch.blocks:
                for name, builder in builders.items():
                    found[name] += builder.block_over(block.column(name), pinned[name].pin)
        return found


def _task(options: Options) -> str | None:
    """Whether classes or numbers are predicted, as far as that was said: a reference that counts predictions in bins is of numbers."""
    if options.task is not None or options.plan.scores or options.reference is None:
        return options.task
    pinned = options.reference.columns.get(options.plan.prediction or "")
    return "regression" if pinned is not None and pinned.pin.kind == "bins" else None


def _column(parts: list[ColumnBuilder]) -> ColumnProfile:
    return reduce(merge_columns, (part.result() for part in parts))
