"""One function on many things, from a few threads."""

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any

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
