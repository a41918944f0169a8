"""Performance, built block by block from columns of predictions, labels and scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lineal._profiles import arrow
from lineal._profiles.columns import FAMILIES
from lineal._profiles.hashing import hash_texts, hex_of
from lineal._profiles.performance import MOST_CLASSES, SCORE_BINS, Classification, Performance, Regression, Scores

LEAST_PROBABILITY = 1e-15  # what the logarithm is taken of for a class that was thought impossible
FEW_NUMBERS = 64  # so many distinct whole numbers at most are taken for classes
ROUNDING = 1e-6  # by so much a score in single precision may leave [0, 1]

Codes = NDArray[np.int64]
Doubles = NDArray[np.float64]


def class_text(value: Any) -> str | None:
    """A class as text: bools as 0 and 1, whole numbers without a point; None for what is missing."""
    if value is None or value != value:  # noqa: PLR0124 - NaN alone is not itself
        return None
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def looks_like_classes(columns: Sequence[pa.ChunkedArray]) -> bool:
    """Texts and bools are classes; numbers are if they are whole and few."""
    seen: set[float] = set()
    for column in columns:
        kind = arrow.kind_or_other("", column.type)
        if FAMILIES[kind.tag] in ("text", "bool"):
            return True
        if FAMILIES[kind.tag] == "number":
            values = np.unique(arrow.doubles(arrow.values_of("", column, kind), kind.tag))
            seen.update(values[~np.isnan(values)][: FEW_NUMBERS + 1].tolist())
    return len(seen) <= FEW_NUMBERS and all(value.is_integer() for value in seen)


class ClassificationBuilder:
    """Counts pairs of label and prediction. `late` labels belong to predictions that were counted before."""

    def __init__(self, scored_classes: Sequence[str], *, late: bool) -> None:
        self._late = late
        self._places: dict[str, int] = {}
        self._confusion = np.zeros((0, 0), np.int64)
        self._scores = {name: Scores.empty() for name in scored_classes}
        self._predicted = self._labelled = self._scored = 0
        self._log_loss = 0.0
        self._register(scored_classes)

    def add(self, predictions: pa.ChunkedArray, labels: pa.ChunkedArray | None, scores: Mapping[str, Doubles]) -> None:
        predicted = self._codes(predictions)
        actual = self._codes(labels) if labels is not None else np.full(len(predicted), -1)
        known = (predicted >= 0) & (actual >= 0)
        self._predicted += 0 if self._late else int((predicted >= 0).sum())
        self._labelled += int(known.sum())
        np.add.at(self._confusion, (actual[known], predicted[known]), 1)
        for name, of_class in scores.items():
            self._count(name, of_class, known, actual == self._places[name])
        if scores:
            self._add_loss(scores, known, actual)

    def _codes(self, column: pa.ChunkedArray) -> Codes:
        """The class of each row by its place, -1 where it is missing."""
        encoded = arrow.decoded("", column).combine_chunks().dictionary_encode()
        texts = [class_text(value) for value in encoded.dictionary.to_pylist()]
        self._register([text for text in texts if text is not None])
        places = np.array([*(-1 if text is None else self._places[text] for text in texts), -1], np.int64)
        rows: Codes = places[encoded.indices.fill_null(len(texts)).to_numpy()]
        return rows

    def _register(self, names: Sequence[str]) -> None:
        for name in names:
            self._places.setdefault(name, len(self._places))
        more = len(self._places) - len(self._confusion)
        if len(self._places) > MOST_CLASSES:
            raise ValueError(
                f"predictions and labels have more than {MOST_CLASSES} classes: are they numbers (task='regression')?"
            )
        self._confusion = np.pad(self._confusion, (0, more))

    def _count(self, name: str, scores: Doubles, known: NDArray[np.bool_], hit: NDArray[np.bool_]) -> None:
        scored = ~np.isnan(scores)
        bins = np.minimum(np.where(scored, scores, 0.0) * SCORE_BINS, SCORE_BINS - 1).astype(np.int64)
        everything = scored & (not self._late)
        parts = (_binned(bins[rows]) for rows in (everything, scored & known & hit, scored & known & ~hit))
        self._scores[name] = self._scores[name].merged(Scores(*parts))

    def _add_loss(self, scores: Mapping[str, Doubles], known: NDArray[np.bool_], actual: Codes) -> None:
        rest = 1.0 - sum(scores.values()) if len(scores) == 1 else 0.0  # one score of two classes says the other
        probability = np.broadcast_to(rest, actual.shape).copy()
        for name, of_class in scores.items():
            mine = actual == self._places[name]
            probability[mine] = of_class[mine]
        rows = known & ~np.isnan(sum(scores.values()))
        self._scored += int(rows.sum())
        self._log_loss -= float(np.log(np.clip(probability[rows], LEAST_PROBABILITY, 1.0)).sum())

    def result(self, key: bytes | None) -> Classification:
        """With a key, classes are told by their hashes."""
        names = sorted(self._places)
        kept = names[1:] if len(names) == 2 and len(self._scores) == 2 else list(self._scores)
        shown = _hashed(names, key) if key is not None else dict(zip(names, names, strict=True))
        order = [self._places[name] for name in sorted(names, key=shown.__getitem__)]
        return Classification(
            self._predicted,
            self._labelled,
            tuple(sorted(shown.values())),
            self._confusion[np.ix_(order, order)],
            self._log_loss,
            self._scored,
            {shown[name]: self._scores[name] for name in kept},
        )


def _hashed(names: Sequence[str], key: bytes) -> dict[str, str]:
    hashes = hash_texts((name.encode() for name in names), key)
    return {name: hex_of(int(value)) for name, value in zip(names, hashes, strict=True)}


def _binned(bins: Codes) -> Codes:
    return np.bincount(bins, minlength=SCORE_BINS).astype(np.int64)


class RegressionBuilder:
    """Adds up errors of rows whose prediction and label are both finite."""

    def __init__(self, *, late: bool) -> None:
        self._late = late
        self._predicted = self._labelled = 0
        self._sums = np.zeros(5)

    def add(self, predictions: pa.ChunkedArray, labels: pa.ChunkedArray | None, scores: Mapping[str, Doubles]) -> None:
        predicted = arrow.doubles_or_nan("predictions", predictions)
        self._predicted += 0 if self._late else int((~np.isnan(predicted)).sum())
        if labels is None:
            return
        actual = arrow.doubles_or_nan("labels", labels)
        known = np.isfinite(predicted) & np.isfinite(actual)
        actual, error = actual[known], predicted[known] - actual[known]
        self._labelled += len(error)
        with np.errstate(over="ignore"):
            parts = (error, np.abs(error), np.square(error), actual, np.square(actual))
            self._sums += [float(part.sum()) for part in parts]

    def result(self, key: bytes | None) -> Regression:
        return Regression(self._predicted, self._labelled, *(float(total) for total in self._sums))


class PerformanceBuilder:
    """Finds out from the first rows whether classes or numbers are predicted, unless `task` says so."""

    def __init__(self, task: str | None, scored_classes: Sequence[str], *, late: bool = False) -> None:
        if task not in (None, "classification", "regression"):
            raise ValueError(f"task is {task!r}: 'classification' or 'regression' are expected")
        if task == "regression" and scored_classes:
            raise ValueError("scores are of classes: a regression has none")
        self._task = "classification" if scored_classes else task
        self._scored_classes = scored_classes
        self._late = late
        self._builder: ClassificationBuilder | RegressionBuilder | None = None

    def add(
        self, predictions: pa.ChunkedArray, labels: pa.ChunkedArray | None, scores: Mapping[str, pa.ChunkedArray]
    ) -> None:
        if self._builder is None:
            self._builder = self._begin([column for column in (predictions, labels) if column is not None])
        self._builder.add(predictions, labels, {name: _probabilities(name, column) for name, column in scores.items()})

    def _begin(self, columns: list[pa.ChunkedArray]) -> ClassificationBuilder | RegressionBuilder:
        if self._task == "classification" or (self._task is None and looks_like_classes(columns)):
            return ClassificationBuilder(self._scored_classes, late=self._late)
        return RegressionBuilder(late=self._late)

    def result(self, key: bytes | None) -> Performance | None:
        """None if there were no rows."""
        return self._builder.result(key) if self._builder is not None else None


def _probabilities(name: str, column: pa.ChunkedArray) -> Doubles:
    scores = arrow.doubles_or_nan(f"scores of {name}", column)
    outside = (scores < -ROUNDING) | (scores > 1 + ROUNDING)
    if outside.any():
        raise ValueError(
            f"scores of class {name!r} are probabilities between 0 and 1, and one is {scores[outside][0]:g}"
        )
    return np.clip(scores, 0.0, 1.0)
