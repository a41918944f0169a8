"""What a server takes before anybody uses it: the time to its first answer, on a new home and on one that it has served before;
the memory of all that `lineal up` runs, idle; and the room that its environment takes on the disk.

Memory is PSS, added up over the tree of processes: what several share is counted once (Linux' `/proc/*/smaps_rollup`). The limits
are a Python that imports Django and does nothing else, and the packages of Django alone.
"""

import os
import signal
import statistics
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from bench.table import Row
from tests.server import free_port

STARTS = 3  # of which the median is told
IDLE_S = 10.0  # after the first answer: by then what is done once has been done
LIMIT_S = 60.0
START_TARGET_S, MEMORY_TARGET_MB = 1.5, 200.0
PROC = Path("/proc")
BARE = [sys.executable, "-c", "import django, sys; print(django.VERSION, flush=True); sys.stdin.read()"]


def measure(folder: Path) -> list[Row]:
    new_s, old_s, memory_mb, processes = [], [], [], 0
    for number in range(STARTS):
        home = folder / str(number)
        with _server(home) as (_, seconds):
            new_s.append(seconds)
        with _server(home) as (pid, seconds):
            old_s.append(seconds)
            if number == 0:
                time.sleep(IDLE_S)
                tree = list(_tree(pid))
                processes = len(tree)
                memory_mb.append(sum(map(_pss_mb, tree)))
    bare_s, bare_mb = zip(*(_bare() for _ in range(STARTS)), strict=True)
    limit_s, is_django = statistics.median(bare_s), "a Python that imports Django"
    ours, django = _installed_mb("lineal-server"), _installed_mb("django")
    slowest = f"slowest {{:.2f}}, target {START_TARGET_S}"
    return [
        Row(
            "start to first answer, existing store", "s", statistics.median(old_s), limit_s, is_django,
            more_is_better=False, detail=slowest.format(max(old_s)),
        ),
        Row(
            "start to first answer, new store", "s", statistics.median(new_s), limit_s, is_django,
            more_is_better=False, detail=f"slowest {max(new_s):.2f}; makes keys, schema and owner",
        ),
        Row(
            "memory of all processes, idle", "MB PSS", memory_mb[0], statistics.median(bare_mb), is_django,
            more_is_better=False, detail=f"{processes} processes, target {MEMORY_TARGET_MB:.0f}",
        ),
        Row(
            "environment of the server", "MB on disk", ours, django, "Django and what it needs",
            more_is_better=False, detail="lineal-server and all that it requires",
        ),
    ]  # fmt: skip


@contextmanager
def _server(home: Path) -> Iterator[tuple[int, float]]:
    """`lineal up` on `home`: its process id, and how long it took from its start to its first answer."""
    port = free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith("LINEAL_")}
    env["LINEAL_CREDENTIALS_FILE"] = str(home.with_suffix(".credentials"))
    lineal = Path(sys.executable).with_name("lineal")
    begun = time.monotonic()
    process = subprocess.Popen(
        [lineal, "up", "--home", home, "--port", str(port), "--no-browser"],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        _wait_for_answer(process, port)
        yield process.pid, time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=LIMIT_S)
    if process.returncode:
        raise RuntimeError(f"lineal up ended with {process.returncode}: {said}")


def _wait_for_answer(process: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
                response.read()
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in (PROC / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))


def _pss_mb(pid: int) -> float:
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1_024
    raise ValueError(f"the kernel tells no PSS of process {pid}")


def _bare() -> tuple[float, float]:
    """Seconds until it has imported Django, and its megabytes then."""
    begun = time.monotonic()
    with subprocess.Popen(BARE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return time.monotonic() - begun, _pss_mb(process.pid)


def _installed_mb(name: str) -> float:
    """Of a distribution and all that it requires, each once. What is installed from its source counts without it."""
    seen: set[str] = set()
    _require(name, seen)
    site = Path(sysconfig.get_paths()["purelib"])
    files = {path for each in seen for path in distribution(each).files or []}
    sizes = (Path(str(site / path)).stat().st_size for path in files if (site / path).is_file())
    return sum(sizes) / 1_048_576


def _require(name: str, seen: set[str]) -> None:
    normal = name.lower().replace("_", "-")
    if normal in seen:
        return
    seen.add(normal)
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _require(requirement.name, seen)
