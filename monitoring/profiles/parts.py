"""The parts of a profile in memory: what statistics read, and what merges. Everything here has been checked or was merged from what was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.hashing import Hashes
from monitoring.profiles.kll import Floats, Integers, Kll

Privacy = Literal["standard", "strict"]
Role = Literal["feature", "prediction", "label"]
Family = Literal["number", "bool", "text", "time", "null", "other"]
Value = float | str

FAMILY_OF: Mapping[str, Family] = {
    **dict.fromkeys(("i64", "u64", "f64", "dec"), "number"),
    "bool": "bool",
    **dict.fromkeys(("utf8", "bin"), "text"),
    **dict.fromkeys(("ts", "ts_utc", "date", "time", "dur"), "time"),
    "null": "null",
    "other": "other",
}
ORDERED = frozenset({"number", "bool", "time"})  # families with moments and a quantile sketch
KLL_K = 400
KMV_SIZE = 1024
MOST_VALUES = 256
MOST_CELLS = 64
MOST_EDGES = 9
LONGEST_VALUE = 256  # characters; longer texts are cut where values stand in the clear
SCORE_BINS = 1000
FREQUENCIES = 256  # of an embedding's random Fourier features


@dataclass(frozen=True, slots=True)
class ValueCounts:
    """Counts of values (or of their hashes, as 16 hex digits), greatest first. `other` rows have other values."""

    items: tuple[tuple[Value, int], ...]
    other: int
    error: int

    @property
    def is_complete(self) -> bool:
        """Every value stands in `items`, with its exact count."""
        return self.other == 0


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts over the cells of a reference. `edges` or `hashes` are known only where the profile pinned its own cells."""

    kind: Literal["bins", "cells"]
    id: str
    counts: Integers
    edges: Floats | None = None
    hashes: Hashes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ColumnProfile:
    """One column. Numbers, bools and times are doubles here: times as nanoseconds (days for dates), bools as 0 and 1."""

    type: str
    family: Family
    role: Role
    n: int
    nulls: int
    nan: int = 0
    pos_inf: int = 0
    neg_inf: int = 0
    zeros: int = 0
    mean: float | None = None
    m2: float | None = None
    min: float | None = None
    max: float | None = None
    values: ValueCounts | None = None
    hashes: ValueCounts | None = None
    kll: Kll | None = None
    kmv: Hashes | None = None
    hist: Histogram | None = None

    @property
    def missing(self) -> int:
        """Rows without a value: nulls, and floats that are not numbers."""
        return self.nulls + self.nan

    @property
    def present(self) -> int:
        return self.n - self.missing

    @property
    def finite(self) -> int:
        """Rows that the moments are over (of an ordered family)."""
        return self.present - self.pos_inf - self.neg_inf

    @property
    def counted(self) -> ValueCounts | None:
        """The value counts, in the clear or as hashes."""
        return self.values if self.values is not None else self.hashes

    @property
    def distinct(self) -> int | None:
        """How many different values: exact below 1,024, an estimate with 3.1 % standard error above (Bar-Yossef et al., 2002)."""
        if self.kmv is None:
            return None
        if len(self.kmv) < KMV_SIZE:
            return len(self.kmv)
        return round((KMV_SIZE - 1) * 2.0**64 / float(self.kmv[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One class's scores in 1,000 equal bins of [0, 1]: of all predictions, of labelled rows of the class, and of the others."""

    all: Integers
    hit: Integers
    miss: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """`confusion[i, j]`: rows of class i that were predicted as class j. `log_loss` is a sum, in nats, over `scored` rows."""

    predicted: int
    labelled: int
    classes: tuple[str, ...]
    confusion: Integers
    log_loss: float
    scored: int
    scores: Mapping[str, Scores]


@dataclass(frozen=True, slots=True)
class Regression:
    """Sums over labelled rows of prediction - y (`error`), its size and square, and of y and its square; in the target's unit."""

    predicted: int
    labelled: int
    error: float
    absolute: float
    squared: float
    y: float
    y2: float


Performance = Classification | Regression


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Sums over `n` rows of the cosines and sines of 256 random projections."""

    dim: int
    seed: int
    sigma: float
    n: int
    cos: NDArray[np.float64]
    sin: NDArray[np.float64]
