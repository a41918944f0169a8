"""Every `LINEAL_*` environment variable that the client reads, with its default. Read when needed, never at import."""

import logging
import os
from pathlib import Path

logger = logging.getLogger("lineal")

NO_HOME = Path("/nonexistent/lineal")
DEFAULT_SPOOL_MAX_BYTES = 10 * 1024**3
DEFAULT_FINISH_TIMEOUT_S = 60.0
DEFAULT_FLUSH_INTERVAL_S = 0.2  # what a kill -9 may cost


def cache_dir() -> Path:
    """`LINEAL_CACHE_DIR`: file digests already computed."""
    return _path("LINEAL_CACHE_DIR") or _own_folder("cache")


def spool_dir() -> Path:
    """`LINEAL_SPOOL_DIR`: records that the server has not confirmed yet."""
    return _path("LINEAL_SPOOL_DIR") or _own_folder("state") / "spool"


def credentials_file() -> Path:
    """`LINEAL_CREDENTIALS_FILE`: tokens by exact origin."""
    return _path("LINEAL_CREDENTIALS_FILE") or _own_folder("config") / "credentials.json"


def _path(name: str) -> Path | None:
    text = os.environ.get(name)
    return _with_home(Path(text)) if text else None


def _own_folder(kind: str) -> Path:
    """Where this user keeps such things; for one without a home, as containers may have, a folder that cannot be made."""
    import platformdirs

    try:
        found = getattr(platformdirs, f"user_{kind}_dir")("lineal")
    except RuntimeError:
        return NO_HOME
    return _with_home(Path(found))  # not every version of platformdirs raises


def _with_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        return NO_HOME


def spool_max_bytes() -> int:
    """`LINEAL_SPOOL_MAX_BYTES`: how much disk all spools together may hold, 10 GiB."""
    return int(_number("LINEAL_SPOOL_MAX_BYTES", DEFAULT_SPOOL_MAX_BYTES))


def finish_timeout_s() -> float:
    """`LINEAL_FINISH_TIMEOUT`: seconds that `finish` and the interpreter's exit wait for the server."""
    return _number("LINEAL_FINISH_TIMEOUT", DEFAULT_FINISH_TIMEOUT_S)


def flush_interval_s() -> float:
    """`LINEAL_FLUSH_INTERVAL`: seconds after which a logged value is in the spool at the latest."""
    return max(_number("LINEAL_FLUSH_INTERVAL", DEFAULT_FLUSH_INTERVAL_S), 0.001)


def url() -> str | None:
    """`LINEAL_URL`: the server."""
    return os.environ.get("LINEAL_URL") or None


def token() -> str | None:
    """`LINEAL_TOKEN`: sent to `LINEAL_URL` and nowhere else."""
    return os.environ.get("LINEAL_TOKEN") or None


def project() -> str:
    """`LINEAL_PROJECT`: the project of runs and models that name none."""
    return os.environ.get("LINEAL_PROJECT") or "default"


def run_id() -> str | None:
    """`LINEAL_RUN_ID`: the run of all processes of a job, and of the job that takes its place after a restart."""
    return os.environ.get("LINEAL_RUN_ID") or None


def caused_by() -> str | None:
    """`LINEAL_CAUSED_BY`: the cause that a trigger's message named; runs started here name it as theirs."""
    return os.environ.get("LINEAL_CAUSED_BY") or None


RECORDED = ("command", "code", "diff", "environment", "host")


def recorded() -> frozenset[str]:
    """Which of `RECORDED` a run says of where it came from: all but those that `LINEAL_DO_NOT_RECORD` lists, comma separated.

    A name that is none is told in a warning, so that a slip of the pen does not pass for an opt-out.
    """
    left_out = {word.strip() for word in os.environ.get("LINEAL_DO_NOT_RECORD", "").split(",")} - {""}
    if unknown := left_out - set(RECORDED):
        logger.warning("LINEAL_DO_NOT_RECORD knows %s, not %s", ", ".join(RECORDED), ", ".join(sorted(unknown)))
    return frozenset(RECORDED) - left_out


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number that is not negative, not {text!r}")
    return value
