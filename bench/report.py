"""Figures of a run, written into a page: a section for each scenario, which only a later run of that scenario replaces."""

import json
import os
import platform
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.sheet import Sheet
from bench.table import COLUMNS, Row, cells

HEAD = """# Benchmarks

Figures of real runs, each section written by `python -m bench --write NAME` and by nothing else; the same figures are in
[benchmarks.json](benchmarks.json). They are times and rates of one machine: what tells something is the ratio to the limit and, where a
section has other tools, to theirs, all measured in the same run. How to take them, and what is compared:
[bench/README.md](../bench/README.md).
"""


def machine() -> str:
    """What the figures were taken on, and how busy it was before they were."""
    cpu = re.search(r"model name\s*: (.*)", _text("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _text("/proc/meminfo"))
    facts = [
        f"{os.cpu_count()} cores" + (f" of {cpu[1].strip()}" if cpu else ""),
        f"{int(memory[1]) / 2**20:.0f} GiB of memory" if memory else "",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else "",
    ]
    return ", ".join(fact for fact in facts if fact)


def write(
    page: Path,
    name: str,
    about: str,
    taken_on: str,
    rows: Sequence[Row],
    *,
    sheets: Sequence[Sheet] = (),
    figures: Sequence[str] = (),
) -> None:
    """Put the section of one scenario in the place of its old one, or at the end; its sheets stand below its rows."""
    table = "\n".join([_line(COLUMNS), _line(["---"] * len(COLUMNS)), *(_line(cells(row)) for row in rows)])
    parts = [about, f"{today()}: {taken_on}.", table if rows else "", *figures]
    parts += [f"{sheet.title}:\n\n{sheet.to_markdown()}" for sheet in sheets]
    write_section(page, name, "\n\n".join(filter(None, parts)))


def write_json(path: Path, name: str, figures: Mapping[str, Any]) -> None:
    """Put one scenario's figures in the place of its old ones; the others stay as they are."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    held[name] = figures
    path.write_text(json.dumps(held, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def where() -> str:
    """Under a table on drift: what it was measured with, and what else the machine did then."""
    load = f", load average {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "pyarrow", "scikit-learn"))
    return (
        f"*Measured {time.strftime('%Y-%m-%d')} on one core of {os.cpu_count()} ({platform.machine()}, {platform.system()}),"
        f" Python {platform.python_version()}, {packages}{load}.*"
    )


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def write_section(page: Path, name: str, body: str) -> None:
    """Put `body` under the heading `name`, in the place of what stood there, or at the end."""
    section = f"## {name}\n\n{body}"
    text = page.read_text() if page.exists() else HEAD
    sections = [each.rstrip() for each in re.split(r"(?m)^(?=## )", text)]
    found = [at for at, each in enumerate(sections) if each.splitlines()[0] == f"## {name}"]
    if found:
        sections[found[0]] = section
    else:
        sections.append(section)
    page.write_text("\n\n".join(sections) + "\n")


def _line(values: Sequence[str]) -> str:
    return f"| {' | '.join(value.replace('|', '/') for value in values)} |"


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
