"""`make bench`: what Lineal does on this machine, beside what the machine could do at best. No timed tests, only ratios.

    python -m bench                 # all scenarios
    python -m bench ingest          # one of them
    python -m bench lineage --write # another, and its section in docs/benchmarks.md
    python -m bench artifacts --megabytes 100   # with a smaller file than 1 GB
    python -m bench search --runs 10000         # with a smaller store than 100,000 runs
    python -m bench seed --home FOLDER          # nothing but such a store, to look at with `lineal up`; see its --help
    python -m bench drift           # those of drift, whose tables go into docs/drift.md with --write
    python -m bench load --users 30 --seconds 60 --database postgresql   # many users at once; see its --help

Each scenario measures its physical limit in the same run; points are read back and compared, so that speed without the
data counts as failure.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from bench import artifacts, client_cost, history, ingest, lineage, profile, report, search
from bench.cores import one_core
from bench.drift import agreement, alarms, sequential, speed, windows
from bench.load import command as load
from bench.seed import command as seed
from bench.sheet import Sheet, print_sheet, write_into
from bench.table import Row, print_table

SCENARIOS: dict[str, Callable[[Path], Sequence[Row | Sheet]]] = {
    "client": client_cost.measure,
    "ingest": ingest.measure,
    "history": history.measure,
    "artifacts": artifacts.measure,
    "profile": profile.measure,
    "lineage": lineage.measure,
    "search": search.measure,
    "drift-agreement": agreement.measure,
    "drift-alarms": alarms.measure,
    "drift-windows": windows.measure,
    "drift-sequential": sequential.measure,
    "drift-speed": speed.measure,
}
DOCS = Path(__file__).parents[1] / "docs"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["seed"]:
        return seed.main(arguments[1:])
    if arguments[:1] == ["load"]:
        return load.main(arguments[1:])
    if "--megabytes" in arguments:
        at = arguments.index("--megabytes")
        artifacts.megabytes = int(arguments[at + 1])
        arguments = [*arguments[:at], *arguments[at + 2 :]]
    if "--runs" in arguments:
        at = arguments.index("--runs")
        most = int(arguments[at + 1])
        search.sizes = (*(size for size in search.SIZES if size < most), most)
        arguments = [*arguments[:at], *arguments[at + 2 :]]
    write = "--write" in arguments
    names = _expanded([name for name in arguments if name != "--write"])
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(
            f"No scenario is named {', '.join(unknown)}; there are drift, load, {', '.join(SCENARIOS)}.",
            file=sys.stderr,
        )
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}; SQLite, local store\n")
    rows: list[Row] = []
    for name in names:
        where, taken_on = _where(), report.machine()
        found = _measure(name)
        of_name = [row for row in found if isinstance(row, Row)]
        sheets = [each for each in found if isinstance(each, Sheet)]
        if write and of_name:
            report.write(DOCS / "benchmarks.md", name, _about(name), taken_on, of_name, sheets=sheets)
        for sheet in sheets:
            print_sheet(sheet)
            if write and not of_name:
                write_into(DOCS / "drift.md", sheet.name, f"{sheet.to_markdown()}\n\n{where}")
        rows += of_name
    if rows:
        print_table(rows)
    return 0


def _expanded(names: list[str]) -> list[str]:
    if "drift" in names:
        at = names.index("drift")
        names = [*names[:at], *(name for name in SCENARIOS if name.startswith("drift-")), *names[at + 1 :]]
    return names or list(SCENARIOS)


def _measure(name: str) -> Sequence[Row | Sheet]:
    print(f"{name} …", file=sys.stderr, end="", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lineal-bench-") as folder:
        if not name.startswith("drift-"):
            found = SCENARIOS[name](Path(folder))
        else:
            with one_core():
                found = SCENARIOS[name](Path(folder))
    print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return found


def _about(name: str) -> str:
    """What a scenario's module says of itself."""
    return (sys.modules[SCENARIOS[name].__module__].__doc__ or "").strip()


def _where() -> str:
    """Under each table: what it was measured with, and what else the machine did then."""
    load = f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "pyarrow", "scikit-learn"))
    return (
        f"*Measured {time.strftime('%Y-%m-%d')} on one core of {os.cpu_count()} ({platform.machine()}, {platform.system()}),"
        f" Python {platform.python_version()}, {packages}{load}.*"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
