"""`make bench`: what Lineal does on this machine, beside what the machine could do at best. No timed tests, only ratios.

    python -m bench                 # all scenarios
    python -m bench ingest          # one of them
    python -m bench --write lineage # and its section in docs/benchmarks.md

Each scenario measures its physical limit in the same run; points are read back and compared, so that speed without the
data counts as failure.
"""

import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import client_cost, history, ingest, lineage, profile, report
from bench.table import Row, print_table

SCENARIOS: dict[str, Callable[[Path], list[Row]]] = {
    "client": client_cost.measure,
    "ingest": ingest.measure,
    "history": history.measure,
    "profile": profile.measure,
    "lineage": lineage.measure,
}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if name != "--write"]
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"No scenario is named {', '.join(unknown)}; there are {', '.join(SCENARIOS)}.", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}; SQLite, local store\n")
    rows: list[Row] = []
    for name in names or list(SCENARIOS):
        print(f"{name} …", file=sys.stderr, flush=True)
        taken_on, found = report.machine(), _measured(SCENARIOS[name])
        if "--write" in arguments:
            report.write(PAGE, name, _about(SCENARIOS[name]), taken_on, found)
        rows += found
    print_table(rows)
    return 0


def _measured(measure: Callable[[Path], list[Row]]) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="lineal-bench-") as folder:
        return measure(Path(folder))


def _about(measure: Callable[[Path], list[Row]]) -> str:
    """What a scenario's module says of itself."""
    return (sys.modules[measure.__module__].__doc__ or "").strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
