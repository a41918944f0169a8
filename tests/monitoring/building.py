"""Profiles of raw columns, for tests: what the client does, spelled shortly and in memory. Nothing here is shared with the code it tests,
except the classes that hold the result."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monitoring.profiles import (
    DEFAULT_KEY,
    Classification,
    ColumnProfile,
    Embedding,
    Histogram,
    Kll,
    Profile,
    Reference,
    Regression,
    Scores,
    ValueCounts,
    key_id,
    reference_of,
)
from monitoring.profiles.hashing import cells_id, edges_id, hash_numbers, hash_text

K = 400
TYPES = {
    "f": ("f64", "number"),
    "i": ("i64", "number"),
    "u": ("u64", "number"),
    "b": ("bool", "bool"),
    "M": ("ts", "time"),
}


def build_profile(
    table: Mapping[str, Any],
    *,
    reference: Reference | None = None,
    privacy: str = "standard",
    key: bytes = DEFAULT_KEY,
    roles: Mapping[str, str] | None = None,
    pin: bool = True,
    performance: Any = None,
    embeddings: Mapping[str, Embedding] | None = None,
) -> Profile:
    """Pinned to `reference`, or to its own cells; with `pin=False` to none."""
    names = list(table)
    rows = len(table[names[0]]) if names else 0
    columns = {}
    for name in names:
        role = (roles or {}).get(name, "feature")
        columns[name] = build_column(table[name], privacy=privacy, key=key, role=role)
    profile = Profile(privacy, key_id(key), rows, columns, performance, embeddings or {})
    if not pin:
        return profile
    pinned = {
        name: pin_column(columns[name], table[name], cells, key, own=reference is None)
        for name, cells in (
            (name, each.cells) for name, each in (reference or reference_of(profile, key)).columns.items()
        )
        if name in columns
    }
    return Profile(privacy, key_id(key), rows, columns | pinned, performance, embeddings or {})


def split(values: Any) -> tuple[np.ndarray, int, int, str, str]:
    """Present values (doubles or texts), nulls, NaNs, type and family of a column."""
    array = np.asarray(values) if not isinstance(values, list) else np.array(values, dtype=object)
    nulls = 0
    if array.dtype == object:
        there = np.array([value is not None for value in array], bool)
        nulls, array = int((~there).sum()), array[there]
        if not len(array):
            return np.empty(0), nulls, 0, "null", "null"
        if not isinstance(array[0], str):
            array = np.array(list(array))
    if array.dtype == object or array.dtype.kind == "U":
        return array.astype(object), nulls, 0, "utf8", "text"
    kind, family = TYPES[array.dtype.kind]
    numbers = array.astype("datetime64[ns]").astype(np.int64).astype(float) if kind == "ts" else array.astype(float)
    nan = np.isnan(numbers)
    return numbers[~nan] + 0.0, nulls, int(nan.sum()), kind, family


def build_column(
    values: Any, *, privacy: str = "standard", key: bytes = DEFAULT_KEY, role: str = "feature"
) -> ColumnProfile:
    present, nulls, nan, kind, family = split(values)
    counts = ColumnProfile(kind, family, role, len(present) + nulls + nan, nulls, nan)
    if family == "null":
        return counts
    if family == "text":
        hashes = {value: hash_text(value, key) for value in set(present)}
        kmv = np.array(sorted(hashes.values()), np.uint64)[:1024]
        return _with(counts, kmv=kmv, **_value_counts(present, hashes, privacy))
    finite = present[np.isfinite(present)]
    distinct = np.unique(present)
    hashes = dict(zip(distinct.tolist(), hash_numbers(distinct, key).tolist(), strict=True))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.nan_to_num(finite.mean(), posinf=np.inf, neginf=-np.inf)) if len(finite) else None
        m2 = float(((finite - mean) ** 2).sum()) if len(finite) else None
    number = family in ("number", "bool")
    ends = privacy == "standard" and len(finite) > 0
    return _with(
        counts,
        pos_inf=int(np.isposinf(present).sum()),
        neg_inf=int(np.isneginf(present).sum()),
        zeros=int((finite == 0).sum()) if number else 0,
        mean=mean,
        m2=m2,
        min=float(finite.min()) if ends else None,
        max=float(finite.max()) if ends else None,
        kmv=np.array(sorted(hashes.values()), np.uint64)[:1024],
        kll=build_kll(present) if privacy == "standard" else None,
        **_value_counts(present, hashes, privacy),
    )


def _with(column: ColumnProfile, **parts: Any) -> ColumnProfile:
    fields = {name: getattr(column, name) for name in ColumnProfile.__slots__}
    return ColumnProfile(**{**fields, **parts})


def _value_counts(present: np.ndarray, hashes: Mapping[Any, int], privacy: str) -> dict[str, ValueCounts]:
    """Texts have hashes in both modes, numbers in strict mode only."""
    counts = Counter(present.tolist())
    parts = {}
    if privacy == "standard":
        parts["values"] = _ranked(
            [(value[:256] if isinstance(value, str) else value, count) for value, count in counts.items()]
        )
    if privacy == "strict" or present.dtype == object:
        parts["hashes"] = _ranked([(f"{hashes[value]:016x}", count) for value, count in counts.items()])
    return parts


def _ranked(counts: list[tuple[Any, int]]) -> ValueCounts:
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))
    rest = [count for _, count in ordered[256:]]
    return ValueCounts(tuple(ordered[:256]), sum(rest), max(rest, default=0))


def build_kll(values: np.ndarray, k: int = K) -> Kll:
    """Sort, cut into runs of 2**h, keep the middle of each on level h; what is left over goes to lower levels alike."""
    values = np.sort(np.asarray(values, float) + 0.0)
    n = len(values)
    if not n:
        return Kll(k, 0, None, None, (np.empty(0),))
    height = max(0, (-(-n // k) - 1).bit_length())
    levels, start = [], 0
    for h in range(height, -1, -1):
        runs = (n - start) >> h
        levels.append(values[start + (1 << h >> 1) : start + (runs << h) : 1 << h])
        start += runs << h
    return Kll(k, n, float(values[0]), float(values[-1]), tuple(levels[::-1]))


def pin_column(column: ColumnProfile, values: Any, cells: Any, key: bytes, *, own: bool) -> ColumnProfile:
    present, _, _, _, family = split(values)
    if cells.edges is not None and family not in ("number", "bool", "time"):
        return column  # of another family than the reference's
    if cells.edges is not None:
        counts = np.bincount(np.searchsorted(cells.edges, present, side="left"), minlength=len(cells.edges) + 1)
        hist = Histogram("bins", edges_id(cells.edges), counts.astype(np.int64), cells.edges if own else None)
        return _with(column, hist=hist)
    at = {value: i for i, value in enumerate(cells.hashes.tolist())}
    hashes = (
        [hash_text(value, key) for value in present]
        if family == "text"
        else hash_numbers(present.astype(float), key).tolist()
    )
    counts = (
        np.bincount([at.get(each, len(at)) for each in hashes], minlength=len(at) + 1)
        if len(hashes)
        else np.zeros(len(at) + 1)
    )
    hist = Histogram("cells", cells_id(cells.hashes), counts.astype(np.int64), hashes=cells.hashes if own else None)
    return _with(column, hist=hist)


def build_classification(
    y: Sequence[Any] | None,
    predicted: Sequence[Any],
    scores: np.ndarray | None = None,
    *,
    late: bool = False,
    classes: Sequence[str] = (),
) -> Classification:
    """`scores` are of the second of two classes, or a row of all; `y=None` before the labels come, `late=True` when they do.

    `classes` names those that might not show up among predictions and labels.
    """
    predicted = np.array([str(each) for each in predicted])
    truth = predicted[:0] if y is None else np.array([str(each) for each in y])
    known = len(truth)
    classes = sorted({*predicted, *truth, *classes})
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (np.searchsorted(classes, truth), np.searchsorted(classes, predicted[:known])), 1)
    parts: dict[str, Scores] = {}
    loss = 0.0
    if scores is not None:
        table = scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])
        own = table[np.arange(known), np.searchsorted(classes, truth)]
        loss = float(-np.log(np.clip(own, 1e-15, 1)).sum())
        for i in [1] if len(classes) == 2 else range(len(classes)):
            of_class = table[:, i]
            hit = truth == classes[i]
            everyone = of_class[:0] if late else of_class
            parts[classes[i]] = Scores(_bins(everyone), _bins(of_class[:known][hit]), _bins(of_class[:known][~hit]))
    scored = known if scores is not None else 0
    return Classification(0 if late else len(predicted), known, tuple(classes), confusion, loss, scored, parts)


def _bins(scores: np.ndarray) -> np.ndarray:
    return np.bincount(np.clip((scores * 1000).astype(int), 0, 999), minlength=1000).astype(np.int64)


def build_regression(y: np.ndarray, predicted: np.ndarray) -> Regression:
    error = predicted - y
    return Regression(
        len(y),
        len(y),
        float(error.sum()),
        float(abs(error).sum()),
        float((error**2).sum()),
        float(y.sum()),
        float((y**2).sum()),
    )


def build_embedding(
    rows: np.ndarray, *, sigma: float | None = None, seed: int = 7, like: Embedding | None = None
) -> Embedding:
    if like is not None:
        sigma, seed = like.sigma, like.seed
    if sigma is None:
        first = rows[:1000]
        squares = (first**2).sum(1)
        distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * first @ first.T, 0))
        sigma = float(np.median(distances[np.triu_indices(len(first), 1)]))
    w = np.random.Generator(np.random.PCG64(seed)).standard_normal((256, rows.shape[1])) / sigma
    angles = rows @ w.T
    return Embedding(rows.shape[1], seed, sigma, len(rows), np.cos(angles).sum(0), np.sin(angles).sum(0))
