"""What training code logged, grouped by series into packed columns: batches of bounded size, in the order of logging.

A value that cannot be packed is turned into a `Refusal`, and what stands around it is packed as if it had not been there.
"""

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from lineal._refusals import Refusal, refusal
from lineal._values import text

if TYPE_CHECKING:
    from typing_extensions import TypeIs

MOST_POINTS = 40_000  # 960 kB packed: a body stays below the 1 MiB that many proxies allow
MOST_BYTES = 960_000
MOST_KEYS = 5_000  # the server takes 10,000 of each sort
LARGEST_STEP = (1 << 63) - 1
MOST_TOGETHER = 4_000  # points of `log` calls that are packed in one go: some 0.1 ms in which training cannot go on
_POINT_BYTES = 24
_ITEM_BYTES = 48  # names of a series' three columns and their lengths; less for other items


# One `log` call: its step, ns since 1970, floats by key. Without a step each series counts on by itself. A plain tuple is made five
# times as fast as any class, and unlike those the garbage collector stops looking at it.
Metrics = tuple[int | None, int, Mapping[str, float]]


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


Other = Params | Tags | Input | Output | File
Entry = Metrics | Other
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

    def takes(self, points: int, size_bytes: int, keys: int) -> bool:
        """Whether so many points, under so many keys that are new here, still belong into one request."""
        return (
            self.points + points <= MOST_POINTS
            and self.size_bytes + size_bytes <= MOST_BYTES
            and len(self.columns) + keys <= MOST_KEYS
        )

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

    def halves(self) -> "list[Batch]":
        """The same in two batches, in the order of this one; none for a single value. For one that cannot be written as a whole."""
        items = self._items()
        if len(items) > 1:
            return [self._of(items[: len(items) // 2]), self._of(items[len(items) // 2 :])]
        middle = self.points // 2
        return [self._cut(slice(middle)), self._cut(slice(middle, None))] if middle else []

    def _items(self) -> list[tuple[str, Any, Any]]:
        """Every series, param, tag and use of a dataset: field, key, and what stands there."""
        keyed = [(name, key, value) for name in _KEYED for key, value in getattr(self, name).items()]
        return keyed + [(name, None, use) for name in _LISTED for use in getattr(self, name)]

    def _of(self, items: list[tuple[str, Any, Any]]) -> "Batch":
        """`size_bytes` stays that of the whole: too much is safe."""
        part = Batch(size_bytes=self.size_bytes)
        for name, key, value in items:
            if name in _KEYED:
                getattr(part, name)[key] = value
            else:
                getattr(part, name).append(value)
        part.points = sum(len(steps) for steps, _, _ in part.columns.values())
        return part

    def _cut(self, points: slice) -> "Batch":
        ((key, (steps, times, values)),) = self.columns.items()
        return self._of([("columns", key, (steps[points], times[points], values[points]))])

    def refused(self, exc: Exception) -> Refusal:
        """Of all that is in here, which is a single value where memory allowed to find it."""
        (name, key, value), *others = self._items()
        kind = (_KEYED.get(name) or _LISTED[name]) + (f" (and {len(others)} others)" if others else "")
        return refusal(kind, value.get("name") if key is None else key, exc, self.points)

    def even_out(self) -> None:
        """After an error in the middle of a point: the columns of each series end together again."""
        for columns in self.columns.values():
            shortest = min(len(column) for column in columns)
            for column in columns:
                del column[shortest:]


_KEYED = {"columns": "metric", "params": "param", "tags": "tag"}
_LISTED = {"inputs": "input dataset", "outputs": "output dataset"}


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
    """Turns entries into batches. Remembers the last step of each series, so that a value logged without one gets the next.

    `log` calls of the same keys that follow one another are packed together, column by column, which costs a tenth of packing them
    point by point; what does not go together so is packed alone.
    """

    def __init__(self) -> None:
        self._next_step: dict[str, int] = {}
        self._batch = Batch()
        self._full: list[Batch | File | Refusal] = []
        self._keys: tuple[str, ...] = ()
        self._alike: list[Metrics] = []  # `log` calls of `_keys`, in none of the batches yet
        self._nameless, self._nameless_points = 0, 0  # refusals that there was no memory to describe

    def successor(self) -> "Packer":
        """For a forked child: the same steps, and nothing of what the parent was packing at that moment."""
        child = Packer()
        child._next_step = dict(self._next_step)
        return child

    def pack(self, entries: Iterable[Entry]) -> Iterator[Batch | File | Refusal]:
        """Batches and files, in order: a file comes after what was logged before it. An entry that raises is none but its own loss."""
        for entry in entries:
            try:
                if _is_metrics(entry):
                    self._add_metrics(entry)
                else:
                    self._add(entry)
            except Exception as exc:  # noqa: BLE001 - the rest has to be packed, whatever is wrong with this one
                self._refuse("entry", entry, exc, points=len(entry[2]) if _is_metrics(entry) else 0)
            if self._full or self._nameless:
                yield from self._taken()
        self._close_alike()
        self._close_batch()
        yield from self._taken()

    def _refuse(self, kind: str, name: object, exc: Exception, points: int = 0) -> None:
        """Count what is given up; where memory is full, without words."""
        try:
            self._full.append(refusal(kind, name, exc, points=points))
        except MemoryError:
            self._nameless += 1
            self._nameless_points += points

    def _add(self, entry: Other) -> None:
        self._close_alike()
        if isinstance(entry, Params):
            self._add_each("param", entry.values, self._add_param)
        elif isinstance(entry, Tags):
            self._add_each("tag", entry.values, self._add_tag)
        elif isinstance(entry, Input | Output):
            self._add_dataset(entry)
        else:
            self._close_batch()
            self._full.append(entry)

    def _add_metrics(self, entry: Metrics) -> None:
        keys = tuple(entry[2])
        if not self._are_alike(keys):
            self._close_alike()
            self._keys = keys
        self._alike.append(entry)
        if len(self._alike) * len(keys) >= MOST_TOGETHER:
            self._close_alike()

    def _are_alike(self, keys: tuple[str, ...]) -> bool:
        try:
            return keys == self._keys
        except Exception:  # noqa: BLE001 - a key may be of any class, which compares as it likes
            return False

    def _close_alike(self) -> None:
        """Bring them into the batch; Ctrl-C while they are packed together leaves them for the next time."""
        entries, self._alike = self._alike, []
        if not entries:
            return
        try:
            together = self._together(entries)
            if together is not None:
                self._extend(together, entries)
                return
        except Exception:  # noqa: BLE001, S110 - found out, and told, by packing them one by one
            pass
        except BaseException:
            self._alike = entries
            raise
        for entry in entries:
            self._add_points(entry)

    def _together(self, entries: list[Metrics]) -> dict[str, Columns] | None:
        """Columns of entries of the same keys; None where these are to be packed one by one."""
        keys, count = self._keys, len(entries)
        steps = self._steps_of(entries)
        if steps is None or any(type(key) is not str for key in keys):
            return None
        new = [key for key in keys if key not in self._batch.columns]
        if not self._batch.takes(count * len(keys), count * len(keys) * _POINT_BYTES + _sizes(new), len(new)):
            self._close_batch()
            if not self._batch.takes(count * len(keys), count * len(keys) * _POINT_BYTES + _sizes(keys), len(keys)):
                return None
        times = array("q", [entry[1] // 1_000 for entry in entries])
        values = array("d", chain.from_iterable([entry[2].values() for entry in entries]))
        return {key: (steps[key], times, values[at :: len(keys)]) for at, key in enumerate(keys)}

    def _steps_of(self, entries: list[Metrics]) -> dict[str, "array[int]"] | None:
        given = [entry[0] for entry in entries if entry[0] is not None]
        if len(given) == len(entries):
            return dict.fromkeys(self._keys, array("q", given))
        firsts = [self._next_step.get(key, 0) for key in self._keys]
        if given or max(firsts, default=0) > LARGEST_STEP - len(entries):
            return None
        return {
            key: array("q", range(first, first + len(entries))) for key, first in zip(self._keys, firsts, strict=True)
        }

    def _extend(self, together: dict[str, Columns], entries: list[Metrics]) -> None:
        """All of it or, on Ctrl-C, nothing."""
        batch, before = self._batch, self._batch.points
        held = {key: len(batch.columns[key][0]) for key in together if key in batch.columns}
        try:
            for key, added in together.items():
                if key not in batch.columns:
                    batch.columns[key] = (array("q"), array("q"), array("d"))
                    batch.size_bytes += _sizes([key])
                steps, times, values = batch.columns[key]
                steps.extend(added[0])
                times.extend(added[1])
                values.extend(added[2])
            batch.points = before + len(entries) * len(together)
        except BaseException:
            for key in together:
                for column in batch.columns.get(key, ()):
                    del column[held.get(key, 0) :]
            batch.points = before
            raise
        batch.size_bytes += len(entries) * len(together) * _POINT_BYTES
        self._next_step.update((key, min(added[0][-1] + 1, LARGEST_STEP)) for key, added in together.items())

    def _add_points(self, entry: Metrics) -> None:
        """Point by point, where one that cannot be packed costs none beside it."""
        given, time, values = entry
        for key, value in values.items():
            try:
                name = key if type(key) is str else text(key)
                columns = self._columns(name)
                step = self._next_step.get(name, 0) if given is None else given
                columns[0].append(step)
                columns[1].append(time // 1_000)
                columns[2].append(value)
            except Exception as exc:  # noqa: BLE001 - a key may be of any class, whose `str` does as it likes
                self._batch.even_out()
                self._refuse("metric", key, exc, points=1)
                continue
            self._next_step[name] = min(step + 1, LARGEST_STEP)
            self._batch.points += 1
            self._batch.size_bytes += _POINT_BYTES

    def _columns(self, key: str) -> Columns:
        """The columns of a series in a batch that has room for one more point of it."""
        columns = self._batch.columns.get(key)
        if columns is not None and self._batch.has_room(_POINT_BYTES):
            return columns
        size = _sizes([key])
        batch = self._room(size + _POINT_BYTES)
        if key not in batch.columns:
            batch.columns[key] = (array("q"), array("q"), array("d"))
            batch.size_bytes += size
        return batch.columns[key]

    def _add_each(self, kind: str, values: Mapping[str, Any], add: Callable[[str, Any], None]) -> None:
        for key, value in values.items():
            try:
                add(key, value)
            except Exception as exc:  # noqa: BLE001 - as above
                self._refuse(kind, key, exc)

    def _add_param(self, key: str, value: Any) -> None:
        if key in self._batch.params:
            self._close_batch()  # the second value has to reach the server too, which tells a conflict
        size = _size(key, value)
        self._room(size).params[key] = value
        self._batch.size_bytes += size

    def _add_tag(self, key: str, value: str | None) -> None:
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

    def _taken(self) -> Iterator[Batch | File | Refusal]:
        while self._full:
            yield self._full.pop(0)
        if self._nameless:
            told = Refusal(f"{self._nameless} values", "memory was full", self._nameless_points)
            self._nameless, self._nameless_points = 0, 0
            yield told


def _is_metrics(entry: Entry) -> "TypeIs[Metrics]":
    return type(entry) is tuple


def _sizes(keys: Iterable[str]) -> int:
    """Of the names of series, and what stands around their columns."""
    return sum(4 * len(key) + _ITEM_BYTES for key in keys)


def _size(key: str, value: Any) -> int:
    """At most four bytes a character."""
    return 4 * (len(key) + (len(value) if isinstance(value, str) else 8)) + _ITEM_BYTES
