"""What was proven a moment ago: a small memory of tokens and projects, so that a busy training job costs no query to
let in.

A change made in this process holds at once: services call `forget_all` when they commit. A change made in another
process holds within `LIFETIME_S`. Two seconds keep a stolen token's life after its revocation below what a person
would notice, and already spare all but one look-up in thousands: at 1,500 requests a second a token is read once in
3,000 requests.
"""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connection, transaction

LIFETIME_S = 2.0
MOST_ENTRIES = 10_000  # about 10 MB; a flood of distinct keys starts over instead of growing

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    until: float


class Recent(Generic[V]):
    """Values by key for `LIFETIME_S`. Inside a transaction it stays out of the way: what is read there may be rolled
    back.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept[V]] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], V]) -> V:
        """The value kept for `key`, or what `load` gives. An exception of `load` passes through and is not kept."""
        if connection.in_atomic_block:
            return load()
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept.until:
            return kept.value
        generation = self._generation
        value = load()
        self._keep(key, value, generation)
        return value

    def _keep(self, key: Hashable, value: V, generation: int) -> None:
        with self._lock:
            if generation != self._generation:  # a change was committed while we read: the value may be the old one
                return
            if len(self._kept) >= MOST_ENTRIES:
                self._kept.clear()
            self._kept[key] = _Kept(value, time.monotonic() + LIFETIME_S)

    def forget_all(self) -> None:
        with self._lock:
            self._generation += 1
            self._kept.clear()


_memories: list[Recent] = []


def memory() -> Recent:
    """A new memory that `forget_all` empties with the others."""
    made: Recent = Recent()
    _memories.append(made)
    return made


def forget_all() -> None:
    """Drop everything in this process, now."""
    for kept in _memories:
        kept.forget_all()


def forget_on_commit() -> None:
    """Drop everything in this process once the transaction at hand is committed; at once outside a transaction."""
    transaction.on_commit(forget_all)
