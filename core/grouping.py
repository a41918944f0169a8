"""Group commit: callers that wait at the same time are served together, by one thread that does nothing else.

One transaction costs a few statements and one flush of the disk, whether it carries one small write or fifty. The busier a
process is, the more callers wait while one group is served, so groups grow by themselves; a lone caller waits for nobody. That
it is always the same thread keeps its connection, what the connection has prepared, and the pages that it has read.
"""

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil, inf
from typing import Generic, TypeVar

from core.errors import TooMany

T = TypeVar("T")
R = TypeVar("R")

REST_S = 5.0  # a thread that nobody came to for so long ends, and gives back what it holds


class Overloaded(TooMany):
    """More waits than is let wait. Nothing of what was brought is done."""

    code = "overloaded"
    title = "Too much waits already"

    def __init__(self, retry_after_s: float) -> None:
        whole_s = max(1, ceil(retry_after_s))
        super().__init__(f"More waits to be stored than may; try again in {whole_s} s.", retry_after_s=whole_s)


class _Place(Generic[T, R]):
    """A place in the queue: what its caller brought, since when it waits, and what came of it."""

    __slots__ = ("context", "error", "item", "result", "since", "turn", "weight")

    def __init__(self, item: T, weight: int, context: contextvars.Context) -> None:
        self.item = item
        self.weight = weight
        self.context = context
        self.since = time.monotonic()
        self.turn = threading.Lock()  # whoever takes it a second time waits until it is served
        self.turn.acquire()
        self.result: R | None = None
        self.error: BaseException | None = None


def _nothing() -> None:
    return None


class Grouped(Generic[T, R]):
    """`submit` hands an item in and returns its own result, worked out for several items at once.

    `work` gets the items in order of arrival and returns as many results; a result that is an exception is raised to its
    caller alone. What `work` itself raises is raised to every caller of the group. It runs in a thread of its own, in the
    context (request, trace) of the group's first caller; a thread that nobody needs for `REST_S` calls `rest` and ends. Callers for
    whom `alone` is true are served where they stand, and by themselves: what they have begun is their thread's.

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
        alone: Callable[[], bool] = lambda: False,
        rest: Callable[[], None] = _nothing,
    ) -> None:
        self._work = work
        self._most = most
        self._weigh = weigh
        self._most_weight = most_weight
        self._patience_s = patience_s
        self._alone = alone
        self._rest = rest
        self._waiting: deque[_Place[T, R]] = deque()
        self._weight = 0
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._stopping = False

    def submit(self, item: T) -> R:
        """Raises Overloaded, and what `work` gives for the item or raises."""
        (outcome,) = self.submit_all([item])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def submit_all(self, items: Sequence[T]) -> list[R | Exception]:
        """Results and exceptions of several items, in their order. Raises Overloaded, and what `work` itself raises where it is
        no plain exception.
        """
        context = contextvars.copy_context()
        places = [_Place[T, R](item, self._weigh(item), context) for item in items]
        if self._alone():
            for at in range(0, len(places), self._most):
                self._serve_group(places[at : at + self._most])
        else:
            self._queue(places)
        for place in places:
            place.turn.acquire()
        for place in places:
            if place.error is not None and not isinstance(place.error, Exception):
                raise place.error
        return [place.error if isinstance(place.error, Exception) else place.result for place in places]  # type: ignore[misc]

    def stop(self) -> None:
        """Have the thread end, once nobody waits, and wait for that: what it holds is about to be taken away. A later caller
        starts another.
        """
        with self._lock:
            thread, self._stopping = self._thread, True
            self._came.notify()
        if thread is not None:
            thread.join()
        self._stopping = False

    def _queue(self, places: Sequence[_Place[T, R]]) -> None:
        if not places:
            return
        weight = sum(place.weight for place in places)
        with self._lock:
            if self._waiting:
                self._refuse_overload(weight)
            self._waiting.extend(places)
            self._weight += weight
            if self._thread is None or not self._thread.is_alive():  # as in a fork, which has none of its parent's
                self._thread = threading.Thread(target=self._serve, name="lineal-group", daemon=True)
                self._thread.start()
            else:
                self._came.notify()

    def _refuse_overload(self, weight: int) -> None:
        if self._weight + weight > self._most_weight:
            raise Overloaded(1)
        if time.monotonic() - self._waiting[0].since > self._patience_s:
            raise Overloaded(self._patience_s)

    def _serve(self) -> None:
        while group := self._next_group():
            self._serve_group(group)
        self._rest()

    def _next_group(self) -> list[_Place[T, R]]:
        """The first in the queue, once there are any. Nobody, where none came for long: then this thread is not counted on any more."""
        with self._lock:
            self._came.wait_for(lambda: self._waiting or self._stopping, REST_S)
            if not self._waiting:
                self._thread = None
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._weight -= sum(place.weight for place in group)
            return group

    def _serve_group(self, group: Sequence[_Place[T, R]]) -> None:
        try:
            results = group[0].context.copy().run(self._work, [place.item for place in group])
            self._settle(group, results)
        except BaseException as exc:  # noqa: BLE001 - each caller of the group hears of it
            for place in group:
                place.error = exc
        finally:
            for place in group:
                place.turn.release()

    def _settle(self, group: Sequence[_Place[T, R]], results: Sequence[R | Exception]) -> None:
        for place, result in zip(group, results, strict=True):
            if isinstance(result, Exception):
                place.error = result
            else:
                place.result = result
