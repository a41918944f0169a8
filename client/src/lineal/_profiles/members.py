"""Reading a JSON document strictly: each value with the place where it stands, for the error that names it."""

import math
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from typing import Any

from lineal._errors import InvalidProfile

INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}
LARGEST_COUNT = 1 << 53  # whole numbers beyond it are not safe in JSON, and a million rows a second take centuries


def written(number: float | None) -> float | str | None:
    """A double as JSON has it."""
    if number is None or math.isfinite(number):
        return number
    return "Infinity" if number > 0 else "-Infinity"


class Member:
    """One value of a document. Each method gives it as what it has to be, or raises InvalidProfile."""

    def __init__(self, value: Any, place: str) -> None:
        self.value = value
        self.place = place

    def wrong(self, words: str) -> InvalidProfile:
        return InvalidProfile(f"{self.place}: {words}")

    @property
    def is_null(self) -> bool:
        return self.value is None

    def members(self, *names: str, optional: Sequence[str] = ()) -> "dict[str, Member]":
        """An object with exactly these members; `optional` ones may be absent."""
        found = self.mapping()
        missing = [name for name in names if name not in found]
        unknown = [name for name in found if name not in names and name not in optional]
        if missing or unknown:
            told = [*(f"{name!r} is missing" for name in missing), *(f"{name!r} is unknown" for name in unknown)]
            raise self.wrong(", ".join(told))
        return found

    def mapping(self) -> "dict[str, Member]":
        if not isinstance(self.value, dict) or not all(isinstance(name, str) for name in self.value):
            raise self.wrong("not an object")
        if not all(_is_unicode(name) for name in self.value):
            raise self.wrong("a name with half a character")
        return {name: Member(value, f"{self.place}.{name}") for name, value in self.value.items()}

    def items(self, *, most: int) -> "list[Member]":
        if not isinstance(self.value, list):
            raise self.wrong("not a list")
        if len(self.value) > most:
            raise self.wrong(f"{len(self.value)} items, at most {most} are expected")
        return [Member(value, f"{self.place}[{at}]") for at, value in enumerate(self.value)]

    def pair(self) -> "tuple[Member, Member]":
        found = self.items(most=2)
        if len(found) != 2:
            raise self.wrong("not a pair")
        return found[0], found[1]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("not a text")
        if not _is_unicode(self.value):
            raise self.wrong("a text with half a character")
        return self.value

    def one_of(self, *choices: str) -> str:
        if self.value not in choices or not isinstance(self.value, str):
            raise self.wrong(f"{_short(self.value)} is none of {', '.join(choices)}")
        return self.value

    def hex(self, digits: int) -> str:
        text = self.text()
        if len(text) != digits or not set(text) <= set("0123456789abcdef"):
            raise self.wrong(f"not {digits} hex digits")
        return text

    def count(self) -> int:
        """A whole number of things, from 0."""
        if type(self.value) is not int or not 0 <= self.value <= LARGEST_COUNT:
            raise self.wrong(f"{_short(self.value)} is no count")
        return self.value

    def number(self) -> float:
        """A double; infinities are texts."""
        if isinstance(self.value, str) and self.value in INFINITIES:
            return INFINITIES[self.value]
        return self.finite()

    def finite(self) -> float:
        if type(self.value) is not float and type(self.value) is not int:
            raise self.wrong(f"{_short(self.value)} is no number")
        try:
            found = float(self.value)
        except OverflowError:
            found = math.inf
        if not math.isfinite(found):
            raise self.wrong("a number beyond the range of doubles")
        return found + 0.0  # -0.0 is 0.0

    def binary(self, *, most: int) -> bytes:
        """Bytes in base64, at most `most` of them."""
        text = self.text()
        if len(text) > (most + 2) // 3 * 4:
            raise self.wrong(f"longer than {most} bytes")
        try:
            return b64decode(text, validate=True)
        except (NotBase64, ValueError) as error:
            raise self.wrong("not base64") from error


def _is_unicode(text: str) -> bool:
    """JSON can spell half of a surrogate pair, which no UTF-8 can."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def unique(members: "Sequence[Member]", values: Iterator[Any]) -> None:
    """Raise for the first that is there a second time."""
    seen: set[Any] = set()
    for member, value in zip(members, values, strict=True):
        if value in seen:
            raise member.wrong(f"{_short(value)} is there twice")
        seen.add(value)
