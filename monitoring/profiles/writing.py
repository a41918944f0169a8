"""The parts of a profile as JSON (docs/profiles.md): infinities as texts, arrays as base64 of little-endian bytes."""

from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.hashing import Hashes
from monitoring.profiles.parts import (
    Classification,
    ColumnProfile,
    Embedding,
    Histogram,
    Performance,
    Regression,
    Scores,
    Value,
    ValueCounts,
)


def column_document(column: ColumnProfile) -> dict[str, Any]:
    return {
        "type": column.type,
        "family": column.family,
        "role": column.role,
        "n": column.n,
        "nulls": column.nulls,
        "nan": column.nan,
        "pos_inf": column.pos_inf,
        "neg_inf": column.neg_inf,
        "zeros": column.zeros,
        "mean": number(column.mean),
        "m2": number(column.m2),
        "min": number(column.min),
        "max": number(column.max),
        "values": _counts(column.values),
        "hashes": _counts(column.hashes),
        "kll": None if column.kll is None else b64encode(column.kll.to_bytes()).decode(),
        "kmv": None if column.kmv is None else packed(column.kmv, "<u8"),
        "hist": _histogram(column.hist),
    }


def number(value: Value | None) -> Value | None:
    """A double as JSON can spell it; texts and None stay."""
    if isinstance(value, float) and np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def packed(array: NDArray[Any], dtype: str) -> str:
    """Base64 of the array's bytes."""
    return b64encode(array.astype(dtype).tobytes()).decode()


def hexadecimal(hashes: Hashes) -> list[str]:
    """Hashes as 16 hex digits each."""
    return [f"{each:016x}" for each in hashes.tolist()]


def _counts(counts: ValueCounts | None) -> dict[str, Any] | None:
    if counts is None:
        return None
    items = [[number(value), count] for value, count in counts.items]
    return {"items": items, "other": counts.other, "error": counts.error}


def _histogram(hist: Histogram | None) -> dict[str, Any] | None:
    if hist is None:
        return None
    document: dict[str, Any] = {"kind": hist.kind, "id": hist.id, "counts": hist.counts.tolist()}
    if hist.edges is not None:
        document["edges"] = [number(edge) for edge in hist.edges.tolist()]
    if hist.hashes is not None:
        document["hashes"] = hexadecimal(hist.hashes)
    return document


def performance_document(performance: Performance | None) -> dict[str, Any] | None:
    if performance is None:
        return None
    if isinstance(performance, Regression):
        return _regression(performance)
    return _classification(performance)


def _classification(performance: Classification) -> dict[str, Any]:
    return {
        "kind": "classification",
        "predicted": performance.predicted,
        "labelled": performance.labelled,
        "classes": list(performance.classes),
        "confusion": performance.confusion.tolist(),
        "log_loss": number(performance.log_loss),
        "scored": performance.scored,
        "scores": {name: _scores(scores) for name, scores in performance.scores.items()},
    }


def _scores(scores: Scores) -> dict[str, str]:
    return {"all": packed(scores.all, "<u8"), "hit": packed(scores.hit, "<u8"), "miss": packed(scores.miss, "<u8")}


def _regression(performance: Regression) -> dict[str, Any]:
    sums = ("error", "absolute", "squared", "y", "y2")
    counts = {"kind": "regression", "predicted": performance.predicted, "labelled": performance.labelled}
    return counts | {name: number(getattr(performance, name)) for name in sums}


def embedding_document(embedding: Embedding) -> dict[str, Any]:
    return {
        "dim": embedding.dim,
        "seed": embedding.seed,
        "sigma": embedding.sigma,
        "n": embedding.n,
        "cos": packed(embedding.cos, "<f8"),
        "sin": packed(embedding.sin, "<f8"),
    }
