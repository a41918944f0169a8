"""What training code logged, grouped by series into packed columns: batches of bounded size, in the order of logging."""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineal._values import text

MOST_POINTS = 40_000  # 960 kB packed: a body stays below the 1 MiB that many proxies allow
MOST_BYTES = 960_000
MOST_KEYS = 5_000  # the server takes 10,000 of each sort
LARGEST_STEP = (1 << 63) - 1
_POINT_BYTES = 24
_ITEM_BYTES = 48  # names of a series' three columns and their lengths; less for other items


class Metrics(NamedTuple):
    """One `log` call: `values` are floats; `time` is µs since 1970; without a step each series counts on by itself."""

    step: int | None
    time: int
    values: Mapping[str, float]


class Params(NamedTuple):
    values: Mapping[str, Any]


class Tags(NamedTuple):
    values: Mapping[str, str | None]


class Input(NamedTuple):
    """A dataset use as the wire spells it, with its approximate size there."""

    use: dict[str, Any]
    size_bytes: int


class Output(NamedTuple):
    """As Input, for data that the run made."""

    use: dict[str, Any]
    size_bytes: int


class File(NamedTuple):
    """A file already copied into the spool: a record of its own."""

    record: dict[str, Any]


Entry = Metrics | Params | Tags | Input | Output | File
Columns = tuple["array[int]", "array[int]", "array[float]"]


@dataclass
class Batch:
    """What one request carries."""

    columns: dict[str, Columns] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    points: int = 0
    size_bytes: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.points or self.params or self.tags or self.inputs or self.outputs)

    def has_room(self, size_bytes: int) -> bool:
        items = len(self.columns) + len(self.params) + len(self.tags) + len(self.inputs) + len(self.outputs)
        fits = self.size_bytes + size_bytes <= MOST_BYTES and self.points < MOST_POINTS and items < MOST_KEYS
        return fits or self.is_empty

    def body(self, *, writer: str, sequence: int) -> bytes:
        """MessagePack with columns as little-endian numbers."""
        import msgspec

        metrics = [
            {"key": text(key), "steps": _packed(steps), "times": _packed(times), "values": _packed(values)}
            for key, (steps, times, values) in self.columns.items()
        ]
        rest: dict[str, Any] = {"params": self.params, "tags": self.tags, "inputs": self.inputs}
        if self.outputs:  # which a server of before knows nothing of
            rest["outputs"] = self.outputs
        return msgspec.msgpack.encode({"writer": writer, "sequence": sequence, "metrics": metrics, **rest})


def _packed(column: "array[Any]") -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


@dataclass
class Group:
    """Batches that are spooled one by one and sent together, while that is no more than one request may carry."""

    since: float
    points: int = 0
    size_bytes: int = 0

    def takes(self, batch: Batch) -> bool:
        """Params begin a group of their own: two values of one key must not meet in one request."""
        fits = self.points + batch.points <= MOST_POINTS and self.size_bytes + batch.size_bytes <= MOST_BYTES
        return fits and not batch.params

    def add(self, batch: Batch) -> None:
        self.points += batch.points
        self.size_bytes += batch.size_bytes


class Packer:
    """Turns entries into batches. Remembers the last step of each series, so that a value logged without one gets the next."""

    def __init__(self) -> None:
        self._next_step: dict[str, int] = {}
        self._batch = Batch()
        self._full: list[Batch | File] = []

    def successor(self) -> "Packer":
        """For a forked child: the same steps, and nothing of what the parent was packing at that moment."""
        child = Packer()
        child._next_step = dict(self._next_step)
        return child

    def pack(self, entries: Iterable[Entry]) -> Iterator[Batch | File]:
        """Batches and files, in order: a file comes after what was logged before it."""
        for entry in entries:
            if isinstance(entry, Metrics):
                self._add_metrics(entry)
            elif isinstance(entry, Params):
                self._add_params(entry)
            elif isinstance(entry, Tags):
                self._add_tags(entry)
            elif isinstance(entry, Input | Output):
                self._add_dataset(entry)
            else:
                self._close_batch()
                self._full.append(entry)
            yield from self._taken()
        self._close_batch()
        yield from self._taken()

    def _add_metrics(self, entry: Metrics) -> None:
        for key, value in entry.values.items():
            columns = self._columns(key)
            step = self._next_step.get(key, 0) if entry.step is None else entry.step
            self._next_step[key] = min(step + 1, LARGEST_STEP)
            columns[0].append(step)
            columns[1].append(entry.time)
            columns[2].append(value)
            self._batch.points += 1
            self._batch.size_bytes += _POINT_BYTES

    def _columns(self, key: str) -> Columns:
        """The columns of a series in a batch that has room for one more point of it."""
        columns = self._batch.columns.get(key)
        if columns is not None and self._batch.has_room(_POINT_BYTES):
            return columns
        size = 4 * len(str(key)) + _ITEM_BYTES
        batch = self._room(size + _POINT_BYTES)
        if key not in batch.columns:
            batch.columns[key] = (array("q"), array("q"), array("d"))
            batch.size_bytes += size
        return batch.columns[key]

    def _add_params(self, entry: Params) -> None:
        for key, value in entry.values.items():
            if key in self._batch.params:
                self._close_batch()  # the second value has to reach the server too, which tells a conflict
            size = _size(key, value)
            self._room(size).params[key] = value
            self._batch.size_bytes += size

    def _add_tags(self, entry: Tags) -> None:
        for key, value in entry.values.items():
            size = _size(key, value)
            self._room(size).tags[key] = value
            self._batch.size_bytes += size

    def _add_dataset(self, entry: Input | Output) -> None:
        batch = self._room(entry.size_bytes)
        (batch.inputs if isinstance(entry, Input) else batch.outputs).append(entry.use)
        batch.size_bytes += entry.size_bytes

    def _room(self, size_bytes: int) -> Batch:
        """The batch that takes so many more bytes: the current one, or the next."""
        if not self._batch.has_room(size_bytes):
            self._close_batch()
        return self._batch

    def _close_batch(self) -> None:
        if not self._batch.is_empty:
            self._full.append(self._batch)
        self._batch = Batch()

    def _taken(self) -> list[Batch | File]:
        taken, self._full = self._full, []
        return taken


def _size(key: str, value: Any) -> int:
    """At most four bytes a character."""
    return 4 * (len(key) + (len(value) if isinstance(value, str) else 8)) + _ITEM_BYTES
