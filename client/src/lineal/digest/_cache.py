"""Digests of files unchanged since they were last read, kept in the user's cache folder by (dev, inode, size, mtime, ctime)."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from lineal import _settings
from lineal.digest._files import file

RACY_NS = 2_000_000_000  # a change within the clock's grain of the last one may leave mtime as it was, so young files are not cached
MOST_ROWS = 200_000  # about 20 MB; the oldest go first

_SCHEMA = """
create table if not exists digest (
    dev integer, inode integer, size integer, mtime_ns integer, ctime_ns integer, digest text not null, used_at integer not null,
    primary key (dev, inode)
) without rowid
"""


def cached_file(path: str | os.PathLike[str], rehash: bool = False) -> str:
    """As `file`, answered from the cache where device, inode, size, mtime and ctime are unchanged; `rehash` reads the bytes anyway.

    A file changed less than two seconds ago, or while it was read, is not cached. Trouble with the cache itself costs a reading, no error.
    """
    where = Path(path)
    before = _stamp(where.stat())
    if not rehash and (known := _find(before)) is not None:
        return known
    digest = file(where)
    status = where.stat()
    if _stamp(status) == before and time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > RACY_NS:
        _keep(before, digest)
    return digest


_Stamp = tuple[int, int, int, int, int]


def _stamp(status: os.stat_result) -> _Stamp:
    return _signed(status.st_dev), _signed(status.st_ino), status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _signed(number: int) -> int:
    """SQLite's integers are signed; some file systems number inodes above 2^63."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _find(stamp: _Stamp) -> str | None:
    with contextlib.suppress(sqlite3.Error, OSError), _open() as database:
        row = database.execute(
            "select digest from digest where dev = ? and inode = ? and size = ? and mtime_ns = ? and ctime_ns = ?",
            stamp,
        ).fetchone()
        return str(row[0]) if row else None
    return None


def _keep(stamp: _Stamp, digest: str) -> None:
    with contextlib.suppress(sqlite3.Error, OSError), _open() as database:
        database.execute("insert or replace into digest values (?, ?, ?, ?, ?, ?, ?)", (*stamp, digest, time.time_ns()))
        rows = database.execute("select count(*) from digest").fetchone()[0]
        if rows > MOST_ROWS:
            database.execute(
                "delete from digest where used_at in (select used_at from digest order by used_at limit ?)",
                (rows - MOST_ROWS,),
            )


@contextlib.contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    folder = _settings.cache_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    where = folder / "digests.sqlite3"
    os.close(os.open(where, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite itself would create it readable by all
    database = sqlite3.connect(where, timeout=1)
    try:
        with database:
            database.execute(_SCHEMA)
            yield database
    finally:
        database.close()
