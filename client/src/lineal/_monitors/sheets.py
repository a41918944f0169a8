"""Observations in one form, so that thousands of small ones become a few tables: rows of one sort beside columns of one sort."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lineal._monitors.snapshots import Given, Observation, is_scalar
from lineal._profiles.plan import Plan, embeddings_by_name, plan_of, scores_by_class
from lineal.digest._sources import is_from, table_of

SMALL_ROWS = 5_000  # larger tables are not worth copying together

Beside = dict[tuple[str, str], Any]


@dataclass(frozen=True)
class Sheet:
    """A list of dicts, a table, or None, and beside it columns (or names of columns) by what they are for and their name."""

    batch: Any
    beside: Beside
    rows: int

    @property
    def sort(self) -> Hashable:
        """Sheets of one sort can be joined."""
        given = tuple(sorted((key, each if isinstance(each, str) else None) for key, each in self.beside.items()))
        return given, _sort_of(self.batch) if self.rows <= SMALL_ROWS else id(self)

    def laid_out(self) -> tuple[Plan, pa.Table]:
        """As a table, and what its columns are for.

        Raises:
            TypeError, ValueError: a column that cannot be read, lengths that differ, a name that is not there.
        """
        plan, extras = plan_of(
            predictions=self.beside.get(("predictions", "")),
            labels=self.beside.get(("labels", "")),
            scores=self._named("scores") or None,
            embeddings=self._named("embeddings") or None,
            label_column=None,
        )
        table = _table_of_rows(self.batch) if isinstance(self.batch, list) else self.batch
        table = extras.added_to(None if table is None else table_of(table))
        plan.check(table.column_names)
        return plan, table

    def _named(self, what: str) -> dict[str, Any]:
        return {name: each for (kind, name), each in self.beside.items() if kind == what}

    def divided(self) -> "list[Sheet]":
        """Rows by the types of their values, where they differ; else in two halves, as far as there are any."""
        if not isinstance(self.batch, list) or self.rows < 2:
            return []
        by_type: dict[Hashable, list[int]] = defaultdict(list)
        for at, row in enumerate(self.batch):
            by_type[tuple(sorted((str(name), _family(value)) for name, value in row.items()))].append(at)
        middle = self.rows // 2
        groups = list(by_type.values()) if len(by_type) > 1 else [list(range(middle)), list(range(middle, self.rows))]
        return [self._picked(group) for group in groups]

    def _picked(self, places: Sequence[int]) -> "Sheet":
        beside = {
            key: each if isinstance(each, str) else [each[at] for at in places] for key, each in self.beside.items()
        }
        return Sheet([self.batch[at] for at in places], beside, len(places))


def _family(value: Any) -> str:
    """Whole numbers and others go into one column, and so does what is missing."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return "number" if value is not None else ""
    return type(value).__name__


def _table_of_rows(rows: Sequence[Mapping[Any, Any]]) -> Any:
    names = dict.fromkeys(name for row in rows for name in row)
    return table_of({name: [_plain(row.get(name)) for row in rows] for name in names}) if names else None


def _plain(value: Any) -> Any:
    """An array without dimensions as the value that it holds."""
    return value.item() if is_from(value, "numpy", "ndarray") and value.ndim == 0 else value


def sheet_of(observation: Observation) -> Sheet:
    """Raises TypeError or ValueError: scores or embeddings of a shape that they cannot have."""
    given = _lifted(observation) if observation.single else observation.given
    beside: Beside = {}
    if given.predictions is not None:
        beside["predictions", ""] = given.predictions
    if given.labels is not None:
        beside["labels", ""] = given.labels
    beside |= {("scores", name): each for name, each in scores_by_class(given.scores).items()}
    beside |= {("embeddings", name): each for name, each in embeddings_by_name(given.embeddings).items()}
    for (what, name), each in beside.items():
        if not isinstance(each, str) and len(each) != observation.rows:
            raise ValueError(f"{what}{f' of {name}' if name else ''}: {len(each)} rows beside {observation.rows}")
    return Sheet(observation.batch, beside, observation.rows)


