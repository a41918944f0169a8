"""The reading half of the spool: records in order, from a living writer's folder or a dead one's, past whatever damage the disk did."""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote

from lineal._errors import LinealError
from lineal._spool import FRAME_HEAD, LARGEST_FRAME, SCHEMA, End, Header, segment_numbers, segment_path


class NewerSpool(LinealError):
    """The spool was written by a newer client, whose records this one cannot read."""


class Record(NamedTuple):
    """`fields` are those of `_spool`; numbers rise by one, except across damage."""

    number: int
    kind: str
    fields: dict[str, Any]


class Reader:
    """A place in one writer's records. Files are opened as they are needed, and only read.

    `missing` counts records that damage took away; what a torn last write left behind is no damage and counts nowhere.
    """

    def __init__(self, folder: Path, *, after: int = 0) -> None:
        self.folder = folder
        self._gaps: set[tuple[int, int]] = set()
        self.header = header_of_path(folder)
        self._last = after
        self._peeked: Record | None = None
        self._segment = 0
        self._offset = 0
        self._file: BinaryIO | None = None
        self._left: list[tuple[int, int]] = []  # segments read to their end, with their last record's number

    @property
    def missing(self) -> int:
        return sum(end - start for start, end in self._gaps)

    def peek(self, end: End | None = None) -> Record | None:
        """The next record, or None where there is no more up to `end` (by default, to the end of what is there).

        Raises:
            NewerSpool: of a version that is unknown here.
            OSError: the disk fails.
        """
        while self._peeked is None:
            found = self._next_payload(end)
            if found is None:
                return None
            self._take(found)
        return self._peeked

    def advance(self) -> None:
        """Go past the record that `peek` gave."""
        if self._peeked is not None:
            self._last = self._peeked.number
            self._peeked = None

    def rewind(self, sequence: int) -> bool:
        """Go back, or forth, to the batch of this sequence number; False, and nothing moves, where it is not on disk."""
        before = self._place()
        self._go_to(0, 0, 0, None)
        while (record := self.peek()) is not None:
            if record.kind == "batch" and record.fields.get("sequence") == sequence:
                return True
            self.advance()
        self._go_to(*before)
        return False

    def restart(self) -> None:
        """Go back to the first record that is on disk."""
        self._go_to(0, 0, 0, None)

    def _place(self) -> tuple[int, int, int, Record | None]:
        return self._segment, self._offset, self._last, self._peeked

    def _go_to(self, segment: int, offset: int, last: int, peeked: Record | None) -> None:
        self.close()
        self._segment, self._offset, self._last, self._peeked = segment, offset, last, peeked
        self._left = [(number, last) for number, last in self._left if number < segment]
        if segment:
            self._file = segment_path(self.folder, segment).open("rb", buffering=0)

    def drop_read_segments(self, acked: int) -> int:
        """Remove segments whose records are all confirmed; how many bytes that freed."""
        freed = 0
        for number, last in self._left:
            path = segment_path(self.folder, number)
            if last <= acked and path.exists():
                freed += path.stat().st_size
                path.unlink()
        self._left = [(number, last) for number, last in self._left if last > acked]
        return freed

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take(self, payload: Mapping[str, Any]) -> None:
        if "schema" in payload:
            self._take_header(payload)
            return
        number = payload["n"]
        if number <= self._last:
            return
        if number > self._last + 1:
            self._gaps.add((self._last + 1, number))
        fields = {key: value for key, value in payload.items() if key not in ("n", "kind")}
        self._peeked = Record(number, payload["kind"], fields)

    def _take_header(self, payload: Mapping[str, Any]) -> None:
        if payload["schema"] != SCHEMA:
            raise NewerSpool(f"{self.folder} is a spool of version {payload['schema']}: a newer lineal can send it")
        self.header = Header(*(payload[name] for name in Header._fields))

    def _next_payload(self, end: End | None) -> dict[str, Any] | None:
        while True:
            if self._file is None and not self._open_next(end):
                return None
            limit = self._limit(end)
            payload = self._payload_at(limit)
            if payload is None and self._offset < limit:
                payload = self._found_behind_damage(limit)
            if payload is not None:
                return payload
            if not self._open_next(end):
                return None

    def _open_next(self, end: End | None) -> bool:
        """The next segment, if there is one that may be read; the current stays open if there is none."""
        later = (number for number in segment_numbers(self.folder) if number > self._segment)
        number = next(later, None)
        if number is None or (end is not None and number > end.segment):
            return False
        if self._file is not None:
            self._left.append((self._segment, self._last))
            self.close()
        self._file = segment_path(self.folder, number).open("rb", buffering=0)
        self._segment, self._offset = number, 0
        return True

    def _limit(self, end: End | None) -> int:
        if end is not None and end.segment == self._segment:
            return end.offset
        assert self._file is not None  # noqa: S101 - a typing aid: called with an open segment
        return os.fstat(self._file.fileno()).st_size

    def _payload_at(self, limit: int) -> dict[str, Any] | None:
        """The frame at the current offset, which moves behind it; None, and it stays, where there is no whole one."""
        head = self._read(self._offset, FRAME_HEAD.size)
        if len(head) < FRAME_HEAD.size:
            return None
        length, checksum = FRAME_HEAD.unpack(head)
        start = self._offset + FRAME_HEAD.size
        if not 0 < length <= min(LARGEST_FRAME, limit - start):
            return None
        payload = _decoded(self._read(start, length), checksum)
        if payload is not None:
            self._offset = start + length
        return payload

    def _found_behind_damage(self, limit: int) -> dict[str, Any] | None:
        """The first whole frame behind the current offset; where there is none, the rest of the segment is given up."""
        rest = self._read(self._offset, limit - self._offset)
        for at in range(1, len(rest) - FRAME_HEAD.size):
            length, checksum = FRAME_HEAD.unpack_from(rest, at)
            start = at + FRAME_HEAD.size
            if 0 < length <= len(rest) - start:
                payload = _decoded(rest[start : start + length], checksum)
                if payload is not None:
                    self._offset += start + length
                    return payload
        self._offset = limit
        return None

    def _read(self, offset: int, count: int) -> bytes:
        assert self._file is not None  # noqa: S101 - as above
        self._file.seek(offset)
        parts = []
        while count > 0 and (part := self._file.read(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _decoded(payload: bytes, checksum: int) -> dict[str, Any] | None:
    if zlib.crc32(payload) != checksum:
        return None
    import msgspec

    try:
        found = msgspec.msgpack.decode(payload)
    except msgspec.DecodeError:
        return None
    if isinstance(found, dict) and ("schema" in found or ("n" in found and "kind" in found)):
        return found
    return None


def header_of_path(folder: Path) -> Header:
    """What the names of the folders tell, for a spool whose own header is damaged."""
    run, project, origin = folder.parent, folder.parent.parent, folder.parent.parent.parent
    base_url = "" if origin.name == "unassigned" else unquote(origin.name)
    return Header(base_url, unquote(project.name), run.name, folder.name, experiment="", owner=False)
