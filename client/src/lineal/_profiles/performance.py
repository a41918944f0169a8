"""How good predictions were: sums over the rows whose outcome is known, and scores by class."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineal._errors import IncompatibleProfiles
from lineal._profiles.members import LARGEST_COUNT, Member, unique, written

SCORE_BINS = 1_000
MOST_CLASSES = 256  # a matrix of more says nothing to anybody, and takes megabytes

Bins = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Counts over 1,000 equal bins of one class's score: of all predictions, of rows of the class, of rows of others."""

    all: Bins
    hit: Bins
    miss: Bins

    @classmethod
    def empty(cls) -> "Scores":
        return cls(*(np.zeros(SCORE_BINS, np.int64) for _ in range(3)))

    def merged(self, other: "Scores") -> "Scores":
        return Scores(self.all + other.all, self.hit + other.hit, self.miss + other.miss)

    def to_json(self) -> dict[str, str]:
        return {
            each.name: b64encode(getattr(self, each.name).astype("<u8").tobytes()).decode() for each in fields(self)
        }

    @classmethod
    def from_json(cls, member: Member) -> "Scores":
        found = member.members("all", "hit", "miss")
        return cls(_bins(found["all"]), _bins(found["hit"]), _bins(found["miss"]))


def _bins(member: Member) -> Bins:
    data = member.binary(most=8 * SCORE_BINS)
    if len(data) != 8 * SCORE_BINS:
        raise member.wrong(f"{len(data)} bytes are no {SCORE_BINS} counts")
    counts = np.frombuffer(data, "<u8")
    if (counts > LARGEST_COUNT).any():
        raise member.wrong("a count too large to be true")
    return counts.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Classification:
    """`confusion[i, j]` counts rows of `classes[i]` that were predicted as `classes[j]`."""

    predicted: int
    labelled: int
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    log_loss: float
    scored: int
    scores: Mapping[str, Scores]

    kind = "classification"

    def merged(self, other: "Classification") -> "Classification":
        classes = tuple(sorted({*self.classes, *other.classes}))
        names = sorted({*self.scores, *other.scores})
        return Classification(
            self.predicted + other.predicted,
            self.labelled + other.labelled,
            classes,
            _spread(self, classes) + _spread(other, classes),
            self.log_loss + other.log_loss,
            self.scored + other.scored,
            {name: _sum([part.scores[name] for part in (self, other) if name in part.scores]) for name in names},
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "predicted": self.predicted,
            "labelled": self.labelled,
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "log_loss": written(self.log_loss),
            "scored": self.scored,
            "scores": {name: scores.to_json() for name, scores in self.scores.items()},
        }


def _spread(part: Classification, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Its confusion matrix over more classes."""
    if len(classes) > MOST_CLASSES:
        raise IncompatibleProfiles(f"together they have {len(classes)} classes, at most {MOST_CLASSES} are counted")
    place = [classes.index(name) for name in part.classes]
    spread = np.zeros((len(classes), len(classes)), np.int64)
    spread[np.ix_(place, place)] = part.confusion
    return spread


def _sum(parts: list[Scores]) -> Scores:
    total = parts[0]
    for part in parts[1:]:
        total = total.merged(part)
    return total


@dataclass(frozen=True, eq=False)
class Regression:
    """Sums over labelled rows: of prediction - label, its size and its square, of labels and of their squares."""

    predicted: int
    labelled: int
    error: float
    absolute: float
    squared: float
    y: float
    y2: float

    kind = "regression"

    def merged(self, other: "Regression") -> "Regression":
        return Regression(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **{each.name: written(getattr(self, each.name)) for each in fields(self)}}


Performance = Classification | Regression


def merged(ours: Performance | None, theirs: Performance | None) -> Performance | None:
    """Raises IncompatibleProfiles: one is of classes, the other of numbers."""
    if ours is None or theirs is None:
        return ours or theirs
    if isinstance(ours, Classification) and isinstance(theirs, Classification):
        return ours.merged(theirs)
    if isinstance(ours, Regression) and isinstance(theirs, Regression):
        return ours.merged(theirs)
    raise IncompatibleProfiles(f"the performance of one is {ours.kind}, of the other {theirs.kind}")


def read_performance(member: Member) -> Performance:
    """Raises InvalidProfile, naming the member that is wrong."""
    kind = member.mapping().get("kind", Member(None, f"{member.place}.kind"))
    if kind.one_of("classification", "regression") == "regression":
        return _read_regression(member)
    return _read_classification(member)


def _read_regression(member: Member) -> Regression:
    sums = ("error", "absolute", "squared", "y", "y2")
    found = member.members("kind", "predicted", "labelled", *sums)
    for name in ("absolute", "squared", "y2"):
        if found[name].number() < 0:
            raise found[name].wrong("below 0")
    return Regression(found["predicted"].count(), found["labelled"].count(), *(found[name].number() for name in sums))


def _read_classification(member: Member) -> Classification:
    found = member.members("kind", "predicted", "labelled", "classes", "confusion", "log_loss", "scored", "scores")
    names = found["classes"].items(most=MOST_CLASSES)
    classes = tuple(name.text() for name in names)
    unique(names, iter(classes))
    if list(classes) != sorted(classes):
        raise found["classes"].wrong("not sorted")
    performance = Classification(
        found["predicted"].count(),
        found["labelled"].count(),
        classes,
        _read_confusion(found["confusion"], len(classes)),
        found["log_loss"].number(),
        found["scored"].count(),
        {name: Scores.from_json(scores) for name, scores in found["scores"].mapping().items()},
    )
    if int(performance.confusion.sum()) != performance.labelled:
        raise found["confusion"].wrong(f"it does not add up to {performance.labelled} labelled rows")
    if performance.log_loss < 0:
        raise found["log_loss"].wrong("below 0")
    strangers = set(performance.scores) - set(classes)
    if strangers:
        raise found["scores"].wrong(f"{min(strangers)!r} is none of the classes")
    return performance


def _read_confusion(member: Member, size: int) -> NDArray[np.int64]:
    rows = member.items(most=size)
    counts = [[count.count() for count in row.items(most=size)] for row in rows]
    if len(rows) != size or any(len(row) != size for row in counts):
        raise member.wrong(f"not {size} rows of {size} counts")
    return np.array(counts, np.int64).reshape(size, size)
