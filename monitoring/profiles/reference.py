"""What production pins its histograms to: edges and categories of a baseline."""

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from monitoring.profiles.errors import IncompatibleProfiles
from monitoring.profiles.hashing import Hashes, cells_id, edges_id, key_id
from monitoring.profiles.kll import Floats, Kll
from monitoring.profiles.parts import MOST_CELLS, MOST_EDGES, ORDERED, ColumnProfile, Family, Role
from monitoring.profiles.profile import Profile
from monitoring.profiles.valued import hashes_of
from monitoring.profiles.writing import hexadecimal, number

SCHEMA = "lineal-reference/1"
_DECILES = range(1, MOST_EDGES + 1)
_UPPER_NORMAL_DECILES = (0.2533471031357997, 0.5244005127080407, 0.8416212335729143, 1.2815515655446004)
_NORMAL_DECILES = (*(-z for z in reversed(_UPPER_NORMAL_DECILES)), 0.0, *_UPPER_NORMAL_DECILES)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of one column: inner `edges` of bins, or `hashes` of categories, the most frequent first."""

    edges: Floats | None = None
    hashes: Hashes | None = None

    @property
    def id(self) -> str:
        return edges_id(self.edges) if self.edges is not None else cells_id(self._categories)

    @property
    def _categories(self) -> Hashes:
        return self.hashes if self.hashes is not None else np.empty(0, np.uint64)

    def to_json(self) -> dict[str, Any]:
        if self.edges is not None:
            return {"kind": "bins", "id": self.id, "edges": [number(edge) for edge in self.edges.tolist()]}
        return {"kind": "cells", "id": self.id, "hashes": hexadecimal(self._categories)}


@dataclass(frozen=True, slots=True)
class ReferenceColumn:
    type: str
    family: Family
    role: Role
    cells: Cells

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "family": self.family, "role": self.role, **self.cells.to_json()}


@dataclass(frozen=True, slots=True)
class Reference:
    """`key` is the secret itself, since whoever profiles against the reference has to hash like it."""

    key: bytes
    columns: Mapping[str, ReferenceColumn]
    embeddings: Mapping[str, Mapping[str, Any]]

    @property
    def id(self) -> str:
        """SHA-256, in hex, of what is pinned; the key has no part in it."""
        text = json.dumps(self._pinned(), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The document of docs/profiles.md, key included."""
        return {"schema": SCHEMA, "key": b64encode(self.key).decode(), "id": self.id, **self._pinned()}

    def _pinned(self) -> dict[str, Any]:
        columns = {name: column.to_json() for name, column in self.columns.items()}
        return {"columns": columns, "embeddings": {name: dict(each) for name, each in self.embeddings.items()}}


def reference_of(profile: Profile, key: bytes) -> Reference:
    """The reference that `profile`, a baseline, is for others.

    Raises:
        IncompatibleProfiles: the profile was hashed with another key.
    """
    if key_id(key) != profile.key:
        raise IncompatibleProfiles(f"The profile is hashed under key {profile.key}, not under {key_id(key)}.")
    columns = {
        name: ReferenceColumn(column.type, column.family, column.role, cells_of(column, key))
        for name, column in profile.columns.items()
        if column.family != "other"
    }
    embeddings = {
        name: {"dim": each.dim, "seed": each.seed, "sigma": each.sigma} for name, each in profile.embeddings.items()
    }
    return Reference(key, columns, embeddings)


def cells_of(column: ColumnProfile, key: bytes) -> Cells:
    """The cells that a column pins: its own where it has them, else its categories or its deciles."""
    if column.hist is not None and column.hist.edges is not None:
        return Cells(edges=column.hist.edges)
    if column.hist is not None and column.hist.hashes is not None:
        return Cells(hashes=column.hist.hashes)
    if is_categorical(column):
        return Cells(hashes=_categories(column, key))
    return Cells(edges=_deciles(column))


def is_categorical(column: ColumnProfile) -> bool:
    """Is it counted by value rather than by bins? Every text is, and what has at most 64 different values."""
    return column.family not in ORDERED or (column.distinct or 0) <= MOST_CELLS


def _categories(column: ColumnProfile, key: bytes) -> Hashes:
    """Hashes of the most frequent values, in the order of `hashes` where there are any, else of `values`."""
    hashes = hashes_of(column, key)
    return np.empty(0, np.uint64) if hashes is None else hashes[:MOST_CELLS]


def _deciles(column: ColumnProfile) -> Floats:
    if column.kll is not None and column.kll.n:
        return quantile_edges(column.kll)
    return _normal_deciles(column)


def quantile_edges(sketch: Kll) -> Floats:
    """Inner deciles: the least value that has at least i/10 of the weight at or below it; equal ones once."""
    values, weights = sketch.weighted()
    below = np.cumsum(weights)
    at = [np.searchsorted(10 * below, i * sketch.n) for i in _DECILES]
    return np.unique(values[at])


def _normal_deciles(column: ColumnProfile) -> Floats:
    """Deciles as if the column were normal, which show none of its values."""
    if column.mean is None or column.m2 is None:
        return np.empty(0)
    sd = math.sqrt(column.m2 / column.finite)
    if not math.isfinite(sd) or not math.isfinite(column.mean):
        return np.empty(0)
    return np.unique([column.mean + sd * z for z in _NORMAL_DECILES])
