"""Deployments over time as a drawing: a lane for each place that serves, a bar for each version's stay. Moments in, coordinates out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH = 1040.0  # px of the drawing
LABEL_WIDTH, RIGHT, TOP, LANE, BAR, GROUP = 216.0, 12.0, 26.0, 26.0, 16.0, 24.0
LABEL_CHARS = 30
CHAR_PX = 6.6  # of 11 px text, about
MOST_TICKS = 8
STEPS = (1, 3, 6, 12, 24, 48, 24 * 7, 24 * 14, 24 * 30, 24 * 91, 24 * 365)  # hours between ticks


@dataclass(frozen=True, slots=True)
class Span:
    """One stay: `end` is None while it lasts. `tone` is plan (what was promoted), ok (serves it) or warn (serves another)."""

    start: datetime
    end: datetime | None
    label: str
    title: str
    url: str
    tone: str


@dataclass(frozen=True, slots=True)
class Lane:
    label: str
    group: str  # the environment; lanes of one stand together
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    text_x: float
    text_y: float
    label: str  # empty where there is no room
    title: str
    url: str
    tone: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Row:
    y: float
    text_y: float
    label: str
    title: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Heading:
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    text: str
    moment: str  # as `?as_of=` takes it


@dataclass(frozen=True, slots=True)
class Timeline:
    width: float
    height: float
    left: float
    rows: Sequence[Row]
    headings: Sequence[Heading]
    ticks: Sequence[Tick]
    at_x: float | None  # of the moment asked about
    at: str
    now_x: float | None


def timeline(
    lanes: Sequence[Lane], *, start: datetime, end: datetime, at: datetime | None, now: datetime
) -> Timeline | None:
    """None where no lane has a bar in that time. Lanes keep their order."""
    scale = _Scale(start, end)
    rows: list[Row] = []
    headings: list[Heading] = []
    y, group = TOP, None
    for lane in lanes:
        bars = [bar for span in lane.spans if (bar := _bar(span, scale, y, now)) is not None]
        if not bars:
            continue
        if lane.group != group:
            group = lane.group
            headings.append(Heading(y + 16, group))
            y += GROUP
            bars = [bar for span in lane.spans if (bar := _bar(span, scale, y, now)) is not None]
        rows.append(Row(y, y + LANE / 2 + 4, _cut(lane.label, LABEL_CHARS), lane.label, bars))
        y += LANE
    if not rows:
        return None
    return Timeline(
        width=WIDTH,
        height=y + 6,
        left=LABEL_WIDTH,
        rows=rows,
        headings=headings,
        ticks=_ticks(scale),
        at_x=scale.x(at) if at is not None and start <= at <= end else None,
        at=at.strftime("%Y-%m-%d %H:%M UTC") if at else "",
        now_x=scale.x(now) if start <= now <= end else None,
    )


class _Scale:
    def __init__(self, start: datetime, end: datetime) -> None:
        self.start, self.end = start, end
        self._seconds = max(1.0, (end - start).total_seconds())

    def x(self, moment: datetime) -> float:
        share = (moment - self.start).total_seconds() / self._seconds
        return round(LABEL_WIDTH + (WIDTH - LABEL_WIDTH - RIGHT) * min(1.0, max(0.0, share)), 1)


def _bar(span: Span, scale: _Scale, y: float, now: datetime) -> Bar | None:
    end = span.end or max(now, span.start)
    if end < scale.start or span.start > scale.end:
        return None
    x = scale.x(span.start)
    width = max(3.0, scale.x(end) - x)
    room = int((width - 10) / CHAR_PX)
    return Bar(
        x=x,
        y=y + (LANE - BAR) / 2,
        width=round(width, 1),
        text_x=x + 5,
        text_y=y + LANE / 2 + 4,
        label=span.label if len(span.label) <= room else "",
        title=span.title,
        url=span.url,
        tone=span.tone,
        is_open=span.end is None,
    )


def _ticks(scale: _Scale) -> list[Tick]:
    """At round hours or days, as many as have room."""
    hours = (scale.end - scale.start).total_seconds() / 3600
    step = timedelta(hours=next((each for each in STEPS if hours / each <= MOST_TICKS), STEPS[-1] * 4))
    moment = scale.start.replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        moment = moment.replace(hour=0)
    pattern = "%m-%d %H:%M" if step < timedelta(days=1) else "%Y-%m-%d"
    found = []
    while moment <= scale.end:
        if moment >= scale.start:
            found.append(Tick(scale.x(moment), moment.strftime(pattern), moment.strftime("%Y-%m-%dT%H:%M")))
        moment += step
    return found


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
