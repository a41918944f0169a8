"""Servers of other tools: started as each recommends for one machine, on loopback, and ended with all that they started."""

import contextlib
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers import Peer, Unavailable
from tests.server import free_port

START_S = 180
PATIENCE_S = 10
INIT_S = 120
POLL_S = 0.02


@dataclass(frozen=True)
class Served:
    """`started_s` is the time from its start to the first answer that needs its store."""

    url: str
    started_s: float
    process: "subprocess.Popen[bytes]"

    def pss_mb(self) -> float:
        """Memory of the process and of all that descend from it, shared pages counted by share."""
        return sum(_pss_kb(pid) for pid in _family(self.process.pid)) / 1_024


@contextlib.contextmanager
def serving(
    peer: Peer, folder: Path, *, database: str = "", bucket: str = "", settings: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """A peer's server.

    `database` is SQLAlchemy's URL and `bucket` that of a place in S3, where the tool takes one; `settings` go into its environment.
    """
    port = free_port()
    command, answer = COMMANDS[peer.name](peer, port, folder, database, bucket)
    env = environment(folder) | (settings or {})
    with (folder / "server.log").open("ab") as log:
        begun = time.monotonic()
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url + answer, process, peer)
        yield Served(url, time.monotonic() - begun, process)
    finally:
        _end(process)


def environment(folder: Path) -> dict[str, str]:
    """Of a peer's processes: a home of their own, nobody told about them, nothing of our settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINEAL_", "WANDB_", "MLFLOW_"))}
    return {
        **kept,
        "HOME": str(folder),
        "TRACKIO_DIR": str(folder),
        "LOGGING_COST_FOLDER": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }


def _mlflow(peer: Peer, port: int, folder: Path, database: str, bucket: str) -> tuple[Sequence[str], str]:
    artifacts = (
        ("--artifacts-destination", bucket) if bucket else ("--default-artifact-root", str(folder / "artifacts"))
    )
    command = [
        *(str(peer.python()), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", database or f"sqlite:///{folder}/mlflow.db"),
        *artifacts,
    ]
    return command, "/api/2.0/mlflow/experiments/get?experiment_id=0"


def _trackio(peer: Peer, port: int, folder: Path, database: str, bucket: str) -> tuple[Sequence[str], str]:
    show = f"import trackio; trackio.show(open_browser=False, block_thread=True, host='127.0.0.1', server_port={port})"
    return [str(peer.python()), "-c", show], "/"


def _aim(peer: Peer, port: int, folder: Path, database: str, bucket: str) -> tuple[Sequence[str], str]:
    aim_repository(peer, folder)
    return [
        str(peer.python().with_name("aim")),
        "up",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--repo",
        str(folder),
        "--yes",
    ], "/api/projects/"


def aim_repository(peer: Peer, folder: Path) -> None:
    """Make one in the folder, unless it has one. Raises Unavailable."""
    command = [str(peer.python().with_name("aim")), "init", "--repo", str(folder)]
    if not (folder / ".aim").exists():
        try:
            subprocess.run(command, env=environment(folder), check=True, capture_output=True, timeout=INIT_S)
        except (OSError, subprocess.SubprocessError) as exc:
            raise Unavailable(f"{peer.label} made no repository: {exc}") from exc


COMMANDS = {"mlflow": _mlflow, "trackio": _trackio, "aim": _aim}


def _wait_for(url: str, process: "subprocess.Popen[bytes]", peer: Peer) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            answer.read()
            return
        time.sleep(POLL_S)
    raise Unavailable(f"the server of {peer.label} did not start")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The server and its workers, by their own ids: most are a session of their own, and some make another."""
    family = {pid: _started(pid) for pid in _family(process.pid)}
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
    for pid, started in family.items():
        if started and _started(pid) == started:  # the same process still, and no other that was given its number
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _family(pid: int) -> set[int]:
    parents = {int(each.name): _parent(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit()}
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _started(pid: int) -> int:
    """Ticks from the system's start; 0 when it has ended."""
    return int(_stat(pid)[19])


def _stat(pid: int) -> list[str]:
    """proc(5): what follows the command's name, from the state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def _pss_kb(pid: int) -> int:
    try:
        found = re.search(r"(?m)^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
