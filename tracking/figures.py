"""What `/metrics` says of what comes in and goes out: batches, points, and the bytes of artifacts."""

from collections.abc import Iterator

from core import metrics

batches = metrics.counter("lineal_ingest_batches_total", "Batches answered: stored, repeated or refused.", ["outcome"])
refusals = metrics.counter(
    "lineal_ingest_refused_total", "Batches that were refused, by the problem's code.", ["reason"]
)
rejected = metrics.counter(
    "lineal_ingest_items_rejected_total", "Single values of stored batches that can never be stored.", ["kind"]
)
points = metrics.counter("lineal_ingest_points_total", "Points of metrics stored.")
bytes_in = metrics.counter("lineal_ingest_bytes_total", "Bytes of the bodies of stored batches.")
artifact_bytes = metrics.counter("lineal_artifact_bytes_total", "Bytes of artifacts that passed here.", ["direction"])

metrics.start_at_zero(batches, ("stored", "repeated", "refused"))
stored, repeated = batches.labels("stored"), batches.labels("repeated")  # looked up once: they count all day
metrics.start_at_zero(artifact_bytes, ("in", "out"))


def counted(chunks: Iterator[bytes], direction: str) -> Iterator[bytes]:
    """The same chunks, their bytes counted as they pass."""
    passed = artifact_bytes.labels(direction)
    for chunk in chunks:
        passed.inc(len(chunk))
        yield chunk
