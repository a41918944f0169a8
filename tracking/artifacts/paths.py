"""The one place where a user's artifact path is read; past it there are only canonical paths.

A canonical path is relative, POSIX-separated, NFC, free of control characters and of `.` and `..` segments. Text that
merely looks encoded (`%2e%2e`) stays text: nothing is ever decoded here, and since bytes are stored under their SHA-256
a path never names a file of the server in the first place.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NewType

from core.errors import Invalid

ArtifactPath = NewType("ArtifactPath", str)

MAX_BYTES = 1_000  # below every store's and file system's limit, once a user downloads it again
MAX_SEGMENT_BYTES = 255  # the longest file name that ext4, APFS and NTFS can all hold

_DRIVE = re.compile(r"^[A-Za-z]:")


def parse_path(text: str, *, field: str = "path") -> ArtifactPath:
    """The path as given, once it has been found canonical; nothing is repaired silently.

    Raises:
        Invalid: empty, absolute, climbing, not NFC, too long, or with characters that no file should have; says which.
    """
    problem = _problem_of(text)
    if problem:
        raise Invalid("The artifact path is not acceptable.", errors=[{"field": field, "detail": problem}])
    return ArtifactPath(text)


def parse_prefix(text: str, *, field: str = "prefix") -> str:
    """A folder to list: a path, or nothing for the root; one closing slash is allowed."""
    text = text.removesuffix("/")
    return parse_path(text, field=field) if text else ""


def _problem_of(text: str) -> str | None:
    if not text:
        return "is empty; expected a relative path such as model/weights.bin"
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return _problem_of_characters(text) or _problem_of_root(text) or _problem_of_segments(text)


def _problem_of_characters(text: str) -> str | None:
    for character in text:
        category = unicodedata.category(character)
        if category in {"Cc", "Cs", "Zl", "Zp"}:
            return f"holds the control character U+{ord(character):04X}"
    if "\\" in text:
        return "holds a backslash; separate folders with /"
    if unicodedata.normalize("NFC", text) != text:
        return "is not in Unicode form NFC, so it would look like another path"
    return None


def _problem_of_root(text: str) -> str | None:
    if text.startswith("/"):
        return "is absolute; expected a relative path"
    if _DRIVE.match(text):
        return "begins with a drive letter; expected a relative path"
    return None


def _problem_of_segments(text: str) -> str | None:
    for segment in text.split("/"):
        if not segment:
            return "has an empty segment (// or a / at the end)"
        if segment in {".", ".."}:
            return f"has the segment {segment!r}"
        if len(segment.encode()) > MAX_SEGMENT_BYTES:
            return f"has a segment longer than {MAX_SEGMENT_BYTES} bytes"
    return None
