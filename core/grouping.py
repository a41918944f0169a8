"""Group commit: callers that wait at the same time are served together, by whichever of them came first.

One transaction costs a few statements and one flush of the disk, whether it carries one small write or fifty. The busier a
process is, the more callers wait while one works, so groups grow by themselves; a lone caller waits for nobody.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Place(Generic[T, R]):
    """A caller's place in the queue: what it brought, and what came of it."""

    __slots__ = ("error", "item", "leads", "result", "turn")

    def __init__(self, item: T) -> None:
        self.item = item
        self.turn = threading.Event()
        self.leads = False
        self.result: R | None = None
        self.error: BaseException | None = None


class Grouped(Generic[T, R]):
    """`submit` hands an item in and returns its own result, worked out for several items at once.

    `work` gets the items in order of arrival and returns as many results; a result that is an exception is raised to its
    caller alone. What `work` itself raises is raised to every caller of the group. It runs in the thread of one of them.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R | Exception]], *, most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[_Place[T, R]] = deque()
        self._lock = threading.Lock()
        self._working = False

    def submit(self, item: T) -> R:
        place: _Place[T, R] = _Place(item)
        with self._lock:
            self._waiting.append(place)
            place.leads, self._working = not self._working, True
        if not place.leads:
            place.turn.wait()
        if place.leads:
            self._lead()
        if place.error is not None:
            raise place.error
        return place.result  # type: ignore[return-value]  # set with the turn, unless there is an error

    def _lead(self) -> None:
        """Work for the first in the queue, this caller among them; then pass the lead on."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            self._settle(group, self._work([place.item for place in group]))
        except BaseException as exc:
            for place in group:
                place.error = exc
            raise
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
