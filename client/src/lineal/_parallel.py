"""One function on many things, from a few threads; and one thing after the other, beside what the caller does."""

import queue
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

THREADS = 4


def in_parallel(function: Callable[[Any], None], items: Iterable[Any], threads: int = THREADS) -> None:
    """Call `function` on each item from a few threads. The first error ends the rest and is raised; Ctrl-C lets them begin nothing more.

    Works at the interpreter's exit too, where no thread can be started: then one after the other.
    """
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    errors: list[Exception] = []
    interrupted = threading.Event()

    def work() -> None:
        while not errors and not interrupted.is_set():
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                function(item)
            except Exception as exc:  # noqa: BLE001 - whatever it is, the caller raises it: a thread that ends of it tells nobody
                errors.append(exc)

    helpers = _started(work, min(threads, waiting.qsize()) - 1)
    try:
        work()
        for helper in helpers:
            helper.join()
    except BaseException:
        interrupted.set()  # what is under way ends by itself; nobody waits for it
        raise
    if errors:
        raise errors[0]


def _started(work: Callable[[], None], count: int) -> list[threading.Thread]:
    started = []
    for _ in range(count):
        thread = threading.Thread(target=work, name="lineal-transfer", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            break
        started.append(thread)
    return started


class Beside:
    """Calls made one after the other in a thread of its own, at most one of them behind; in a `with` block, which ends when they have.

    What a call raises is raised by the next one, or at the end. Without a thread, as at the interpreter's exit, the caller's is taken.
    """

    def __init__(self) -> None:
        self._calls: queue.Queue[tuple[Callable[[Any], object], Any] | None] = queue.Queue(1)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def call(self, function: Callable[[Any], object], argument: Any) -> None:
        """Soon. Waits while two calls are under way."""
        if self._error is not None:
            raise self._error
        if self._thread is None:
            started = _started(self._work, 1)
            if not started:
                function(argument)
                return
            self._thread = started[0]
        self._calls.put((function, argument))

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._error is None:
                try:
                    call[0](call[1])
                except BaseException as exc:  # noqa: BLE001 - as above
                    self._error = exc

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()
        if self._error is not None and kind is None:
            raise self._error
