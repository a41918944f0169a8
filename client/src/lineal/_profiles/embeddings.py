"""Embeddings as sums of random Fourier features (Rahimi and Recht, 2007): enough to tell two sets of them apart."""

from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineal._profiles.members import Member
from lineal._profiles.reference import Projection

FEATURES = 256
SEED = 7
ROWS_OF_SIGMA = 1_000
_AT_ONCE = 4_096  # rows whose features are in memory together: 8 MB


@dataclass(frozen=True, eq=False)
class Embedding:
    """Sums over `n` rows of the cosines and the sines of 256 random directions."""

    projection: Projection
    n: int
    cos: NDArray[np.float64]
    sin: NDArray[np.float64]

    @classmethod
    def empty(cls, projection: Projection) -> "Embedding":
        return cls(projection, 0, np.zeros(FEATURES), np.zeros(FEATURES))

    def merged(self, other: "Embedding") -> "Embedding | None":
        """The sums of both; None where they were projected in different ways."""
        if self.projection != other.projection:
            return None
        return replace(self, n=self.n + other.n, cos=self.cos + other.cos, sin=self.sin + other.sin)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.projection.to_json(),
            "n": self.n,
            "cos": b64encode(self.cos.astype("<f8").tobytes()).decode(),
            "sin": b64encode(self.sin.astype("<f8").tobytes()).decode(),
        }

    @classmethod
    def from_json(cls, member: Member) -> "Embedding":
        """Raises InvalidProfile, naming the member that is wrong."""
        found = member.members("dim", "seed", "sigma", "n", "cos", "sin")
        n = found["n"].count()
        return cls(Projection.from_members(found), n, _sums(found["cos"], n), _sums(found["sin"], n))


def _sums(member: Member, n: int) -> NDArray[np.float64]:
    data = member.binary(most=8 * FEATURES)
    if len(data) != 8 * FEATURES:
        raise member.wrong(f"{len(data)} bytes are no {FEATURES} doubles")
    sums = np.frombuffer(data, "<f8").astype(np.float64)
    if not (np.abs(sums) <= n * (1 + 1e-9)).all():  # what is not a number is not below anything either
        raise member.wrong(f"a sum of {n} cosines or sines cannot be that large")
    return sums


class EmbeddingBuilder:
    """Adds rows up. Without a projection the first block decides the width: the median distance between its first 1,000 rows."""

    def __init__(self, name: str, projection: Projection | None) -> None:
        self.name = name
        self._projection = projection
        self._directions: NDArray[np.float64] | None = None
        self._sum: Embedding | None = None

    def add(self, rows: NDArray[np.float64]) -> None:
        """Rows with a coordinate that is no finite number are left out."""
        rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            return
        if self._sum is None or self._directions is None:
            self._begin(rows)
        assert self._sum is not None and self._directions is not None  # noqa: S101, PT018 - begun above
        if rows.shape[1] != self._sum.projection.dim:
            raise ValueError(
                f"embedding {self.name!r} has rows of {rows.shape[1]} and of {self._sum.projection.dim} numbers"
            )
        for start in range(0, len(rows), _AT_ONCE):
            angles = rows[start : start + _AT_ONCE] @ self._directions.T
            part = Embedding(self._sum.projection, len(angles), np.cos(angles).sum(axis=0), np.sin(angles).sum(axis=0))
            self._sum = self._sum.merged(part) or self._sum

    def _begin(self, rows: NDArray[np.float64]) -> None:
        projection = self._projection
        if projection is None or projection.dim != rows.shape[1]:
            projection = Projection(rows.shape[1], SEED, median_distance(rows[:ROWS_OF_SIGMA]))
        self._directions = directions(projection)
        self._sum = Embedding.empty(projection)

    def result(self) -> Embedding | None:
        """None if there was no row."""
        return self._sum


def directions(projection: Projection) -> NDArray[np.float64]:
    """The 256 random directions, one a row."""
    drawn = np.random.Generator(np.random.PCG64(projection.seed)).standard_normal((FEATURES, projection.dim))
    return drawn / projection.sigma


def median_distance(rows: NDArray[np.float64]) -> float:
    """Between any two of the rows; 1.0 where most are the same, since a width of 0 tells nothing apart."""
    squares = np.square(rows).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * rows @ rows.T
    pairs = distances[np.triu_indices(len(rows), 1)]
    if not len(pairs):
        return 1.0
    middle = float(np.median(pairs))
    rounding = 1e-12 * float(squares.max())  # equal rows come out as far apart as that
    return float(np.sqrt(middle)) if np.isfinite(middle) and middle > rounding else 1.0
