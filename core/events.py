"""How lower rooms tell upper ones: a fact is announced by name, and each subscriber gets a job of its own for it."""

from collections import defaultdict
from typing import Any

from core import jobs

_subscribers: dict[str, list[str]] = defaultdict(list)


def subscribe(event: str, job_name: str) -> None:
    """Have job `job_name` run with the event's payload each time `event` is announced. Called at app-ready."""
    if job_name not in _subscribers[event]:
        _subscribers[event].append(job_name)


def announce(event: str, /, **payload: Any) -> None:
    """Tell the subscribers of `event`, in the same transaction as the fact itself. Payload values are JSON."""
    jobs.enqueue_all(promises(event, **payload))


def promises(event: str, /, **payload: Any) -> list[jobs.Promise]:
    """What `announce` enqueues, for whoever has more to enqueue and one statement for all of it."""
    return [(name, payload) for name in _subscribers[event]]


def subscribers(event: str) -> list[str]:
    return list(_subscribers[event])
