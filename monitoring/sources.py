"""Where a source's files may lie, and which are a window's. Links are followed before anything is compared, so that none
leads out of the folders that the server's owner named. A folder may be one of a bucket, `s3://bucket/prefix`.
"""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from core import s3

MOST_FILES = 1_000  # of one window
SUFFIX = ".parquet"
SCHEME = "s3://"
READ_LIMIT_S = 20
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
    if pattern.startswith(SCHEME):
        return _below(pattern, roots)
    if "\0" in pattern or not Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise NotReadable("A path is absolute and has no '..' in it.")
    fixed = Path(pattern.partition("%")[0] + "x").parent if "%" in pattern else Path(pattern)
    _inside(fixed, roots)
    return pattern


def files_for(pattern: str, start: datetime, roots: Sequence[str]) -> list[str]:
    """The Parquet files of the window from `start` on, links resolved, by name. Raises NotReadable if there are none, or too
    many, or some lie outside of `roots`.
    """
    named = start.astimezone(UTC).strftime(pattern)
    if named.startswith(SCHEME):
        return _counted(_listed(_below(named, roots)), named)
    path = Path(named)
    found = [path] if _inside(path, roots).is_file() else sorted(path.rglob(f"*{SUFFIX}"))
    return _counted([str(_inside(file, roots)) for file in found if file.is_file()], named)


def _counted(files: list[str], named: str) -> list[str]:
    if not files:
        raise NotReadable(f"There are no {SUFFIX} files at {named}.")
    if len(files) > MOST_FILES:
        raise NotReadable(f"There are more than {MOST_FILES} files at {named}, which is the most.")
    return files


def _inside(path: Path, roots: Sequence[str]) -> Path:
    real = path.resolve()
    folders = (Path(root).resolve() for root in roots if not root.startswith(SCHEME))
    if not any(real.is_relative_to(folder) for folder in folders):
        raise NotReadable(f"{path} does not lie in a folder that LINEAL_DATA_ROOTS names.")
    return real


def _below(address: str, roots: Sequence[str]) -> str:
    """An address in a bucket, compared as text: a store knows no links and no `..`."""
    parts = address.removeprefix(SCHEME).rstrip("/").split("/")
    if not all(parts) or {".", ".."} & set(parts) or any(letter in address for letter in "\0?#*"):
        raise NotReadable("An address in a bucket looks like s3://bucket/folder, without '..'.")
    if not any(
        f"{address.rstrip('/')}/".startswith(f"{root.rstrip('/')}/") for root in roots if root.startswith(SCHEME)
    ):
        raise NotReadable(f"{address} does not lie in a folder that LINEAL_DATA_ROOTS names.")
    return address


def _listed(address: str) -> list[str]:
    """The Parquet object of this name, or those below it, by name; one more than may be."""
    place = s3.parse_place(address)
    client = s3.new_client(read_limit_s=READ_LIMIT_S)
    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.folder)
        keys = (found["Key"] for page in pages for found in page.get("Contents", []))
        ours = (key for key in keys if key.endswith(SUFFIX) and f"{key}/".startswith(f"{place.folder}/"))
        return [f"{SCHEME}{place.bucket}/{key}" for key in itertools.islice(ours, MOST_FILES + 1)]
    except s3.errors() as exc:
        raise NotReadable(f"{address} cannot be listed: {s3.code_of(exc) or type(exc).__name__}.") from exc
