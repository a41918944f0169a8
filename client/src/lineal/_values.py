"""What may be logged: numbers as metrics, scalars as params, text as tags. Anything else is turned away with a reason."""

import json
import numbers
from collections.abc import Mapping
from typing import Any

Scalar = str | int | float | bool | None

_INT64 = 1 << 63


class NotLoggable(ValueError):
    """A value that cannot be stored; the message says what was given and what is taken."""


def number(value: Any) -> float:
    """A metric's value: Python and numpy numbers, booleans as 0 and 1, and arrays or tensors of one element. NaN and infinities stay.

    Raises:
        NotLoggable: it is no number.
    """
    if isinstance(value, float | int):
        return _float(value)
    item = getattr(value, "item", None)
    if item is not None:
        try:
            value = item()
        except Exception as exc:
            raise NotLoggable(f"{_kind(value)} does not hold a single number") from exc
    if isinstance(value, numbers.Real) or _is_decimal(value):
        return _float(value)
    raise NotLoggable(f"a metric is a number, not {_kind(value)}")


def _float(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError, TypeError) as exc:
        raise NotLoggable(f"{_kind(value)} does not fit a 64-bit float") from exc


def _is_decimal(value: Any) -> bool:
    return type(value).__name__ == "Decimal" and type(value).__module__ in ("decimal", "_decimal", "_pydecimal")


def scalar(value: Any) -> Scalar:
    """A param's value: scalars as they are, numpy scalars as Python's, lists and dicts as JSON, everything else as its text."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)  # of a subclass too, as numpy's
    if isinstance(value, int):
        return int(value) if -_INT64 <= value < _INT64 else str(int(value))
    return text(_json(value) if isinstance(value, dict | list | tuple) else value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return str(value)


def text(value: Any) -> str:
    """`str(value)` as valid Unicode of the class `str` itself: what cannot be encoded becomes a question mark."""
    found = str(value)
    return found if type(found) is str and found.isascii() else found.encode("utf-8", "replace").decode()


def whole_step(step: Any) -> int:
    """A step as an int64; numpy integers and whole floats count.

    Raises:
        NotLoggable: it is no whole number, or too large.
    """
    try:
        whole = int(step)
        exact = whole == step and -_INT64 <= whole < _INT64
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact:
        raise NotLoggable(f"a step is a whole number of 64 bits, not {step!r:.80}")
    return whole


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys: `{"optimizer": {"lr": 1}}` is `{"optimizer.lr": 1}`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{text(key)}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def _kind(value: Any) -> str:
    shape = getattr(value, "shape", None)
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{name} of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else name
