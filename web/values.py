"""Logged values in the words of a page."""

import math
from typing import Any


def shown_metric(value: float | None) -> float:
    """The last value of a metric that has points: where a summary holds None, it was NaN."""
    return math.nan if value is None else value


def plain(value: Any) -> str:
    """A param as it was given: booleans and nothing in lower case, as search writes them."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
