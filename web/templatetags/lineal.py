"""How values look on a page: digests, times, numbers, sizes, states. Formats only; nothing here decides or queries."""

import math
from datetime import UTC, datetime
from typing import Any

from django import template
from django.template.defaultfilters import stringfilter
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import clock
from web import bidi, diffs, icons

register = template.Library()

COPY_ICON = SafeString(
    '<svg viewBox="0 0 16 16" aria-hidden="true"><g class="leaves"><rect x="5.5" y="5.5" width="8" height="8" rx="1"/>'
    '<path d="M10.5 5.5v-3h-8v8h3"/></g><path class="tick" d="M3 8.5 6.5 12 13 4.5"/></svg>'
)
SHOWN_DIGITS = 12  # of a hash or run id: enough to tell by eye, and the copy button has the rest


@register.simple_tag
def digest(value: object, digits: int = SHOWN_DIGITS) -> str:
    """A hash or long id, shortened, with the whole of it in the title and behind a copy button."""
    if not value:
        return SafeString('<span class="quiet">none</span>')
    whole = str(value)
    prefix, _, rest = whole.rpartition(":")
    short = f"{prefix}:{rest[:digits]}" if prefix else rest[:digits]
    shown = short if short == whole else short + "…"
    return format_html('<span class="digest" title="{}"><code>{}</code>{}</span>', whole, shown, copy_button(whole))


@register.simple_tag
def copy_button(whole: object) -> str:
    """Hidden until the script that makes it work has loaded."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}"><span class="hidden">Copy {}</span>{}</button>',
        whole,
        whole,
        COPY_ICON,
    )


@register.simple_tag
def icon(name: str) -> str:
    """A picture of `web.icons`, hidden from who hears the page: a word stands beside it, or in the link's label."""
    path = icons.PATHS.get(name, "")
    if not path:
        return ""
    return format_html('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', path)


@register.simple_tag
def code(text: object, name: str = "") -> str:
    """A block of code with a copy button; `name` says above it what it is: a file, a language."""
    said = str(text)
    caption = format_html('<span class="name">{}</span>', name) if name else ""
    return format_html(
        '<div class="code">{}<pre tabindex="0"><code>{}</code></pre>{}</div>', caption, said, copy_button(said)
    )


@register.simple_tag
def diff(before: object, after: object | None = None) -> str:
    """What changed from one text to another; a single argument is a unified diff already."""
    found = diffs.lines_of(str(before)) if after is None else diffs.between(str(before), str(after))
    if not found:
        return SafeString('<p class="none">No difference.</p>')
    rows = format_html_join("", '<span class="{}">{}</span>', ((line.kind, line.text) for line in found))
    return format_html('<pre class="diff" tabindex="0">{}</pre>', rows)


@register.inclusion_tag("web/_fields.html")
def fields(before: Any, after: Any) -> dict[str, Any]:
    """Two records side by side, changed fields first; the equal ones fold away."""
    found = diffs.fields(before, after)
    return {
        "changed": [each for each in found if each.kind != "same"],
        "same": [each for each in found if each.kind == "same"],
    }


def as_moment(value: object) -> datetime | None:
    """A datetime from a datetime, ISO text or None. Raises ValueError for other text."""
    if value is None or value == "":
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC)


@register.simple_tag
def when(value: object) -> str:
    """A moment relative to now, with the exact UTC time in its title."""
    moment = as_moment(value)
    if moment is None:
        return SafeString('<span class="quiet">never</span>')
    iso = clock.text(moment)
    return format_html('<time datetime="{}" title="{}" data-relative>{}</time>', iso, exact(moment), relative(moment))


@register.simple_tag
def moment(value: object) -> str:
    """A moment as exact UTC time, for pages that are read as a record."""
    known = as_moment(value)
    if known is None:
        return SafeString('<span class="quiet">never</span>')
    return format_html('<time datetime="{}">{}</time>', clock.text(known), exact(known))


def exact(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") + f".{moment.microsecond:06d} UTC"


STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (60 * 86_400, 86_400, "d"))


