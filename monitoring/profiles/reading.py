"""Reading a profile that anyone may have written: every member is checked before anything is computed from it."""

import json
from typing import Any, cast

import numpy as np

from monitoring.profiles import envelope
from monitoring.profiles.document import (
    ClassificationDocument,
    EmbeddingDocument,
    PerformanceDocument,
    ProfileDocument,
    RegressionDocument,
    ScoresDocument,
    real,
    shaped,
    unpacked,
)
from monitoring.profiles.errors import require
from monitoring.profiles.kll import Floats, Integers
from monitoring.profiles.parts import (
    FREQUENCIES,
    LONGEST_VALUE,
    SCORE_BINS,
    Classification,
    Embedding,
    Performance,
    Privacy,
    Regression,
    Scores,
)
from monitoring.profiles.profile import Profile
from monitoring.profiles.reading_columns import is_hash, read_column

_SUM_SLACK = 1 + 1e-9  # of rounding in a long sum of cosines


def read_profile(data: bytes) -> Profile:
    """The profile in the bytes that `to_bytes` wrote.

    Raises:
        InvalidProfile: any other bytes; the message names the place and what was expected there.
    """
    return profile_from_json(envelope.unseal(data))


def profile_from_json(document: Any) -> Profile:
    """The profile of a document as `to_json` gives it.

    Raises:
        InvalidProfile: as `read_profile`.
    """
    found = shaped(document, ProfileDocument, "document")
    privacy = cast("Privacy", found.privacy)
    columns = {name: read_column(each, _place("columns", name), privacy) for name, each in found.columns.items()}
    for name, column in columns.items():
        require(column.n <= found.rows, f"{_place('columns', name)}.n", f"at most the profile's {found.rows} rows")
    return Profile(
        privacy,
        found.key,
        found.rows,
        columns,
        _performance(found.performance, privacy),
        {name: _embedding(each, _place("embeddings", name)) for name, each in found.embeddings.items()},
    )


def _place(part: str, name: str) -> str:
    return f"{part}[{json.dumps(name, ensure_ascii=False)}]"


def _performance(document: dict[str, Any] | None, privacy: Privacy) -> Performance | None:
    if document is None:
        return None
    require(
        document.get("kind") in ("classification", "regression"), "performance.kind", "classification or regression"
    )
    found = shaped({"performance": document}, PerformanceDocument, "").performance
    if isinstance(found, RegressionDocument):
        return _regression(found)
    return _classification(found, privacy)


def _regression(found: RegressionDocument) -> Regression:
    sums = {
        name: real(getattr(found, name), f"performance.{name}") for name in ("error", "absolute", "squared", "y", "y2")
    }
    for name in ("absolute", "squared", "y2"):
        require((sums[name] or 0.0) >= 0, f"performance.{name}", "a sum that is not negative")
    return Regression(found.predicted, found.labelled, **{name: each or 0.0 for name, each in sums.items()})


def _classification(found: ClassificationDocument, privacy: Privacy) -> Classification:
    classes = found.classes
    require(classes == sorted(set(classes)), "performance.classes", "different texts, sorted")
    if privacy == "strict":
        require(all(map(is_hash, classes)), "performance.classes", "hashes of 16 hex digits, as the profile is strict")
    require(
        all(len(name) <= LONGEST_VALUE for name in classes),
        "performance.classes",
        f"at most {LONGEST_VALUE} characters",
    )
    square = len(found.confusion) == len(classes) == sum(len(row) == len(classes) for row in found.confusion)
    require(square, "performance.confusion", f"{len(classes)} rows of {len(classes)} counts")
    confusion = np.array(found.confusion, np.int64).reshape(len(classes), len(classes))
    require(sum(map(sum, found.confusion)) <= found.labelled, "performance.confusion", "no more rows than are labelled")
    require(found.scored <= found.labelled, "performance.scored", "no more rows than are labelled")
    log_loss = real(found.log_loss, "performance.log_loss") or 0.0
    require(0 <= log_loss < np.inf, "performance.log_loss", "a finite sum that is not negative")
    scores = {}
    for name, each in found.scores.items():
        place = _place("performance.scores", name)
        require(name in classes, place, "one of the classes")
        scores[name] = _scores(each, found, place)
    return Classification(found.predicted, found.labelled, tuple(classes), confusion, log_loss, found.scored, scores)


def _scores(document: ScoresDocument, within: ClassificationDocument, place: str) -> Scores:
    scores = Scores(
        _bins(document.all, within.predicted, f"{place}.all"),
        _bins(document.hit, within.labelled, f"{place}.hit"),
        _bins(document.miss, within.labelled, f"{place}.miss"),
    )
    labelled = int(scores.hit.sum() + scores.miss.sum())
    require(labelled <= within.labelled, place, f"hits and misses of at most {within.labelled} labelled rows")
    return scores


def _bins(text: str, most: int, place: str) -> Integers:
    counts = unpacked(text, "<u8", place, count=SCORE_BINS)
    require(int(counts.max()) <= most and int(counts.sum()) <= most, place, f"counts of at most {most} rows")
    return counts.astype(np.int64)


def _embedding(document: Any, place: str) -> Embedding:
    found = shaped(document, EmbeddingDocument, place)
    require(found.sigma < np.inf, f"{place}.sigma", "a finite distance")
    return Embedding(
        found.dim,
        found.seed,
        found.sigma,
        found.n,
        _waves(found.cos, found.n, f"{place}.cos"),
        _waves(found.sin, found.n, f"{place}.sin"),
    )


def _waves(text: str, n: int, place: str) -> Floats:
    sums = unpacked(text, "<f8", place, count=FREQUENCIES).astype(np.float64)
    require(bool((np.abs(sums) <= n * _SUM_SLACK).all()), place, f"sums of {n} values between -1 and 1")
    return sums
