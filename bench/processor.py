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


def of_part(pid: int, name: str) -> float:
    """Of that part of the `lineal up` that runs as `pid`, which names each of its forks. Raises RuntimeError where there is none."""
    parents = {int(entry.name): _parent(entry) for entry in PROC.iterdir() if entry.name.isdigit()}
    found = [child for child, parent in parents.items() if parent == pid and _name(child) == f"lineal-{name}"]
    if not found:
        raise RuntimeError(f"process {pid} has no part named {name}")
    return sum(seconds(child) for child in found)


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
