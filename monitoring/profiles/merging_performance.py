"""Merging how a model did, and what its embeddings are like: sums over rows, added up."""

from collections.abc import Mapping

import numpy as np

from monitoring.profiles.document import MOST_CLASSES
from monitoring.profiles.errors import IncompatibleProfiles
from monitoring.profiles.kll import Integers
from monitoring.profiles.parts import Classification, Embedding, Performance, Regression, Scores


def merge_performance(a: Performance | None, b: Performance | None) -> Performance | None:
    """Both together, classes united.

    Raises:
        IncompatibleProfiles: classification does not merge with regression.
    """
    if a is None or b is None:
        return a if a is not None else b
    if isinstance(a, Classification) and isinstance(b, Classification):
        return _merge_classifications(a, b)
    if isinstance(a, Regression) and isinstance(b, Regression):
        return _merge_regressions(a, b)
    raise IncompatibleProfiles("Performance of a classification does not merge with that of a regression.")


def _merge_regressions(a: Regression, b: Regression) -> Regression:
    return Regression(
        a.predicted + b.predicted,
        a.labelled + b.labelled,
        a.error + b.error,
        a.absolute + b.absolute,
        a.squared + b.squared,
        a.y + b.y,
        a.y2 + b.y2,
    )


def _merge_classifications(a: Classification, b: Classification) -> Classification:
    classes = tuple(sorted({*a.classes, *b.classes}))
    if len(classes) > MOST_CLASSES:
        raise IncompatibleProfiles(f"Together the two have {len(classes)} classes, and {MOST_CLASSES} is the most.")
    return Classification(
        a.predicted + b.predicted,
        a.labelled + b.labelled,
        classes,
        _spread(a, classes) + _spread(b, classes),
        a.log_loss + b.log_loss,
        a.scored + b.scored,
        _merge_scores(a.scores, b.scores),
    )


def _spread(part: Classification, classes: tuple[str, ...]) -> Integers:
    """The confusion counts of one part among the classes of both."""
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    at = [classes.index(name) for name in part.classes]
    confusion[np.ix_(at, at)] = part.confusion
    return confusion


def _merge_scores(a: Mapping[str, Scores], b: Mapping[str, Scores]) -> dict[str, Scores]:
    scores = dict(a)
    for name, each in b.items():
        had = scores.get(name)
        scores[name] = each if had is None else Scores(had.all + each.all, had.hit + each.hit, had.miss + each.miss)
    return scores


def merge_embeddings(a: Mapping[str, Embedding], b: Mapping[str, Embedding]) -> dict[str, Embedding]:
    """Sums of the same projections; where an embedding is not the same in both, there is none."""
    pairs = {name: (a.get(name), b.get(name)) for name in {**a, **b}}
    merged = {name: _merge_waves(first, second) for name, (first, second) in pairs.items()}
    return {name: each for name, each in merged.items() if each is not None}


def _merge_waves(a: Embedding | None, b: Embedding | None) -> Embedding | None:
    if a is None or b is None:
        return a if a is not None else b
    if (a.dim, a.seed, a.sigma) != (b.dim, b.seed, b.sigma):
        return None
    return Embedding(a.dim, a.seed, a.sigma, a.n + b.n, a.cos + b.cos, a.sin + b.sin)
