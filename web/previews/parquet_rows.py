"""The process that reads a Parquet file for a preview: `python -m web.previews.parquet_rows SIZE ROWS COLUMNS CHARACTERS`.

It asks for ranges of the file on stdout, a line "start end" each, and gets exactly those bytes on stdin; "answer" and a JSON document
end it. It imports nothing of the server.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator
from typing import Any

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    pa = pq = None

NO_READER = "This server has no reader of Parquet: it needs pyarrow (pip install 'lineal-server[parquet]')."
MEMORY_BYTES = 2 << 30  # of address space, most of which pyarrow maps and does not use
CPU_S = 8


class Remote(io.RawIOBase):
    """A file whose bytes the other end of the pipe holds."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        if end <= self._at:
            return b""
        sys.stdout.buffer.write(f"{self._at} {end}\n".encode())
        sys.stdout.buffer.flush()
        data = sys.stdin.buffer.read(end - self._at)
        if len(data) < end - self._at:
            raise OSError("no more bytes are given")
        self._at = end
        return data


def main(size: int, rows: int, columns: int, characters: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(b"answer\n" + json.dumps(_answer(Remote(size), rows, columns, characters)).encode())
    sys.stdout.buffer.flush()


def _answer(file: "Remote", rows: int, columns: int, characters: int) -> dict[str, Any]:
    """The table, or `error`. Raises OSError when the other end gives no more."""
    if pq is None:
        return {"error": NO_READER}
    try:
        return table(file, rows, columns, characters)
    except OSError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever a stranger's bytes lead to
        return {"error": f"Not read as Parquet: {str(exc)[:200]}"}


def table(file: Remote, rows: int, columns: int, characters: int) -> dict[str, Any]:
    pa.set_cpu_count(1)
    parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=64 * 1024, memory_map=False)
    names = parquet.schema_arrow.names
    shown = list(dict.fromkeys(names))[:columns]
    found = [[_cell(value, characters) for value in row] for row in _rows(parquet, shown, rows)]
    types = {field.name: str(field.type) for field in parquet.schema_arrow}
    return {
        "columns": [_cell(f"{name} ({types[name]})", characters) for name in shown],
        "rows": found,
        "total": parquet.metadata.num_rows,
        "more_columns": len(names) - len(shown),
    }


def _rows(parquet: Any, columns: list[str], limit: int) -> Iterator[list[Any]]:
    left = limit
    for batch in parquet.iter_batches(batch_size=limit, columns=columns, use_threads=False):
        part = batch.slice(0, left)
        by_column = [part.column(name).to_pylist() for name in columns]
        yield from (list(row) for row in zip(*by_column, strict=True))
        left -= part.num_rows
        if left <= 0:
            return


def _cell(value: Any, characters: int) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= characters else text[: characters - 1] + "…"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]))
