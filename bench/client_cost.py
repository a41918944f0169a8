"""What logging costs the thread that trains, beside appending to a list, and beside other trackers.

Each tool runs the same script, `bench/peers/logging_cost.py`, in a process of its own with the floor before it: every call is timed alone,
in a tight loop and 2 ms apart. The step loop computes 10 ms of pure Python a step and logs ten metrics; blocks of 30 steps with and
without logging take turns. What Lineal logged is read back from its server and compared, every point; a difference fails the run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.beside import TOOLS
from bench.client_peers import Tool, beside
from bench.peers import HERE
from bench.sheet import Sheet
from bench.table import Row, shown
from tests.server import running_server

SCRIPT = HERE / "logging_cost.py"
TARGETS_US = {"one": (0.8, 10.0), "ten": (2.5, 20.0)}  # p50, p99
TARGET_SLOWDOWN = 2.0  # percent
TARGET_DURABLE_S = 0.5
LABELS = {
    "one, tight": "log one metric, tight loop",
    "one, paced": "log one metric, 2 ms apart",
    "one, 4 threads": "log one metric, 4 threads",
    "ten, tight": "log a dict of ten, tight loop",
    "ten, paced": "log a dict of ten, 2 ms apart",
}

tools = TOOLS  # beside which ours is measured; `--peers`

Figures = dict[str, dict[str, Any]]


def measure(folder: Path) -> list[Row | Sheet]:
    floor, ours = _ours(folder)
    others = beside(folder, [tool.name for tool in tools])
    return [
        *(_call(name, ours[name], floor[name]) for name in LABELS),
        _slowdown(ours["step loop"], floor["step loop"]),
        _durable(ours["durable"], floor["durable"]),
        _sheet(floor, [Tool("lineal", ours), *others]),
    ]


def _ours(folder: Path) -> tuple[Figures, Figures]:
    with running_server(folder / "lineal") as server:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), "null", "lineal"],
            env=server.env | {"LINEAL_URL": server.url, "LINEAL_TOKEN": server.token},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    if done.returncode:
        raise RuntimeError(f"the client's figures are worth nothing: {done.stderr[-2_000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found["null"], found["lineal"]


def _call(name: str, ours: dict[str, float], floor: dict[str, float]) -> Row:
    p50, p99 = TARGETS_US[name[:3]]
    return Row(
        LABELS[name],
        "µs",
        ours["p50"],
        floor["p50"],
        "appending a tuple to a list",
        more_is_better=False,
        detail=(
            f"p99 {ours['p99']:.3g}, the limit's {floor['p99']:.3g}; slowest {ours['max'] / 1_000:.3g} ms, {floor['max'] / 1_000:.3g};"
            f" target {p50} at p50 {_met(ours['p50'], p50)}, {p99:g} at p99 {_met(ours['p99'], p99)}; {ours['n']:,} calls"
        ),
    )


def _slowdown(ours: dict[str, float], floor: dict[str, float]) -> Row:
    return Row(
        "a step of 10 ms of pure Python that logs ten metrics",
        "ms",
        ours["with_ms"],
        ours["without_ms"],
        "the same step without",
        more_is_better=False,
        detail=(
            f"{ours['wall']:+.1f} %, target {TARGET_SLOWDOWN:g} % {_met(ours['wall'], TARGET_SLOWDOWN)}; CPU of the whole process"
            f" {ours['cpu']:+.1f} %; appending to a list {floor['wall']:+.1f} % and {floor['cpu']:+.1f} %, which is noise;"
            f" median of pairs of blocks, {ours['n']} steps logged"
        ),
    )


def _durable(ours: dict[str, float], floor: dict[str, float]) -> Row:
    return Row(
        "20,000 points until the server has stored them",
        "ms",
        1_000 * ours["seconds"],
        1_000 * floor["seconds"],
        "appending them to a list",
        more_is_better=False,
        detail=f"target {1_000 * TARGET_DURABLE_S:g} {_met(ours['seconds'], TARGET_DURABLE_S)}; median of {ours['n']}",
    )


def _met(value: float, target: float) -> str:
    return "met" if value <= target else "MISSED"


def _sheet(floor: Figures, tools: list[Tool]) -> Sheet:
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    missing = " ".join(tool.trouble for tool in tools if tool.trouble)
    return Sheet(
        "client",
        "What a call costs the training thread, µs at p50 / p99",
        ("", *(LABELS[name] for name in LABELS), "step loop, % longer", "20,000 points kept, s"),
        [_line("append to a list", floor), *(_line(tool.name, tool.figures) for tool in tools if tool.figures)],
        "Each tool in a process of its own, with its own server or files where it has such, one after the other; slow calls were"
        f" measured for 2 s. Load {load} after. What 'kept' means is the tool's own: Lineal's and MLflow's servers have committed it,"
        f" the others have written files here.{' ' + missing if missing else ''}",
    )


def _line(name: str, figures: Figures) -> list[str]:
    calls = [f"{shown(figures[each]['p50'])} / {shown(figures[each]['p99'])}" for each in LABELS]
    kept = figures["durable"]["seconds"]
    return [name, *calls, f"{figures['step loop']['wall']:+.1f}", "more than 10" if kept is None else f"{kept:.2g}"]
