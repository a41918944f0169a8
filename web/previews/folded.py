"""A JSON value as nested parts that fold, of a bounded number of entries."""

import math
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MOST_ENTRIES = 1_000
DEEPEST = 30
OPEN_TO = 2  # levels that stand open at first
SHOWN_CHARACTERS = 2_000  # of one text


class _Budget:
    def __init__(self) -> None:
        self.left = MOST_ENTRIES


def folded(value: Any) -> SafeString:
    """HTML made by escaping alone."""
    return _part(value, _Budget(), 0)


def _part(value: Any, budget: _Budget, depth: int) -> SafeString:
    if isinstance(value, dict | list):
        return _container(value, budget, depth)
    return format_html('<span class="{}">{}</span>', _kind(value), _scalar(value))


def _container(value: dict[str, Any] | list[Any], budget: _Budget, depth: int) -> SafeString:
    marks = "{}" if isinstance(value, dict) else "[]"
    if not value:
        return format_html("<span>{}</span>", marks)
    words = f"{marks[0]} {len(value)} {'entry' if len(value) == 1 else 'entries'} {marks[1]}"
    if depth >= DEEPEST:
        return format_html('<span class="quiet">{}</span>', words)
    rows = []
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for shown, (key, item) in enumerate(entries):
        if budget.left <= 0:
            rows.append((SafeString(""), format_html('<span class="quiet">… {} more</span>', len(value) - shown)))
            break
        budget.left -= 1
        rows.append(
            (format_html('<span class="key">{}</span>: ', str(key)[:SHOWN_CHARACTERS]), _part(item, budget, depth + 1))
        )
    return format_html(
        '<details{}><summary>{}</summary><ul role="list">{}</ul></details>',
        SafeString(" open") if depth < OPEN_TO else SafeString(""),
        words,
        format_html_join("", "<li>{}{}</li>", rows),
    )


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "word"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:SHOWN_CHARACTERS]}{"…" if len(value) > SHOWN_CHARACTERS else ""}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return str(value)[:SHOWN_CHARACTERS]
