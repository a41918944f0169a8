"""Processor time that processes have used: it tells the cost of an act even where others use the machine as well. Linux."""

import os
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """Of a process and of all that descend from it now, and of those it has waited for."""
    parents = {int(entry.name): _parent(entry) for entry in PROC.iterdir() if entry.name.isdigit()}
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(_used(member) for member in family)


def of_named(pid: int, name: str) -> float:
    """Of those children that are called `name` (a fork has its parent's command line, and a name of its own), and of theirs."""
    parents = {int(entry.name): _parent(entry) for entry in PROC.iterdir() if entry.name.isdigit()}
    children = {child for child, parent in parents.items() if parent == pid}
    return sum(seconds(child) for child in children if _name(child) == name)


def _parent(entry: Path) -> int:
    fields = _fields(int(entry.name))
    return int(fields[1]) if fields else 0


def _used(pid: int) -> float:
    fields = _fields(pid)
    return sum(int(field) for field in fields[11:13]) / TICKS if fields else 0.0


def _fields(pid: int) -> list[str]:
    """proc(5): what follows the command's name, from the state on."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""
