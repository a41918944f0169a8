"""Have embeddings moved?"""

from collections.abc import Sequence

from monitoring.engine.findings import Finding, graded
from monitoring.engine.limits import Limits
from monitoring.engine.results import State
from monitoring.engine.wording import number
from monitoring.profiles.parts import Embedding
from monitoring.statistics import LEAST_WINDOWS, embedding_distance, embedding_test

KIND = "embedding"


def find_embedding_drift(
    name: str, reference: Embedding | None, current: Embedding, windows: Sequence[Embedding], *, limits: Limits
) -> Finding:
    """Among accepted windows of the same projection if there are 14, else beside the baseline."""
    if reference is None or not reference.n:
        return _silent(name, "no_reference", "the baseline does not have this embedding")
    if _projection(reference) != _projection(current):
        return _silent(name, "no_reference", "the window's projection is not the baseline's")
    if current.n < limits.least_rows:
        return _silent(name, "not_enough_data", f"{number(current.n)} rows are too few to judge")
    alike = [window for window in windows if _projection(window) == _projection(current) and window.n]
    outcome = embedding_test(reference, current, alike)
    distance = embedding_distance(reference, current)
    return Finding(
        column=name,
        role=KIND,
        kind=KIND,
        grade=graded(distance, limits.embedding_warn, limits.embedding_critical),
        calm=f"{name}: embeddings are where they were (squared discrepancy {distance:.2g}).",
        alarm=f"{name}: embeddings moved (squared discrepancy {distance:.2g}).",
        test="window_calibrated" if len(alike) >= LEAST_WINDOWS else "rff",
        outcome=outcome,
        effects={"mmd": distance},
    )


def _silent(name: str, state: State, why: str) -> Finding:
    return Finding(name, KIND, KIND, state, f"{name}: {why}.")


def _projection(embedding: Embedding) -> tuple[int, int, float]:
    return embedding.dim, embedding.seed, embedding.sigma