def relative(moment: datetime) -> str:
    """`moment` as people say it: "now", "5 min ago", "in 3 d", and the date beyond two months. As times.js does."""
    seconds = (clock.now() - moment).total_seconds()
    distance = abs(seconds)
    if distance < 5:
        return "now"
    for below, unit, name in STEPS:
        if distance < below:
            return _said(int(distance // unit), name, past=seconds > 0)
    return moment.strftime("%Y-%m-%d")


def _said(count: int, unit: str, *, past: bool) -> str:
    return f"{count} {unit} ago" if past else f"in {count} {unit}"


@register.filter
def duration(start: datetime | None, end: datetime | None = None) -> str:
    """From `start` to `end`, or until now, in the two largest units."""
    if start is None:
        return ""
    seconds = ((end or clock.now()) - start).total_seconds()
    if seconds < 60:
        return f"{max(0.0, seconds):.1f} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if hours < 1:
        return f"{minutes} min {int(seconds % 60)} s"
    return f"{hours} h {minutes % 60} min" if days < 2 else f"{days} d {hours % 24} h"


SPANS = ((604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@register.filter
def span(seconds: int | None) -> str:
    """A length of time that somebody set, in words: 1 day, 90 minutes, 1 day 6 hours."""
    if not seconds:
        return "no time"
    whole = next((found for found in SPANS if seconds % found[0] == 0 and seconds // found[0] < 100), None)
    if whole is not None:
        return _counted(seconds // whole[0], whole[1])
    parts, left = [], int(seconds)
    for unit_s, name in SPANS:
        count, left = divmod(left, unit_s)
        parts += [_counted(count, name)] if count else []
    return " ".join(parts)


def _counted(count: int, name: str) -> str:
    return f"{count}\u202f{name}{'' if count == 1 else 's'}"


@register.filter
def number(value: object) -> str:
    """A number to six significant digits, integers whole with thin spaces; NaN and infinities by name."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return _grouped(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return _grouped(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


@register.filter
def short(value: object) -> str:
    """A number to three significant digits, for tables of statistics."""
    return f"{value:.3g}" if isinstance(value, int | float) and math.isfinite(value) else "–"


@register.filter
def signed(value: object) -> str:
    """A difference: as `number`, with a plus where it is one."""
    said = number(value)
    return f"+{said}" if isinstance(value, int | float) and value > 0 else said


def _grouped(value: int) -> str:
    return str(value) if abs(value) < 10_000 else f"{value:,}".replace(",", "\u202f")


@register.filter
def filesize(size_bytes: object) -> str:
    """Bytes in decimal units, as storage is sold: 999 B, 1.5 kB, 2.3 GB."""
    if size_bytes is None or size_bytes == "":
        return "–"
    size = float(str(size_bytes))
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    raise AssertionError  # the last unit always returns


# Each state has a tone, a sign and its own word, so that colour never carries the meaning alone.
TONES = {
    "ok": "✓",
    "warn": "!",
    "bad": "✕",
    "info": "●",
    "idle": "○",
}
STATES = {
    "finished": "ok", "verified": "ok", "promoted": "ok", "already": "ok", "pass": "ok", "ok": "ok", "approve": "ok",
    "delivered": "ok", "enabled": "ok", "committed": "ok", "content": "ok", "sealed": "ok", "active": "idle",
    "pending": "info", "running": "info", "requested": "info", "current": "info",
    "closed": "idle", "sent": "ok", "evaluated": "ok", "open": "warn", "acknowledged": "info",
    "suppressed": "idle", "dropped": "bad", "type_changed": "bad", "added": "warn",
    "waiting": "warn", "unverified": "warn", "unsealed": "warn", "missing": "warn", "declared": "warn",
    "failing": "warn", "path": "warn", "evidence_missing": "warn", "snapshot": "info", "candidate": "idle", "frozen": "warn",
    "critical": "bad", "dead": "bad", "failed": "bad", "killed": "bad", "fail": "bad", "gate_failed": "bad",
    "refused": "bad", "error": "bad", "deleted": "warn", "purged": "bad",
    "quarantined": "bad", "denied": "bad", "refuse": "bad", "holder_differs": "bad", "expired": "bad",
}  # fmt: skip


@register.simple_tag
def state(value: object, words: str = "") -> str:
    """A state as a small label: sign, word and colour."""
    if value is None or value == "":
        return ""
    tone = STATES.get(str(value), str(value) if value in TONES else "idle")
    said = words or str(value).replace("_", " ")
    return format_html('<span class="state {}"><span aria-hidden="true">{}</span>{}</span>', tone, TONES[tone], said)


QUESTIONS = {"missing": "missing values", "new_category": "new values"}  # of monitors; the others go by their own names


@register.filter
def question(kind: str) -> str:
    """What a monitor asked of a column, in a few words."""
    return QUESTIONS.get(kind, kind.replace("_", " "))


@register.filter(is_safe=True)
@stringfilter
def closed(text: str) -> str:
    """A name within `<bdi>`, of which nothing beside it is turned: see `web.bidi`."""
    return bidi.closed(text)


@register.filter
def listed(value: object) -> str:
    """A list in words, yes and no as JSON has them, anything else as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@register.filter
def at(mapping: Any, key: object) -> Any:
    """`mapping[key]`, or None: templates cannot look a variable key up by themselves."""
    return mapping.get(key) if mapping else None


@register.filter
def pairs(mapping: Any) -> list[tuple[str, Any]]:
    """A mapping's entries by key. Not `.items` in a template, which a logged key called "items" would shadow."""
    return sorted(mapping.items()) if mapping else []


@register.filter
def nth(items: Any, place: int) -> Any:
    """One of a sequence, by its place from 0."""
    return items[place]
