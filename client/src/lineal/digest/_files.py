"""The digest of one file: plain SHA-256 of its bytes, as `sha256sum` prints it, behind the prefix `sha256:`."""

import hashlib
import os
from pathlib import Path


def file(path: str | os.PathLike[str]) -> str:
    """`sha256:` and 64 hex digits of the file's bytes. Reads the whole file, about 1 GB/s.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
