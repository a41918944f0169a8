"""What a run read: a path, an address or a table in memory, described by digest, shape and profile. Rows never leave this machine."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineal._values import text

LONGEST_CONTEXT = 100
LONGEST_ADDRESS = 2_000
MOST_COLUMNS = 10_000


def describe(
    name: str, data: Any, *, context: str = "", version: str | None = None, rows: Any = None
) -> dict[str, Any]:
    """A DatasetUse as the wire has it. `version` is what the source itself calls this state of it (a Delta version, a DVC rev).
    `rows` is the table to read in place of `data`, where that was turned into Arrow already.

    A file or folder is hashed (unchanged files are remembered), a table is hashed and profiled in one pass, an address is taken as told.

    Raises:
        OSError: a file cannot be read.
        TypeError, ValueError, ImportError: as `lineal.digest.frame` and `lineal.digest.directory`.
    """
    use: dict[str, Any] = {"name": text(name), "context": text(context)[:LONGEST_CONTEXT]}
    if version is not None:
        use["source_version"] = text(version)[:500]
    if isinstance(data, str) and "://" in data:
        return use | _of_address(data, version)
    if isinstance(data, str | os.PathLike):
        return use | _of_path(Path(data))
    return use | _of_table(data, data if rows is None else rows)


def undescribed(name: str, data: Any, *, context: str = "") -> dict[str, Any]:
    """The use of data that `describe` could not read: named, and nothing claimed of its content."""
    address = str(data) if isinstance(data, str | os.PathLike) else None
    return {
        "name": text(name),
        "context": text(context)[:LONGEST_CONTEXT],
        "kind": "uri",
        "strength": "path" if address else "declared",
        "uri": address[:LONGEST_ADDRESS] if address else None,
    }


def _of_address(address: str, version: str | None) -> dict[str, Any]:
    from lineal._git import without_credentials

    strength = "snapshot" if version else "path"
    return {"kind": "uri", "strength": strength, "uri": without_credentials(address)[:LONGEST_ADDRESS]}


def _of_path(path: Path) -> dict[str, Any]:
    from lineal.digest import cached_file
    from lineal.digest._directories import directory_files, manifest_digest, manifest_of

    where = path.absolute()
    if path.is_dir():
        files = directory_files(path, follow=True)
        found = manifest_digest(manifest_of(files, cached_file))
        kind, size = "directory", sum(file.stat().st_size for _, file in files)
    else:
        found = cached_file(path)
        kind, size = "file", path.stat().st_size
    return {
        "kind": kind,
        "strength": "content",
        "digest": found,
        "bytes": size,
        "uri": text(where.as_posix())[:LONGEST_ADDRESS],
    }


def _of_table(data: Any, rows: Any) -> dict[str, Any]:
    from lineal.digest import scan_frame

    scan = scan_frame(rows)
    columns = scan.columns[:MOST_COLUMNS]
    return {
        "kind": "frame",
        "strength": "content",
        "digest": scan.digest,
        "rows": scan.rows,
        "bytes": _size(data),
        "schema": [{"name": text(column.name), "type": column.type} for column in columns],
        "profile": {"rows": scan.rows, "columns": {text(column.name): column.profile for column in columns}},
    }


def _size(data: Any) -> int | None:
    """Bytes in memory, where the table knows them."""
    found = getattr(data, "nbytes", None)
    if isinstance(found, int):
        return found
    usage = getattr(data, "memory_usage", None)
    if callable(usage):
        used = usage(index=False)
        return int(used.sum() if hasattr(used, "sum") else used)
    estimate = getattr(data, "estimated_size", None)
    return int(estimate()) if callable(estimate) else None


def size_on_the_wire(use: Mapping[str, Any]) -> int:
    """About how many bytes this use takes in a batch."""
    import msgspec

    return len(msgspec.msgpack.encode(use))
