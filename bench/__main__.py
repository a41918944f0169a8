"""`make bench`: what Lineal does on this machine, beside what the machine could do at best, and beside other tools.

    python -m bench                          # all scenarios, with every peer that can be installed
    python -m bench ingest --peers none      # one of them, ours and the limits alone
    python -m bench search --peers mlflow --database postgresql --runs 100000
    python -m bench lineage --write          # another, and its section in docs/benchmarks.md and .json
    python -m bench drift                    # those of drift, whose tables go into docs/drift.md with --write
    python -m bench load --users 30 --seconds 60 --database postgresql   # many users at once; see its --help
    python -m bench seed --runs 100000 --home DIR   # a store to look at, not to measure with; see its --help

No timed tests, only ratios: each scenario measures its physical limit in the same run, and points are read back and compared, so that
speed without the data counts as failure. bench/README.md tells the rest.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import (
    artifacts,
    client_cost,
    compaction,
    footprint,
    growth,
    history,
    ingest,
    ledger,
    lineage,
    pages,
    profile,
    registry,
    runner,
    search,
    small_flushes,
)
from bench.drift import agreement, alarms, sequential, speed, windows
from bench.load import command as load
from bench.plot import Curves
from bench.seed import command as seed
from bench.sheet import Sheet
from bench.table import Row

SCENARIOS: dict[str, Callable[[Path], Sequence[Row | Sheet | Curves]]] = {
    "client": client_cost.measure,
    "ingest": ingest.measure,
    "small_flushes": small_flushes.measure,
    "compaction": compaction.measure,
    "history": history.measure,
    "artifacts": artifacts.measure,
    "profile": profile.measure,
    "lineage": lineage.measure,
    "ledger": ledger.measure,
    "footprint": footprint.measure,
    "growth-points": growth.measure_points,
    "search": search.measure,
    "registry": registry.measure,
    "pages": pages.measure,
    "drift-agreement": agreement.measure,
    "drift-alarms": alarms.measure,
    "drift-windows": windows.measure,
    "drift-sequential": sequential.measure,
    "drift-speed": speed.measure,
}


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["seed"]:
        return seed.main(arguments[1:])
    if arguments[:1] == ["load"]:
        return load.main(arguments[1:])
    return runner.main(arguments, SCENARIOS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
