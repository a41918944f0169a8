"""What each column of the rows is for: features, predictions, labels, scores and embeddings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lineal._profiles.arrow import doubles_or_nan
from lineal._profiles.outcomes import class_text
from lineal.digest._sources import column_of, table_of

SIDE = "\0"  # begins the names of columns that are no columns of the profile


@dataclass(frozen=True)
class Plan:
    """Names of columns. `scores` is by class, `embeddings` by the embedding's name."""

    prediction: str | None = None
    label: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    embeddings: Mapping[str, str] = field(default_factory=dict)

    def role(self, name: str) -> str | None:
        """A column's role; None for what has no place among the columns."""
        if name.startswith(SIDE):
            return None
        if name == self.prediction or name in self.scores.values():
            return "prediction"
        return "label" if name == self.label else "feature"

    def check(self, names: list[str]) -> None:
        """Raises ValueError: a column that was named is not there."""
        wanted = [self.prediction, self.label, *self.scores.values(), *self.embeddings.values()]
        for name in wanted:
            if name is not None and name not in names:
                raise ValueError(f"there is no column {name!r}, only {', '.join(map(repr, names[:20]))}")


@dataclass
class Extras:
    """Arrays that were given beside the table, as columns to be added to it."""

    columns: dict[str, Any] = field(default_factory=dict)

    def named(self, what: str, given: Any, name: str) -> str:
        """The column that `given` names, or, of an array, the one it becomes."""
        if isinstance(given, str):
            return given
        self.columns[name] = column_of(what, given, pa)
        return name

    def added_to(self, table: pa.Table | None) -> pa.Table:
        """The table with them; without a table, they alone.

        Raises:
            ValueError: another length, or a name that the table has already.
        """
        rows = len(next(iter(self.columns.values()))) if table is None else table.num_rows
        for name, column in self.columns.items():
            if len(column) != rows:
                raise ValueError(f"{_shown(name)}: {len(column)} rows beside {rows}")
            if table is not None and name in table.column_names:
                raise ValueError(f"the table has a column {name!r} already: name it instead of giving an array")
        if table is None:
            return pa.table(self.columns)
        for name, column in self.columns.items():
            table = table.append_column(name, column)
        return table


def _shown(name: str) -> str:
    return name.removeprefix(SIDE).replace(SIDE, " ")


def plan_of(
    *, predictions: Any, labels: Any, scores: Any, embeddings: Any, label_column: str | None
) -> tuple[Plan, Extras]:
    """What the arguments of `lineal.profile` mean.

    Raises:
        TypeError: an array that cannot be read.
        ValueError: labels are given twice, or an array of another shape than expected.
    """
    if isinstance(labels, str) and label_column not in (None, labels):
        raise ValueError(f"labels are in {labels!r} or in {label_column!r}: name one")
    extras = Extras()
    plan = Plan(
        prediction=extras.named("predictions", predictions, "prediction") if predictions is not None else None,
        label=extras.named("labels", labels, label_column or "label") if labels is not None else label_column,
        scores={
            name: extras.named(f"scores of {name}", each, f"{SIDE}scores{SIDE}{name}")
            for name, each in scores_by_class(scores).items()
        },
        embeddings={
            name: extras.named(name, _as_lists(name, each), f"{SIDE}embedding{SIDE}{name}")
            for name, each in embeddings_by_name(embeddings).items()
        },
    )
    return plan, extras


def scores_by_class(given: Any) -> dict[str, Any]:
    """By class. One column is the score of class 1 of 0 and 1, columns without names those of classes 0, 1, 2 and so on."""
    if given is None:
        return {}
    if isinstance(given, str):
        return {"1": given}
    if isinstance(given, Mapping):
        return {str(class_text(name)): each for name, each in given.items()}
    if hasattr(given, "columns"):  # a frame or a table
        table = table_of(given)
        return dict(zip(table.column_names, table.columns, strict=True))
    array = np.asarray(given)
    if array.ndim == 1:
        return {"1": given}
    if array.ndim == 2:
        return {str(place): array[:, place] for place in range(array.shape[1])}
    raise ValueError(f"scores have {array.ndim} dimensions: one or two are expected")


def embeddings_by_name(given: Any) -> dict[str, Any]:
    """Columns of lists by name, or arrays of rows; one without a name is called `embedding`."""
    if given is None:
        return {}
    if isinstance(given, str):
        return {given: given}
    if isinstance(given, Mapping):
        return {str(name): each for name, each in given.items()}
    if isinstance(given, list | tuple) and given and all(isinstance(each, str) for each in given):
        return {name: name for name in given}
    return {"embedding": given}


def _as_lists(name: str, given: Any) -> Any:
    if isinstance(given, str):
        return given
    array = np.ascontiguousarray(given, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"embedding {name!r} has the shape {array.shape}: rows of numbers are expected")
    return pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), array.shape[1])


def rows_of_numbers(name: str, column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column of lists as an array, without the rows that are null.

    Raises:
        ValueError: no lists of numbers, or of different lengths.
    """
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise ValueError(f"embedding {name!r} is a column of {kind}: lists of numbers are expected")
    lists = column.drop_null().combine_chunks()
    if not len(lists):
        return np.empty((0, 1))
    lengths = pc.list_value_length(lists).unique()
    if len(lengths) != 1 or lengths[0].as_py() == 0:
        raise ValueError(f"embedding {name!r} has lists of different lengths: {lengths.to_pylist()[:5]}")
    return doubles_or_nan(f"embedding {name!r}", pa.chunked_array([lists.flatten()])).reshape(len(lists), -1)
