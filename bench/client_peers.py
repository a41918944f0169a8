"""Other trackers, each with the server or the folder that it wants, logging as `bench/peers/logging_cost.py` has it."""

import contextlib
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers import HERE, Peer, Unavailable
from bench.peers.servers import environment, serving

SCRIPT = HERE / "logging_cost.py"
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


def beside(folder: Path, wanted: Collection[str] = tuple(PEERS)) -> list[Tool]:
    """Every peer that is wanted and can be installed here, one after the other."""
    found = []
    for name, adapters in PEERS.items():
        peer = Peer(name)
        for adapter in adapters if name in wanted else ():
            print(f" {adapter}", file=sys.stderr, end="", flush=True)
            try:
                found.append(Tool(f"{adapter} {peer.version}", _figures(peer, adapter, folder / adapter)))
            except Unavailable as exc:
                found.append(Tool(adapter, trouble=f"{exc}."))
    return found


def _figures(peer: Peer, adapter: str, folder: Path) -> dict[str, dict[str, Any]]:
    folder.mkdir(parents=True)
    with serving(peer, folder) if peer.name == "mlflow" else contextlib.nullcontext() as served:
        url = {"LOGGING_COST_URL": served.url} if served else {}
        found = peer.run(SCRIPT, adapter, env=environment(folder) | url)
    figures: dict[str, dict[str, Any]] = found[adapter]
    return figures
