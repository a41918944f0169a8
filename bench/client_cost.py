"""What logging costs the training thread, beside appending to a list."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench.table import Row
from tests.server import running_server

CALLS = 20_000


def measure(folder: Path) -> list[Row]:
    import lineal

    with running_server(folder) as server:
        client = lineal.Client(url=server.url, token=server.token)
        with client.start_run("bench") as run:
            one = _median_us(lambda step: run.log({"loss": 0.5}, step=step))
            ten = _median_us(lambda step: run.log({f"m{key}": 0.5 for key in range(10)}, step=step))
        stored = client.get_run(run.id)["metrics"]["loss"]["count"]
    if stored != CALLS:
        raise RuntimeError(f"{stored} of {CALLS} points arrived")
    return [
        Row("log one metric", "µs", one, _append(1), "appending a tuple to a list", more_is_better=False),
        Row("log a dict of ten", "µs", ten, _append(10), "appending ten tuples to a list", more_is_better=False),
    ]


def _append(count: int) -> float:
    kept: list[tuple[str, int, float]] = []

    def append(step: int) -> None:
        for key in range(count):
            kept.append((f"m{key}", step, 0.5))  # noqa: PERF401 - appending is what is measured

    return _median_us(append)


def _median_us(act: Callable[[int], object]) -> float:
    """Median of single calls, microseconds."""
    taken = []
    for step in range(CALLS):
        begun = time.perf_counter_ns()
        act(step)
        taken.append(time.perf_counter_ns() - begun)
    return statistics.median(taken) / 1_000
