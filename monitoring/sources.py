"""Where a source's files may lie, and which are a window's. Links are followed before anything is compared, so that none
leads out of the folders that the server's owner named.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

MOST_FILES = 1_000  # of one window
SUFFIX = ".parquet"
_TOKENS = frozenset("YmdHM")


class NotReadable(ValueError):
    """A path that no source may have, or that has nothing for this window; the message says which."""


def check_pattern(pattern: str, roots: Sequence[str]) -> str:
    """`pattern`, if it lies below one of `roots`. Raises NotReadable."""
    if not roots:
        raise NotReadable("This server reads no files: LINEAL_DATA_ROOTS names no folder.")
    parts = pattern.split("%")[1:]
    if any(part[:1] not in _TOKENS for part in parts if part) or not all(parts):
        raise NotReadable("In a path %Y, %m, %d, %H and %M stand for the window's start; there is no other %.")
    if "\0" in pattern or not Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise NotReadable("A path is absolute and has no '..' in it.")
    fixed = Path(pattern.partition("%")[0] + "x").parent if "%" in pattern else Path(pattern)
    _inside(fixed, roots)
    return pattern


def files_for(pattern: str, start: datetime, roots: Sequence[str]) -> list[str]:
    """The Parquet files of the window from `start` on, links resolved, by name. Raises NotReadable if there are none, or too
    many, or some lie outside of `roots`.
    """
    path = Path(start.astimezone(UTC).strftime(pattern))
    found = [path] if _inside(path, roots).is_file() else sorted(path.rglob(f"*{SUFFIX}"))
    files = [str(_inside(file, roots)) for file in found if file.is_file()]
    if not files:
        raise NotReadable(f"There are no {SUFFIX} files at {path}.")
    if len(files) > MOST_FILES:
        raise NotReadable(f"There are {len(files)} files at {path}, and {MOST_FILES} is the most.")
    return files


def _inside(path: Path, roots: Sequence[str]) -> Path:
    real = path.resolve()
    if not any(real.is_relative_to(Path(root).resolve()) for root in roots):
        raise NotReadable(f"{path} does not lie in a folder that LINEAL_DATA_ROOTS names.")
    return real
