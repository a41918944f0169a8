"""What a failing database means for whoever asked: wait, ask again, ask for less, or look what became of it."""

from collections.abc import Callable

from django.db import Error as AnyError
from django.db import InterfaceError, OperationalError

from core.context import current_request
from core.errors import Unavailable

LOST = ("08", "57P", "25P03")  # no connection; shut down or ended by an administrator; idle in a transaction too long
CONTENDED = ("55P03", "40P01", "40001")  # lock_timeout, deadlock, serialisation; and SQLite's busy
SAFE = ("GET", "HEAD", "OPTIONS")


class CommitUnanswered(OperationalError):
    """COMMIT was sent, and the connection was lost before the answer: it may have happened."""


class DatabaseUnavailable(Unavailable):
    """It does not answer. Nothing was changed."""

    code = "database-unavailable"
    title = "Database not available"


class DatabaseBusy(Unavailable):
    """All connections are in use, or other writers in the way. Nothing was changed."""

    code = "database-busy"
    title = "Database busy"


class DatabaseTooSlow(Unavailable):
    """A statement took longer than one may, and was stopped. Nothing was changed."""

    code = "database-too-slow"
    title = "Database too slow"


class OutcomeUnknown(Unavailable):
    """The change may have been made or not; only looking, or a key that makes repeating safe, can tell."""

    code = "outcome-unknown"
    title = "Outcome unknown"


def sqlstate(exc: BaseException) -> str:
    """PostgreSQL's five characters for the error behind Django's; empty where there are none."""
    return getattr(exc.__cause__, "sqlstate", None) or ""


def is_lost(exc: AnyError) -> bool:
    """The connection is gone, or there never was one."""
    state = sqlstate(exc)
    if state:
        return state.startswith(LOST)
    if not isinstance(exc, OperationalError | InterfaceError) or sqlite_name(exc):
        return False
    return not _is_of_pool(exc)


def translate(exc: Exception) -> Unavailable | None:
    """The problem that `exc` of the database is to the caller; None if it is a bug of ours."""
    if not isinstance(exc, AnyError):
        return None
    return next((make() for holds, make in _MEANINGS if holds(exc)), None)


def _is_of_pool(exc: AnyError) -> bool:
    return type(exc.__cause__).__module__.startswith("psycopg_pool")


def sqlite_name(exc: BaseException) -> str:
    """SQLite's name for the error behind Django's, such as SQLITE_BUSY; empty where there is none."""
    return getattr(exc.__cause__, "sqlite_errorname", "")


def _is_exhausted(exc: AnyError) -> bool:
    return sqlstate(exc) == "53300" or _is_of_pool(exc)


def _is_contended(exc: AnyError) -> bool:
    return sqlstate(exc) in CONTENDED or sqlite_name(exc).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _unanswered() -> Unavailable:
    request = current_request()
    if request and request.route.startswith(SAFE):
        return DatabaseUnavailable(
            "The connection to the database was lost. Nothing was changed; ask again.", retry_after_s=2
        )
    return OutcomeUnknown(
        "The connection to the database was lost while it was told to keep the change: it may have been made or not. "
        "Look, or repeat the request with the same Idempotency-Key or ids.",
        retry_after_s=2,
    )


_MEANINGS: list[tuple[Callable[[AnyError], bool], Callable[[], Unavailable]]] = [
    (lambda exc: isinstance(exc, CommitUnanswered), _unanswered),
    (
        _is_exhausted,
        lambda: DatabaseBusy(
            "No connection to the database was to be had in time: all are in use, or it does not answer. "
            "Nothing was changed.",
            retry_after_s=2,
        ),
    ),
    (
        lambda exc: sqlstate(exc) == "57014",
        lambda: DatabaseTooSlow(
            "The database took longer than it may for one request, and was stopped; nothing was changed. Ask for less.",
            retry_after_s=10,
        ),
    ),
    (
        _is_contended,
        lambda: DatabaseBusy("Other writers were in the way for too long; nothing was changed.", retry_after_s=1),
    ),
    (
        lambda exc: sqlstate(exc) == "25006",
        lambda: DatabaseUnavailable(
            "The database takes no writes now, as while it hands over to another; nothing was changed.", retry_after_s=5
        ),
    ),
    (
        lambda exc: (isinstance(exc, OperationalError) and sqlite_name(exc) != "SQLITE_ERROR") or is_lost(exc),
        lambda: DatabaseUnavailable("The database did not answer; nothing was changed. Try again.", retry_after_s=2),
    ),
]
