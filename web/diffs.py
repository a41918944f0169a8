"""What changed between two texts, or between two records, as lines and fields that a page can show."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from audit.opened import ALTERED, ERASED, WITHHELD

CONTEXT_LINES = 3
STAND_INS = frozenset({ALTERED, ERASED, WITHHELD})  # two values that are not shown may differ
MOST_LINES = 4_000  # of a diff that a page shows; difflib is quadratic in the worst case


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is "add", "del", "at" (where a hunk begins), "file" or "", by which the style sheet colours it."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record before and after. `kind` is "add", "del", "change" or "same"."""

    name: str
    before: str
    after: str
    kind: str


def lines_of(diff: str) -> list[Line]:
    """The lines of a unified diff as `git diff` writes it."""
    return [Line(_kind(line), line) for line in diff.splitlines()[:MOST_LINES]]


def _kind(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "index ")):
        return "file"
    return {"+": "add", "-": "del", "@": "at"}.get(line[:1], "")


def between(before: str, after: str) -> list[Line]:
    """What `after` adds and takes away, with a few lines around each change. Empty where the two say the same."""
    found = difflib.unified_diff(
        before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES], n=CONTEXT_LINES, lineterm=""
    )
    return [Line(_kind(line), line) for line in list(found)[2:]]


def fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Field]:
    """Field by field, by name. A record that was or is not there counts as one without fields."""
    return list(_fields(before or {}, after or {}))


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Field]:
    for name in sorted({*before, *after}):
        was, now = _text(before, name), _text(after, name)
        if name not in before:
            yield Field(name, "", now, "add")
        elif name not in after:
            yield Field(name, was, "", "del")
        else:
            yield Field(name, was, now, "same" if was == now and was not in STAND_INS else "change")


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
