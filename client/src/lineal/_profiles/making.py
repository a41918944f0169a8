"""`lineal.profile`: one pass over the rows, and a second over some columns where a table pins its own histograms."""

from collections.abc import Callable
from typing import Any, Literal

from lineal._profiles.document import Profile
from lineal._profiles.needed import require
from lineal._profiles.reference import Reference


def profile(
    table: Any,
    reference: Reference | None = None,
    privacy: Literal["standard", "strict"] = "standard",
    *,
    predictions: Any = None,
    labels: Any = None,
    scores: Any = None,
    embeddings: Any = None,
    key: bytes | None = None,
    label_column: str | None = None,
    task: Literal["classification", "regression"] | None = None,
    on_rows: Callable[[int], object] | None = None,
) -> Profile:
    """What a table holds, without its rows: counts, moments, sketches and histograms of each column (docs/profiles.md).

    Takes what `lineal.digest.frame` takes, an iterator of such tables, or paths and addresses of Parquet and CSV files, which are read in
    blocks: memory stays flat. About 8 million cells a second.

    `reference` fixes what histograms count over, so that profiles can be compared exactly; without one, a table that can be read twice pins
    its own. `privacy="strict"` leaves out every value. `key`, 16 bytes, keys the hashes; by default the reference's.

    `predictions`, `labels` and `scores` are columns of the table by name, or arrays beside it; where labels are missing they are not known
    yet. Scores are probabilities: of class 1 of 0 and 1, or by class. `embeddings` are columns of lists by name, or arrays by name. `task`
    says whether classes or numbers are predicted, where that cannot be seen from them. `label_column` names the label of training data.

    `on_rows` is told the number of rows of each block that was read.

    Raises:
        TypeError: not a table, or an array that cannot be read.
        ValueError: equal column names, different lengths, a named column that is not there, scores that are no probabilities.
        OSError: a file cannot be read.
        ImportError: numpy or pyarrow is not installed.
    """
    require("numpy", "pyarrow")
    from lineal._profiles import tables
    from lineal._profiles.plan import plan_of

    plan, extras = plan_of(
        predictions=predictions, labels=labels, scores=scores, embeddings=embeddings, label_column=label_column
    )
    options = tables.options_of(plan, reference, privacy, key, task)
    return tables.build(tables.source_with(table, extras), options, on_rows)


def late_labels(
    predictions: Any,
    labels: Any,
    scores: Any = None,
    *,
    reference: Reference | None = None,
    privacy: str = "standard",
    key: bytes | None = None,
    task: str | None = None,
) -> Profile:
    """The part that outcomes add to predictions which were profiled before: performance without rows, to be merged. Raises as `profile`."""
    require("numpy", "pyarrow")
    from lineal._profiles import tables
    from lineal._profiles.plan import plan_of

    plan, extras = plan_of(predictions=predictions, labels=labels, scores=scores, embeddings=None, label_column=None)
    options = tables.options_of(plan, reference, privacy, key, task, late=True)
    return tables.build(tables.source_with(None, extras), options)
