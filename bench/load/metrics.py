"""What training code logs here: the same for the same names, so that what is stored is compared without keeping what was sent."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.wire import pack

BATCHES = 8  # a run
STEPS = 25  # a batch
KEYS = tuple(f"m{at}" for at in range(10))


@dataclass
class Logged:
    """What one run's writer has sent: up to `acknowledged` for certain, up to `in_flight` perhaps."""

    writer: str
    acknowledged: int = 0
    in_flight: int = 0


def batch(writer: str, sequence: int) -> bytes:
    return pack(writer, sequence, {key: columns(writer, sequence, key) for key in KEYS})


def columns(writer: str, sequence: int, key: str) -> tuple[Sequence[int], Sequence[int], Sequence[float]]:
    """Steps, times in µs, values."""
    noise = random.Random(f"{writer}{sequence}{key}")
    steps = range((sequence - 1) * STEPS, sequence * STEPS)
    return steps, [1_700_000_000_000_000 + step * 1_000 for step in steps], [noise.random() for _ in steps]
