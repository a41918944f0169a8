"""The two forms of a log line: for people by default, and one JSON object a line for collectors (LINEAL_LOG_FORMAT=json).

Both carry the request's or job's id. Lines name accounts by id, and never hold a name, an address or a secret of ours. Kept
free of Django, so that the app server's own process writes in the same form.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime

from core import current

FORMATS = ("line", "json")
FIELDS = "lineal"  # the attribute of a record that holds what it says beside its message

logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # nobody reads them, and each line pays
if sys.version_info >= (3, 12):
    logging.logAsyncioTasks = False


def make_formatter() -> logging.Formatter:
    """The formatter of this process, as the environment asks for it. Settings refuse other words."""
    return JsonFormatter() if os.environ.get("LINEAL_LOG_FORMAT") == "json" else LineFormatter()


class LineFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123456Z INFO lineal.access [0192…] GET api/v1/me 200 3.1 ms`. Line breaks in a message are shown as
    `\\n`, so that nobody can make up a line; a traceback follows on lines of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        mark = _mark()
        words = record.getMessage().replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_moment(record.created)} {record.levelname} {record.name} {f'[{mark}] ' if mark else ''}{words}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message; ids of request, job and trace where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": _moment(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if part := current.part.get():
            said["part"] = part
        said |= _ids() | getattr(record, FIELDS, {})
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:26] + "Z"  # half of strftime's time


def _mark() -> str:
    return ", ".join(filter(None, [current.part.get(), _cause()]))


def _cause() -> str:
    if (request := current.request.get()) is not None:
        return request.id
    if (job := current.job.get()) is not None:
        return f"job {job.id}, request {job.request_id}" if job.request_id else f"job {job.id}"
    return ""


def _ids() -> dict[str, object]:
    if (request := current.request.get()) is not None:
        ids: dict[str, object] = {"request_id": request.id}
        return ids | {"trace_id": request.trace_id} if request.trace_id else ids
    if (job := current.job.get()) is not None:
        said: dict[str, object] = {"job_id": job.id, "job": job.name}
        return said | {key: value for key in ("request_id", "trace_id") if (value := getattr(job, key))}
    return {}


def say(logger: logging.Logger, level: int, message: str, **fields: object) -> None:
    """Log a line with fields of its own. Skips the search for the calling line, which costs more than the rest."""
    if logger.isEnabledFor(level):
        record = logging.LogRecord(logger.name, level, "", 0, message, None, None)
        setattr(record, FIELDS, fields)
        logger.handle(record)
