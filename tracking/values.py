"""Keys and values as they are logged: what may be stored, and how a scalar becomes text."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracking.limits import HEAD_LENGTH, KEY_LENGTH, PARAM_VALUE_LENGTH, TAG_VALUE_LENGTH

Scalar = str | int | float | bool | None

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SPELLED = {"Infinity": math.inf, "-Infinity": -math.inf, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True)
class ParamValue:
    """A param as stored: its text, the type it was given as (`Param.Kind`), and its number where it is one."""

    text: str
    kind: str
    number: float | None

    @property
    def head(self) -> str:
        return self.text[:HEAD_LENGTH]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something in a batch that can never be stored, so that a client need not send it again."""

    kind: str  # "metric", "param", "tag", "input" or "output"
    key: str
    detail: str
    stored: Any = None
    given: Any = None


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a write: what was refused, and whether anything in the store is other than before."""

    rejected: Sequence[Rejected] = ()
    changed: bool = False


def spell(value: Scalar) -> ParamValue:
    """Numbers as Python writes them shortest, booleans and null as JSON does; text stays as it is.

    Text that is a number also gets `number`, because other trackers' clients send nothing but text.
    """
    if value is None:
        return ParamValue("null", "n", None)
    if isinstance(value, bool):
        return ParamValue("true" if value else "false", "b", None)
    if isinstance(value, int):
        return ParamValue(str(value), "i", _as_float(value))
    if isinstance(value, float):
        return ParamValue(_float_text(value), "f", None if math.isnan(value) else value)
    return ParamValue(value, "s", number_in(value))


def unspell(text: str, kind: str) -> Scalar:
    """The scalar that `spell` was given; numbers that our JSON cannot carry (beyond 64 bits, not finite) stay text."""
    if kind == "i":
        whole = int(text)
        return whole if -(2**63) <= whole < 2**64 else text
    if kind == "f":
        value = float(text)
        return value if math.isfinite(value) else text
    if kind == "b":
        return text == "true"
    return None if kind == "n" else text


def number_in(text: str) -> float | None:
    """The number that `text` spells in full, or None. NaN is not a number that could be compared."""
    if len(text) <= 400 and _NUMBER.fullmatch(text):
        return float(text)
    return _SPELLED.get(text)


def problem_of_key(key: str) -> str | None:
    """Why `key` cannot name a metric, param or tag; None if it can."""
    if not key:
        return "The key is empty."
    if len(key) > KEY_LENGTH:
        return f"The key has {len(key)} characters; at most {KEY_LENGTH} are kept."
    if not key.isprintable() and has_control(key):
        return "The key holds control characters."
    return None


def problem_of_param(text: str) -> str | None:
    if len(text) > PARAM_VALUE_LENGTH:
        return (
            f"The value has {len(text)} characters; a param holds at most {PARAM_VALUE_LENGTH}. Log it as an artifact."
        )
    return "The value holds a NUL character." if "\0" in text else None


def problem_of_tag(text: str) -> str | None:
    if len(text) > TAG_VALUE_LENGTH:
        return f"The value has {len(text)} characters; a tag holds at most {TAG_VALUE_LENGTH}."
    return "The value holds a NUL character." if "\0" in text else None


def has_control(text: str) -> bool:
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)
