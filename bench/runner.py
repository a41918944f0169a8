"""Scenarios in turn: Lineal's rows with their limits, then the peers', on one machine in one run; printed, and written if asked."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from bench import beside, report
from bench.beside import QUICK, TOOLS, Beside, Sizes, Wish
from bench.comparison import comparison
from bench.cores import one_core
from bench.measures import COMPARED, MEASURES
from bench.plot import Curves
from bench.sheet import Sheet, print_sheet, write_into
from bench.table import Row, print_table

DOCS = Path(__file__).parents[1] / "docs"
Found = Sequence[Row | Sheet | Curves]
Measuring = Callable[[Path], Found]


@dataclass
class Outcome:
    """What one scenario gave."""

    name: str
    about: str
    taken_on: str
    rows: list[Row] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    curves: list[Curves] = field(default_factory=list)
    others: Beside = field(default_factory=Beside)


def main(arguments: list[str], scenarios: Mapping[str, Measuring]) -> int:
    wish = _parsed(arguments, scenarios)
    compares = Wish(wish.tools, wish.databases, _sizes(wish))
    if wish.quick:
        wish.megabytes = compares.sizes.megabytes  # of ours too: a small file costs more a byte
    failed = 0
    for name in wish.names:
        try:
            outcome = run(name, scenarios.get(name), compares, wish)
        except (RuntimeError, OSError, AssertionError, subprocess.SubprocessError) as exc:  # the others may go well
            print(f"FAILED {name}: {type(exc).__name__}: {exc}", file=sys.stderr)
            failed = 1
            continue
        _print(outcome)
        if wish.write:
            write(outcome, DOCS)
        if wish.json:
            report.write_json(wish.json, name, as_json(outcome))
    return failed


def run(name: str, measuring: Measuring | None, compares: Wish, wish: argparse.Namespace) -> Outcome:
    """One scenario: ours first, then each peer. Without a `measuring` of ours only the peers' side is taken."""
    module = sys.modules[measuring.__module__] if measuring else None
    outcome = Outcome(name, (module.__doc__ or "").strip() if module else "", report.machine())
    compared = getattr(module, "PEERS", None) or COMPARED.get(name, {})
    unknown = [measure for measure in compared.values() if measure not in MEASURES]
    if unknown:
        raise ValueError(f"{name}: PEERS names {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    load = beside.load_now()
    if measuring and module:
        _set(module, wish)
        _sort(_measured(name, measuring), outcome)
    if compared and compares.tools:
        measures = _with_siblings(compared.values())
        with _step(f"{name}, others"), tempfile.TemporaryDirectory(prefix="lineal-bench-") as folder:
            outcome.others = beside.measure(measures, compares, Path(folder))
        outcome.sheets.append(comparison(name, compared, outcome.rows, outcome.others, measures, load=load))
    return outcome


def write(outcome: Outcome, docs: Path) -> None:
    """The scenario's section in the page, in the place of the one before, and its figures in JSON beside it.

    A section on drift has its place in another page.
    """
    if outcome.name.startswith("drift-"):
        for sheet in outcome.sheets:
            write_into(docs / "drift.md", sheet.name, f"{sheet.to_markdown()}\n\n{report.where()}")
        return
    for each in outcome.curves:
        each.draw(docs / "images")
    report.write(
        docs / "benchmarks.md",
        outcome.name,
        outcome.about,
        outcome.taken_on,
        outcome.rows,
        sheets=outcome.sheets,
        figures=[each.to_markdown() for each in outcome.curves],
    )
    report.write_json(docs / "benchmarks.json", outcome.name, as_json(outcome))


def as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "date": report.today(),
        "machine": outcome.taken_on,
        "rows": [{**asdict(row), "times_the_limit": row.ratio} for row in outcome.rows],
        "sheets": [asdict(sheet) for sheet in outcome.sheets],
        "curves": [asdict(curves) for curves in outcome.curves],
        "others": [{**asdict(side), "unit": MEASURES[side.measure].unit} for side in outcome.others.sides],
        "not_measured": outcome.others.missing,
    }


