"""The digest of a directory: SHA-256 of a manifest of its regular files, which `sha256sum -c` checks by itself."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from lineal.digest._files import file

UNCHECKABLE = ("\n", "\r", "\\")  # coreutils escapes these in a manifest line, or strips them when it checks one


def directory(path: str | os.PathLike[str], follow: bool = False) -> str:
    """`sha256:…` of `directory_manifest(path)`. Empty directories, modes, times and the order of creation do not count.

    Raises:
        ValueError: a name or an entry that no manifest can hold; the message names it.
        OSError: something cannot be read.
    """
    return manifest_digest(directory_manifest(path, follow))


def directory_manifest(path: str | os.PathLike[str], follow: bool = False) -> str:
    """Lines of `<hex>  <relative path>`, sorted by the UTF-8 bytes of the path: what `sha256sum -c` reads when it stands in `path`.

    `follow` reads through symbolic links; without it a link is refused, since its target may lie anywhere.

    Raises:
        ValueError: a symbolic link without `follow`, a loop of links, a socket or pipe, a name that is not UTF-8 or holds a line
            break or backslash, or two names that are equal after Unicode normalisation (NFC).
    """
    return manifest_of(directory_files(path, follow), file)


def manifest_of(files: list[tuple[str, Path]], digest: Callable[[Path], str]) -> str:
    """The manifest text of files that are already listed and sorted, with `digest` giving `sha256:…` for each."""
    return "".join(f"{digest(where).removeprefix('sha256:')}  {name}\n" for name, where in files)


def manifest_digest(manifest: str) -> str:
    """The digest that names a manifest: plain SHA-256 of its text."""
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def directory_files(path: str | os.PathLike[str], follow: bool = False) -> list[tuple[str, Path]]:
    """Every regular file below `path` as (relative POSIX path, where it is), sorted by the path's UTF-8 bytes.

    Raises:
        NotADirectoryError: `path` is something else.
        ValueError: as in `directory_manifest`.
    """
    root = Path(path)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a directory")
    files = [(name, root / name) for name in _walk(root, "", follow, frozenset({_identity(root)}))]
    for name, _ in files:
        _check_name(name)
    _check_normalised([name for name, _ in files])
    return sorted(files, key=lambda entry: entry[0].encode())


def _walk(root: Path, prefix: str, follow: bool, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    with os.scandir(root / prefix) as entries:
        found = list(entries)
    for entry in found:
        name = f"{prefix}{entry.name}"
        if entry.is_symlink() and not follow:
            raise ValueError(f"{name!r} is a symbolic link: pass follow=True to read through links")
        mode = entry.stat(follow_symlinks=follow).st_mode
        if stat.S_ISDIR(mode):
            here = _identity(root / name)
            if here in above:
                raise ValueError(f"{name!r} links back to a directory that holds it")
            yield from _walk(root, f"{name}/", follow, above | {here})
        elif stat.S_ISREG(mode):
            yield name
        else:
            raise ValueError(f"{name!r} is neither a file nor a directory")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r} is not valid UTF-8") from None
    if any(character in name for character in UNCHECKABLE):
        raise ValueError(f"{name!r} holds a line break or backslash, which `sha256sum -c` cannot check")


def _check_normalised(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            raise ValueError(f"{other!r} and {name!r} are the same name after Unicode normalisation (NFC)")