def _lifted(observation: Observation) -> Given:
    """What was given of one row, as columns of one row."""
    row = observation.batch[0] if observation.batch else {}
    given = observation.given
    return Given(
        _one(given.predictions, row),
        _one(given.labels, row),
        _each(given.scores, lambda score: _one_score(score, row)),
        _each(given.embeddings, lambda vector: _one_vector(vector, row)),
    )


def _each(given: Any, lift: Callable[[Any], Any]) -> Any:
    return {name: lift(each) for name, each in given.items()} if isinstance(given, Mapping) else lift(given)


def _one(value: Any, row: Mapping[Any, Any]) -> Any:
    """A text is the name of a column, if the row has such a one, else the value."""
    if value is None or (isinstance(value, str) and value in row):
        return value
    return [_plain(value)] if is_scalar(value) else value


def _one_score(score: Any, row: Mapping[Any, Any]) -> Any:
    """Several scores of one row are those of classes 0, 1, 2 and so on."""
    if score is None or isinstance(score, str) or is_scalar(score):
        return _one(score, row)
    array = np.asarray(score)
    return array.reshape(1, -1) if array.ndim == 1 and len(array) > 1 else score


def _one_vector(vector: Any, row: Mapping[Any, Any]) -> Any:
    if vector is None or isinstance(vector, str) or (len(vector) and isinstance(vector[0], str)):
        return vector
    return [vector] if is_scalar(vector[0]) else vector


def joined(sheets: Sequence[Sheet]) -> Sheet:
    """Sheets of one sort as one."""
    if len(sheets) == 1:
        return sheets[0]
    beside = {
        key: each if isinstance(each, str) else _joined_column([sheet.beside[key] for sheet in sheets])
        for key, each in sheets[0].beside.items()
    }
    return Sheet(_joined_batch([sheet.batch for sheet in sheets]), beside, sum(sheet.rows for sheet in sheets))


def _joined_column(parts: Sequence[Any]) -> Any:
    if all(is_from(part, "numpy", "ndarray") for part in parts) and len({(p.dtype, p.shape[1:]) for p in parts}) == 1:
        return np.concatenate(parts)
    return list(itertools.chain.from_iterable(map(_values, parts)))


def _values(part: Any) -> Iterable[Any]:
    """In Python's own types, where the container has a way to say so."""
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(part, name):
            return getattr(part, name)()  # type: ignore[no-any-return]
    return part  # type: ignore[no-any-return]


def _sort_of(batch: Any) -> Hashable:
    """What tables must have in common to be joined by their own library; others are joined with none."""
    if batch is None or isinstance(batch, list):
        return "rows" if batch is not None else "none"
    if is_from(batch, "pandas", "DataFrame"):
        return "pandas", tuple(batch.columns), tuple(map(str, batch.dtypes))
    if is_from(batch, "polars", "DataFrame"):
        return "polars", tuple(batch.schema.items())
    if is_from(batch, "numpy", "ndarray"):
        return "numpy", str(batch.dtype), batch.shape[1:]
    if is_from(batch, "pyarrow", "Table"):
        return "pyarrow", str(batch.schema)
    return id(batch)


def _joined_batch(batches: Sequence[Any]) -> Any:
    first = batches[0]
    if first is None:
        return None
    if isinstance(first, list):
        return list(itertools.chain.from_iterable(batches))
    if is_from(first, "pandas", "DataFrame"):
        import pandas as pd

        return pd.concat(batches, ignore_index=True)
    if is_from(first, "polars", "DataFrame"):
        import polars as pl

        return pl.concat(batches)
    if is_from(first, "numpy", "ndarray"):
        return np.concatenate(batches)
    return pa.concat_tables(batches)
