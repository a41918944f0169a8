"""Where one chunk of a series ends and the next begins: every so many points in order of arrival, whoever cuts, and whenever."""

from collections.abc import Iterator

from tracking.metrics.points import Points

CHUNK_POINTS = 4_000  # 30 KB a chunk: small enough to decode for one look, large enough for few rows


def is_full(count: int) -> bool:
    """Whether a chunk of so many points takes no more."""
    return count >= CHUNK_POINTS


def cut(points: Points) -> Iterator[Points]:
    """Full chunks, and the last of what is left."""
    return (points[at : at + CHUNK_POINTS] for at in range(0, len(points), CHUNK_POINTS))
