"""The one reader of artifact paths: what it lets through is canonical, and nothing else gets through."""

import posixpath
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Invalid
from tracking.artifacts.paths import MAX_BYTES, MAX_SEGMENT_BYTES, parse_path, parse_prefix

# published payloads against trackers and registries, and their relatives
PAYLOADS = [
    "",
    ".",
    "..",
    "../x",
    "a/../b",
    "a/..",
    "./a",
    "a/./b",
    "a//b",
    "a/",
    "/",
    "/etc/passwd",
    "//host/share",
    "..\\x",
    "a\\..\\b",
    "\\\\host\\share",
    "\\\\?\\C:\\x",
    "C:\\x",
    "C:/x",
    "c:x",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "e\u0301",  # NFD: would look like é
    "x" * (MAX_SEGMENT_BYTES + 1),
    "/".join(["x" * 200] * 6),
]
INERT = [
    "%2e%2e/x",
    "%252e%252e%252fx",
    "..%2fx",
    "..;/x",
    "a;b",
    "a#b",
    "a?b=c",
    "file:x/y",
    "http:x",
    "\u2024\u2024/x",  # one dot leaders
    "\uff0e\uff0e/x",  # full-width dots
    "...",
    "..a",
    "a..b/..c",
    "~root",
    "$HOME/x",
    "-rf",
    "modèle/poids.bin",
]


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_hostile_path_is_refused_and_the_field_named(text):
    with pytest.raises(Invalid) as refused:
        parse_path(text, field="files.0.path")

    (error,) = refused.value.extra["errors"]
    assert error["field"] == "files.0.path"
    assert error["detail"]


@pytest.mark.parametrize("text", INERT)
def test_what_only_looks_like_climbing_stays_text(text):
    """Nothing is decoded, not once and not twice: the name is the name."""
    assert parse_path(text) == text
    assert parse_prefix(f"{text}/") == text


pieces = st.sampled_from(
    ["..", ".", "/", "\\", "%2e", "%252e", "\0", "C:", ";", "#", "?", "a", "é", "\u2024", "//", " "]
)


@given(st.lists(pieces, max_size=12).map("".join) | st.text(max_size=40))
@example("a" * MAX_BYTES)
def test_what_is_accepted_is_canonical_on_every_system(text):
    try:
        path = parse_path(text)
    except Invalid:
        return

    assert path == text
    assert unicodedata.normalize("NFC", path) == path
    assert posixpath.normpath(path) == path
    assert not PurePosixPath(path).is_absolute()
    assert ".." not in PurePosixPath(path).parts
    windows = PureWindowsPath(path)
    assert not windows.drive
    assert not windows.root
    assert ".." not in windows.parts
    assert len(path.encode()) <= MAX_BYTES
    assert path.isprintable() or not any(unicodedata.category(each) == "Cc" for each in path)


def test_the_root_is_a_folder_to_list_and_no_file():
    assert parse_prefix("") == ""
    with pytest.raises(Invalid):
        parse_prefix("a//")