def _parsed(arguments: list[str], scenarios: Mapping[str, Measuring]) -> argparse.Namespace:
    known = [*scenarios, *(name for name in COMPARED if name not in scenarios)]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Lineal's speed beside the machine's limits and beside other tools. See bench/README.md.",
        epilog=f"Scenarios: drift (all of drift-…), {', '.join(known)}. Commands with options of their own: load.",
    )
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help="all of them without one")
    parser.add_argument(
        "--peers", type=_tools, dest="tools", default=TOOLS, help="mlflow,trackio,aim,wandb (default: all), or none"
    )
    parser.add_argument(
        "--database",
        choices=["sqlite", "postgresql", "both"],
        default="both",
        help="of peers' servers, and of our scenarios that let one choose",
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md and .json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="put the figures into this file")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="less of everything for the peers, of searches and of pages, and a smaller large file: minutes, not an hour",
    )
    parser.add_argument("--runs", type=_count, help="that peers search among (10,000)")
    parser.add_argument("--points", type=_count, help="of a peer's long series (1,000,000)")
    parser.add_argument("--megabytes", type=_count, help="of the large file (1,000)")
    wish = parser.parse_args(arguments)
    wish.names = _expanded(wish.names, known)
    if unknown := [name for name in wish.names if name not in known]:
        parser.error(f"no scenario is named {', '.join(unknown)}; there are drift, {', '.join(known)}")
    wish.databases = ["sqlite", "postgresql"] if wish.database == "both" else [wish.database]
    return wish


def _tools(text: str) -> tuple[beside.Tool, ...]:
    named = {tool.name: tool for tool in TOOLS}
    wanted = [] if text == "none" else text.split(",")
    if unknown := [name for name in wanted if name not in named]:
        raise argparse.ArgumentTypeError(f"no peer is named {', '.join(unknown)}; there are {', '.join(named)}")
    return tuple(named[name] for name in wanted)


def _count(text: str) -> int:
    value = int(text.replace(",", "").replace("_", ""))
    if value < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return value


def _expanded(names: list[str], known: list[str]) -> list[str]:
    if "drift" in names:
        at = names.index("drift")
        names = [*names[:at], *(name for name in known if name.startswith("drift-")), *names[at + 1 :]]
    return names or known


def _sizes(wish: argparse.Namespace) -> Sizes:
    given = {name: getattr(wish, name) for name in ("runs", "points", "megabytes") if getattr(wish, name)}
    return replace(QUICK if wish.quick else Sizes(), **given)


def _set(module: ModuleType, wish: argparse.Namespace) -> None:
    """What a module has by the name of an option follows the option."""
    for name in ("runs", "points", "megabytes", "databases", "tools", "quick"):
        value = getattr(wish, name)
        if value is not None and not callable(getattr(module, name, callable)):
            setattr(module, name, value)


def _with_siblings(measures: Iterable[str]) -> list[str]:
    """Every measure that comes of the same acts, so that nothing that was measured is kept back."""
    acts = {MEASURES[name].act for name in measures}
    return [name for name, measure in MEASURES.items() if measure.act in acts]


def _measured(name: str, measuring: Measuring) -> Found:
    with _step(name), tempfile.TemporaryDirectory(prefix="lineal-bench-") as folder:
        if not name.startswith("drift-"):
            return measuring(Path(folder))
        with one_core():
            return measuring(Path(folder))


@contextmanager
def _step(name: str) -> Iterator[None]:
    print(f"{name} …", file=sys.stderr, end="", flush=True)
    begun = time.monotonic()
    yield
    print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def _sort(found: Found, outcome: Outcome) -> None:
    outcome.rows += [each for each in found if isinstance(each, Row)]
    outcome.sheets += [each for each in found if isinstance(each, Sheet)]
    outcome.curves += [each for each in found if isinstance(each, Curves)]


def _print(outcome: Outcome) -> None:
    if outcome.rows:
        print_table(outcome.rows)
    for sheet in outcome.sheets:
        print_sheet(sheet)
    for curves in outcome.curves:
        print_sheet(curves.to_sheet())
