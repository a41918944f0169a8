"""The digest that a seal is: SHA-256 over a run's logical content, whatever way it happens to be stored.

Plain functions on values, so that a verifier elsewhere can be written from this page. All integers are unsigned 64-bit
little-endian unless said otherwise; `text(s)` is the length of its UTF-8 bytes, then those bytes; `null` is eight 0xFF
bytes; a section's items are sorted by their bytes::

    seal    = sha256( "lineal-seal-v1\\0" + section(run) + section(params) + section(tags) + section(inputs)
                      + section(outputs) + section(artifacts) + section(metrics) )
    section = text(name) + number of items + sha256(all items one after the other)

    run      one item:  text(id) text(experiment's uuid) text(status) text(started) text|null(ended) text(code repository)
                        text(code commit) text(sha256 of the diff) text(environment digest)
    params   each item: text(key) text(value)
    tags     each item: text(key) text(value)
    inputs, outputs     text(dataset) text(context) text(kind) text(strength) text|null(digest) text(uri)
                        text(source version)
    artifacts           text(path) text(sha256) size
    metrics  each item: text(key) number of points + sha256(blocks)
    block    = points in it + steps (int64 each) + times (int64 each) + values (float64 bits each)

A block holds 65,536 points of the series in their order of arrival, the last one what is left. So the digest does not
depend on how points were cut into batches or chunks. Times are text as `2026-11-21T03:14:27.123456Z`, UUIDs as 32 hex
digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from tracking.metrics.points import STEP, VALUE, Points, concat

MAGIC = b"lineal-seal-v1\0"
BLOCK_POINTS = 65_536
NULL = b"\xff" * 8
SECTIONS = ("run", "params", "tags", "inputs", "outputs", "artifacts", "metrics")

Field = str | int | None


def digest(sections: Sequence[tuple[str, Iterable[bytes]]]) -> str:
    """The seal of sections in the order of SECTIONS, each with its items in any order; as `sha256:<hex>`."""
    if tuple(name for name, _ in sections) != SECTIONS:
        raise ValueError(f"a seal has the sections {SECTIONS}, in this order")
    whole = sha256(MAGIC)
    for name, items in sections:
        whole.update(_section(name, items))
    return f"sha256:{whole.hexdigest()}"


def item(*fields: Field) -> bytes:
    """One item: text and null as above, integers as they are."""
    return b"".join(_field(each) for each in fields)


def series_item(key: str, parts: Iterable[Points]) -> bytes:
    """The item of one metric, from its points in order of arrival, cut in any way. Memory: two blocks and a part."""
    hasher = SeriesHasher()
    for part in parts:
        hasher.update(part)
    return hasher.item(key)


class SeriesHasher:
    """Hashes the points of one series as they come."""

    def __init__(self) -> None:
        self._hash = sha256()
        self._pending: list[Points] = []
        self._pending_count = 0
        self._count = 0

    def update(self, points: Points) -> None:
        self._count += len(points)
        while len(points):
            room = BLOCK_POINTS - self._pending_count
            self._pending.append(points[:room])
            self._pending_count += len(self._pending[-1])
            points = points[room:]
            if self._pending_count == BLOCK_POINTS:
                self._flush()

    def item(self, key: str) -> bytes:
        """The series' item. Nothing may be added after."""
        if self._pending_count:
            self._flush()
        return item(key, self._count) + self._hash.digest()

    def _flush(self) -> None:
        block = concat(self._pending)
        self._hash.update(_number(len(block)))
        for column, kind in ((block.steps, STEP), (block.times, STEP), (block.values, VALUE)):
            self._hash.update(column.astype(kind, copy=False).tobytes())
        self._pending, self._pending_count = [], 0


def _section(name: str, items: Iterable[bytes]) -> bytes:
    ordered = sorted(items)
    content = sha256()
    for each in ordered:
        content.update(each)
    return item(name, len(ordered)) + content.digest()


def _field(value: Field) -> bytes:
    if value is None:
        return NULL
    if isinstance(value, int):
        return _number(value)
    raw = value.encode()
    return _number(len(raw)) + raw


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little")
