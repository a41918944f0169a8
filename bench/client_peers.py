"""Other trackers, each with the server or the folder that it wants, logging as `bench/peers/logging_cost.py` has it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers import HERE, Peer, Unavailable

SCRIPT = HERE / "logging_cost.py"
START_S = 120
PEERS = {
    "mlflow": ("mlflow-sync", "mlflow-async"),
    "wandb": ("wandb-offline",),
    "trackio": ("trackio",),
    "aim": ("aim",),
}


@dataclass
class Tool:
    """Its figures by scenario, or why there are none."""

    name: str
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: str = ""


def beside(folder: Path) -> list[Tool]:
    """Every peer that can be installed here, one after the other."""
    found = []
    for name, adapters in PEERS.items():
        peer = Peer(name)
        for adapter in adapters:
            print(f" {adapter}", file=sys.stderr, end="", flush=True)
            try:
                found.append(Tool(f"{adapter} {peer.version}", _figures(peer, adapter, folder / adapter)))
            except Unavailable as exc:
                found.append(Tool(adapter, trouble=f"{exc}."))
    return found


def _figures(peer: Peer, adapter: str, folder: Path) -> dict[str, dict[str, Any]]:
    folder.mkdir(parents=True)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LINEAL_", "WANDB_", "MLFLOW_"))},
        "HOME": str(folder),
        "TRACKIO_DIR": str(folder),
        "LOGGING_COST_FOLDER": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }
    with _server(peer, folder, env) if peer.name == "mlflow" else contextlib.nullcontext("") as url:
        found = peer.run(SCRIPT, adapter, env={**env, "LOGGING_COST_URL": url})
    figures: dict[str, dict[str, Any]] = found[adapter]
    return figures


@contextlib.contextmanager
def _server(peer: Peer, folder: Path, env: dict[str, str]) -> Iterator[str]:
    """MLflow's, as it recommends for one machine: SQLite, its default workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(str(peer.python()), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--default-artifact-root", str(folder / "artifacts")),
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The server and its workers, which are a session of their own."""
    for number, patience_s in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    raise Unavailable("MLflow's server did not start")
