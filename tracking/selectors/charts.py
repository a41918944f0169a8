"""Charts: many series at once, thinned, each whole or from where its reader stopped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tracking.metrics.downsample import LEAST_POINTS, Stretched, buckets_of, outline, thin_parts
from tracking.metrics.points import Points, concat
from tracking.selectors.points import Name, Piece, chunks_of, outlines, payloads, points_of, read_settled

Span = tuple[int, int]  # steps, both ends in it

WIDEST = 16  # buckets that a chunk may lie across and still be drawn from its outline: half a bucket for each stretch
DECODED_AT_ONCE = 2_000_000  # points in memory: some 50 MB


@dataclass(frozen=True, slots=True)
class Chart:
    """`points`, oldest step first, stand for those that arrived after the first `since`, of `count` there are in all; of a span of
    steps, `count` is how many lie in it.
    """

    points: Points
    count: int
    since: int = 0

    @property
    def is_thinned(self) -> bool:
        return len(self.points) < self.count - self.since


def read_charts(
    run_ids: Sequence[int],
    keys: Sequence[str],
    *,
    max_points: int,
    since: Mapping[Name, int] | None = None,
    steps: Span | None = None,
) -> dict[Name, Chart]:
    """The chart of each series there is of these runs and keys, spikes kept. At most six queries, whatever their number.

    `steps` cuts a stretch out of each, both ends in it, which is then thinned by itself: so a reader who looks closer sees more.

    `since` is the `count` of an earlier chart: only what arrived later is told. Where a series has fewer points than
    that, as after a restored backup, its chart is told from the start, with a `since` of 0. The same points give the
    same chart, whether a worker has moved them into chunks or not. Where more than DECODED_AT_ONCE points have to be read in
    full, series are taken in turns, each turn with a query more.
    """
    known = since or {}
    return read_settled(run_ids, keys, lambda series: _charts(series, known, max(max_points, LEAST_POINTS), steps))


def _charts(
    series: Mapping[Name, Sequence[Piece]], known: Mapping[Name, int], max_points: int, steps: Span | None
) -> dict[Name, Chart]:
    plans: Mapping[Name, _Plan] = {
        name: _Cut(pieces, steps, max_points) if steps else _Plan(pieces, known.get(name, 0), max_points)
        for name, pieces in series.items()
    }
    seen = outlines([pk for plan in plans.values() for pk in plan.from_afar])
    found: dict[Name, Chart] = {}
    for some in _within_memory(plans, seen):
        whole = payloads([pk for name in some for pk in plans[name].in_full(seen)])
        found |= {name: plans[name].chart(seen, whole) for name in some}
    return found


def _within_memory(plans: Mapping[Name, "_Plan"], seen: Mapping[int, Stretched]) -> Iterator[list[Name]]:
    """As many series at once as have DECODED_AT_ONCE points to be read in full, and at least one."""
    some: list[Name] = []
    weight = 0
    for name, plan in plans.items():
        if some and weight + plan.weight(seen) > DECODED_AT_ONCE:
            yield some
            some, weight = [], 0
        some.append(name)
        weight += plan.weight(seen)
    if some:
        yield some


class _Plan:
    """What a chart reads of each piece: all of it, or only its outline where that is finer than the chart."""

    def __init__(self, pieces: Sequence[Piece], known: int, max_points: int) -> None:
        self._count = pieces[-1].before + pieces[-1].count
        self._since = known if known <= self._count else 0
        self._max_points = max_points
        pieces = [piece for piece in pieces if piece.before + piece.count > self._since]
        self._pieces = [(piece, outlined) for piece, outlined in zip(pieces, self._are_outlined(pieces), strict=True)]
        self.from_afar = chunks_of(piece for piece, outlined in self._pieces if outlined)

    def _are_outlined(self, pieces: Sequence[Piece]) -> list[bool]:
        """Whole ones which lie across few buckets: a stretch of them is finer than a bucket."""
        if self._count - self._since <= self._max_points:
            return [False] * len(pieces)
        reach = max(piece.last_step for piece in pieces) - min(piece.first_step for piece in pieces)
        widest = WIDEST * reach / buckets_of(self._max_points)
        return [p.before >= self._since and p.last_step - p.first_step <= widest for p in pieces]

    def in_full(self, seen: Mapping[int, Stretched]) -> list[int]:
        return [pk for pk in chunks_of(piece for piece, _ in self._pieces) if pk not in seen]

    def weight(self, seen: Mapping[int, Stretched]) -> int:
        """Points that are read in full."""
        return sum(piece.count for piece, _ in self._pieces if isinstance(piece.held, int) and piece.held not in seen)

    def chart(self, seen: Mapping[int, Stretched], whole: Mapping[int, Points]) -> Chart:
        parts = [self._part(piece, outlined, seen, whole) for piece, outlined in self._pieces]
        if self._count - self._since <= self._max_points:
            points = concat([part for part in parts if isinstance(part, Points)]).by_step()
        else:
            points = thin_parts(parts, max_points=self._max_points)
        return Chart(points, self._count, self._since)

    def _part(
        self, piece: Piece, outlined: bool, seen: Mapping[int, Stretched], whole: Mapping[int, Points]
    ) -> Points | Stretched:
        if isinstance(piece.held, int) and piece.held in seen:
            return seen[piece.held]
        points = points_of(piece, whole)[max(0, self._since - piece.before) :]
        return outline(points.by_step()) if outlined else points.by_step()


class _Cut(_Plan):
    """A plan of the points between two steps. Pieces that lie across an end are read in full."""

    def __init__(self, pieces: Sequence[Piece], steps: Span, max_points: int) -> None:
        self._first, self._last = steps
        within = [piece for piece in pieces if piece.first_step <= self._last and piece.last_step >= self._first]
        self._count = sum(piece.count for piece in within)
        self._since = 0
        self._max_points = max_points
        self._pieces = [(piece, outlined) for piece, outlined in zip(within, self._are_outlined(within), strict=True)]
        self.from_afar = chunks_of(piece for piece, outlined in self._pieces if outlined)

    def _are_outlined(self, pieces: Sequence[Piece]) -> list[bool]:
        if self._count <= self._max_points:
            return [False] * len(pieces)
        reach = min(self._last, max(p.last_step for p in pieces)) - max(self._first, min(p.first_step for p in pieces))
        widest = WIDEST * max(reach, 0) / buckets_of(self._max_points)
        return [
            self._first <= p.first_step and p.last_step <= self._last and p.last_step - p.first_step <= widest
            for p in pieces
        ]

    def chart(self, seen: Mapping[int, Stretched], whole: Mapping[int, Points]) -> Chart:
        afar: list[Points | Stretched] = []
        near: list[Points] = []
        count = 0
        for piece, outlined in self._pieces:
            part = self._part(piece, outlined, seen, whole)
            if isinstance(part, Stretched):
                count += piece.count
                afar.append(part)
                continue
            part = part[(part.steps >= self._first) & (part.steps <= self._last)]
            if len(part):
                count += len(part)
                afar.append(part)
                near.append(part)
        if count <= self._max_points and len(near) == len(afar):
            return Chart(concat(near).by_step(), count)
        return Chart(thin_parts(afar, max_points=self._max_points), count)
