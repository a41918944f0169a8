"""Group commit: callers that wait at the same time are served together, by whichever of them came first.

One transaction costs a few statements and one flush of the disk, whether it carries one small write or fifty. The busier a
process is, the more callers wait while one works, so groups grow by themselves; a lone caller waits for nobody.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil, inf
from typing import Generic, TypeVar

from core.errors import TooMany

T = TypeVar("T")
R = TypeVar("R")


class Overloaded(TooMany):
    """More waits than is let wait. Nothing of what was brought is done."""

    code = "overloaded"
    title = "Too much waits already"

    def __init__(self, retry_after_s: float) -> None:
        whole_s = max(1, ceil(retry_after_s))
        super().__init__(f"More waits to be stored than may; try again in {whole_s} s.", retry_after_s=whole_s)


class _Place(Generic[T, R]):
    """A place in the queue: what its caller brought, since when it waits, and what came of it."""

    __slots__ = ("error", "item", "leads", "result", "since", "turn", "weight")

    def __init__(self, item: T, weight: int) -> None:
        self.item = item
        self.weight = weight
        self.since = time.monotonic()
        self.turn = threading.Event()
        self.leads = False
        self.result: R | None = None
        self.error: BaseException | None = None


class Grouped(Generic[T, R]):
    """`submit` hands an item in and returns its own result, worked out for several items at once.

    `work` gets the items in order of arrival and returns as many results; a result that is an exception is raised to its
    caller alone. What `work` itself raises is raised to every caller of the group. It runs in the thread of one of them.

    What waits is bounded: by `most_weight`, as `weigh` tells it of each item, and by `patience_s` of the one that has waited
    longest. An item that finds nobody waiting is taken whatever its weight.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R | Exception]],
        *,
        most: int,
        weigh: Callable[[T], int] = lambda _: 1,
        most_weight: float = inf,
        patience_s: float = inf,
    ) -> None:
        self._work = work
        self._most = most
        self._weigh = weigh
        self._most_weight = most_weight
        self._patience_s = patience_s
        self._waiting: deque[_Place[T, R]] = deque()
        self._weight = 0
        self._lock = threading.Lock()
        self._working = False

    def submit(self, item: T) -> R:
        """Raises Overloaded, and what `work` gives for the item or raises."""
        (outcome,) = self.submit_all([item])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def submit_all(self, items: Sequence[T]) -> list[R | Exception]:
        """Results and exceptions of several items, in their order. Raises Overloaded, and what `work` itself raises."""
        places = self._queue([_Place[T, R](item, self._weigh(item)) for item in items])
        for place in places:  # those in front are served no later, so whoever is to lead is looked at in time
            if not place.leads:
                place.turn.wait()
            if place.leads:
                self._lead()
        for place in places:
            if place.error is not None and not isinstance(place.error, Exception):
                raise place.error
        return [place.error if isinstance(place.error, Exception) else place.result for place in places]  # type: ignore[misc]

    def _queue(self, places: list[_Place[T, R]]) -> list[_Place[T, R]]:
        if not places:
            return places
        weight = sum(place.weight for place in places)
        with self._lock:
            if self._waiting:
                self._refuse_overload(weight)
            self._waiting.extend(places)
            self._weight += weight
            places[0].leads, self._working = not self._working, True
        return places

    def _refuse_overload(self, weight: int) -> None:
        if self._weight + weight > self._most_weight:
            raise Overloaded(1)
        if time.monotonic() - self._waiting[0].since > self._patience_s:
            raise Overloaded(self._patience_s)

    def _lead(self) -> None:
        """Work for the first in the queue, this caller among them; then pass the lead on."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._weight -= sum(place.weight for place in group)
        try:
            self._settle(group, self._work([place.item for place in group]))
        except BaseException as exc:  # noqa: BLE001 - each caller of the group hears of it, this one too
            for place in group:
                place.error = exc
        finally:
            self._pass_on()
            for place in group:
                place.turn.set()

    def _settle(self, group: Sequence[_Place[T, R]], results: Sequence[R | Exception]) -> None:
        for place, result in zip(group, results, strict=True):
            if isinstance(result, Exception):
                place.error = result
            else:
                place.result = result

    def _pass_on(self) -> None:
        with self._lock:
            self._working = bool(self._waiting)
            if self._waiting:
                heir = self._waiting[0]
                heir.leads = True
                heir.turn.set()
