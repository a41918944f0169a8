"""LIKE and ILIKE with one meaning on every database.

`%` stands for any run of characters, `_` for exactly one, a backslash before `%`, `_` or `\\` for that character itself.
The pattern has to match the whole text. LIKE tells upper from lower case. ILIKE matches a letter of the pattern with
that letter in its upper, lower or title case as Unicode's simple mappings have it ("ä" finds "Ä"; "ß" does not find
"SS"). The variants are written out into the pattern, because databases disagree on what case is: SQLite knows that of
ASCII only, PostgreSQL that of its locale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Lookup
from django.db.models.sql.compiler import SQLCompiler

ANY_RUN, ANY_ONE = "%", "_"


@dataclass(frozen=True, slots=True)
class Pattern:
    text: str
    ignore_case: bool = False

    def parts(self) -> Iterator[tuple[str, bool]]:
        """Each character with whether it is a wildcard."""
        for match in re.finditer(r"\\([\\%_])|(.)", self.text, re.DOTALL):
            yield (match[1], False) if match[1] else (match[2], match[2] in {ANY_RUN, ANY_ONE})

    def variants(self, character: str) -> list[str]:
        """The characters that may stand for this one; itself first."""
        if not self.ignore_case:
            return [character]
        cases = [character, character.lower(), character.upper(), character.title()]
        return list(dict.fromkeys(case for case in cases if len(case) == 1))


def as_glob(pattern: Pattern) -> str:
    """For SQLite's GLOB, which tells case apart, where LIKE does not."""
    wild = {ANY_RUN: "*", ANY_ONE: "?"}
    return "".join(wild[part] if is_wild else _glob_set(pattern.variants(part)) for part, is_wild in pattern.parts())


def as_like(pattern: Pattern) -> str:
    r"""For PostgreSQL's LIKE with ESCAPE '\'."""
    return "".join(part if is_wild or part not in r"\%_" else f"\\{part}" for part, is_wild in pattern.parts())


def as_regex(pattern: Pattern) -> str:
    """For PostgreSQL's `~`: literal characters, sets of them, and two wildcards, so nothing that could take long.

    "***:" would be read as a switch at the beginning, hence the anchor first.
    """
    wild = {ANY_RUN: ".*", ANY_ONE: "."}
    body = "".join(wild[part] if is_wild else _regex_set(pattern.variants(part)) for part, is_wild in pattern.parts())
    return f"^{body}$"


class Matches(Lookup):
    """The text on the left matches the whole `Pattern` on the right."""

    lookup_name = "matches_pattern"
    prepare_rhs = False
    output_field = BooleanField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        text, params = self.process_lhs(compiler, connection)
        return f"{text} GLOB %s", [*params, as_glob(self.rhs)]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        text, params = self.process_lhs(compiler, connection)
        if self.rhs.ignore_case:
            return f'{text} COLLATE "C" ~ %s', [*params, as_regex(self.rhs)]
        return f"{text} LIKE %s ESCAPE '\\'", [*params, as_like(self.rhs)]


def _glob_set(characters: list[str]) -> str:
    if len(characters) == 1 and characters[0] not in "*?[":
        return characters[0]
    return f"[{''.join(characters)}]"


def _regex_set(characters: list[str]) -> str:
    """Letters and digits as they are, anything else by its number, so that nothing means anything to the regex."""
    spelled = [c if c.isascii() and c.isalnum() else f"\\U{ord(c):08x}" for c in characters]
    return spelled[0] if len(spelled) == 1 else f"[{''.join(spelled)}]"
