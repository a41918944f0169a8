"""Profiles of what a run reads: of which data, made beside the digest, and kept as files of the run."""

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal._artifacts import find_files, log_files
from lineal._sender import Sender
from lineal.digest._sources import as_arrow, is_table

if TYPE_CHECKING:
    import pyarrow as pa

    from lineal._profiles.document import Profile

FOLDER = "lineal/profiles"  # where the server looks for the baseline of a version
SUFFIX = ".lineal-profile"
TRAINING = "train"  # the name or context of tables that are profiled without being asked for
MOST_CELLS = 50_000_000  # of such a table: some five seconds


class DatasetProfile:
    """The profile that a dataset is to get, if any. `rows` is what to digest instead of the table that was given.

    A table is turned into Arrow once, for digest and profile; what can be read only once is profiled while the digest reads it.
    """

    def __init__(self, choice: "bool | Profile | None", name: str, data: Any, context: str) -> None:
        self.rows = data
        self._make: Callable[[], Profile | None] = lambda: None
        if choice is not None and not isinstance(choice, bool):
            self._make = lambda: choice
        elif choice or (choice is None and TRAINING in (name, context) and is_table(data)):
            try:
                self._open(data, asked=choice is True)
            except Exception as exc:  # noqa: BLE001 - `result` raises it: the digest may know what to do with the data
                self._make = _raising(exc)

    def _open(self, data: Any, *, asked: bool) -> None:
        from lineal._profiles.making import profile
        from lineal._profiles.sources import TableSource, source_of

        if not is_table(data):
            self._make = lambda: profile(data)
            return
        source = source_of(data)
        if isinstance(source, TableSource):
            self.rows = source.table
            cells = source.table.num_rows * source.table.num_columns
            words = f"it has {cells:,} cells, which takes a while: ask for it with profile=True"
            small = asked or cells <= MOST_CELLS
            self._make = (lambda: profile(source.table)) if small else _raising(ValueError(words))
        elif asked:
            watched = Watched(as_arrow(data))
            self.rows, self._make = watched.reader, watched.result

    def result(self) -> "Profile | None":
        """To be asked for when `rows` were read. Raises as `lineal.profile`."""
        return self._make()


def _raising(exc: Exception) -> "Callable[[], Profile]":
    def refuse() -> "Profile":
        raise exc

    return refuse


class Watched:
    """A stream whose rows are profiled as somebody else reads them. Trouble with the profile does not disturb the reader."""

    def __init__(self, source: "pa.RecordBatchReader") -> None:
        import pyarrow as pa

        from lineal._profiles.plan import Plan
        from lineal._profiles.tables import Options, TableBuilder

        self._builder = TableBuilder(Options(Plan()))
        self._trouble: Exception | None = None
        self.reader = pa.RecordBatchReader.from_batches(source.schema, self._batches(source))

    def _batches(self, source: "pa.RecordBatchReader") -> "Iterator[pa.RecordBatch]":
        from lineal.digest._frames import blocks
        from lineal.digest._sources import pieces_of

        self._builder.begin(source.schema)
        for block in blocks(pieces_of(source)):
            self._add(block)
            yield from block.to_batches()

    def _add(self, block: "pa.Table") -> None:
        try:
            if self._trouble is None:
                self._builder.add(block)
        except Exception as exc:  # noqa: BLE001 - told by `result`; the digest goes on
            self._trouble = exc

    def result(self) -> "Profile":
        """Reads what nobody has read, where the reader gave up."""
        for _ in self.reader:
            pass
        if self._trouble is not None:
            raise self._trouble
        return self._builder.result()


def log_profile(sender: Sender, profile: "Profile", name: str) -> None:
    """Keep a profile as a file of the run.

    Raises:
        OSError, SpoolFull: as `log_files`.
        TypeError: no profile.
        ValueError: no name for a file.
    """
    from lineal._profiles.document import Profile

    if not isinstance(profile, Profile):
        raise TypeError(f"{type(profile).__qualname__} is no lineal.Profile")
    path = f"{FOLDER}/{_file_name(name)}{SUFFIX}"
    with tempfile.TemporaryDirectory(prefix="lineal-profile-") as folder:
        place = Path(folder) / "profile"
        place.write_bytes(profile.to_bytes())
        log_files(sender, find_files(place, path))


def _file_name(name: str) -> str:
    """A dataset may be called anything, a file not."""
    found = re.sub(r"[\\/\x00-\x1f]+", "-", name).strip(" .-")
    if not found:
        raise ValueError(f"{name!r} is no name for a profile")
    return found
