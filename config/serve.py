"""The web process: granian around `config.wsgi`, which stops in two steps. Told to stop it first says so, to balancers and on
every answer, and serves on; then it takes nothing new and finishes what it has begun.
"""

import os
import threading
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer as Server

from config import draining

LOGGING = {  # what granian adds its levels to: its own lines in the form of ours
    "formatters": {"ours": {"()": "core.logs.make_formatter"}},
    "handlers": {
        name: {"class": "logging.StreamHandler", "formatter": "ours", "stream": "ext://sys.stderr"}
        for name in ("console", "access")
    },
}
BACKLOG = 1_024
BACKPRESSURE = 512  # requests that wait for a thread, in each worker


def serve(*, host: str, port: int, workers: int, threads: int, drain_s: float, stop_s: int, run_folder: Path) -> None:
    """Serve until SIGTERM or SIGINT, then stop within about `drain_s` + `stop_s`. A second signal ends the first step."""
    flag = draining.flag_of(run_folder, os.getpid())
    flag.unlink(missing_ok=True)  # one of the same number may have been killed while it drained
    os.environ[draining.VARIABLE] = str(flag)
    server = _Server(
        flag,
        drain_s,
        target="config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        websockets=False,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        respawn_failed_workers=True,
        workers_kill_timeout=stop_s,
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
    )
    try:
        server.serve()
    finally:
        flag.unlink(missing_ok=True)


class _Server(Server):
    def __init__(self, flag: Path, drain_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._flag = flag
        self._drain_s = drain_s
        self._last_step: threading.Timer | None = None

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        if self._last_step is not None or self._drain_s <= 0:
            super().signal_handler_interrupt()  # type: ignore[no-untyped-call]
            return
        self._flag.touch()
        self._last_step = threading.Timer(self._drain_s, super().signal_handler_interrupt)
        self._last_step.daemon = True
        self._last_step.start()
