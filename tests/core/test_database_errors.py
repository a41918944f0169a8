"""What a failing database becomes for whoever asked."""

import sqlite3

import psycopg
import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError, ProgrammingError
from psycopg import errors as pg
from psycopg_pool import PoolTimeout

from core import current, database_errors, problems
from core.context import RequestContext
from core.database_errors import CommitUnanswered


def as_django(kind, cause):
    """The error as Django raises it, with the driver's behind it."""
    error = kind(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (as_django(OperationalError, psycopg.OperationalError("server closed the connection")), "database-unavailable"),
        (as_django(OperationalError, pg.AdminShutdown("terminating connection")), "database-unavailable"),
        (as_django(OperationalError, pg.CannotConnectNow("starting up")), "database-unavailable"),
        (as_django(InterfaceError, psycopg.InterfaceError("the connection is closed")), "database-unavailable"),
        (as_django(InternalError, pg.IdleInTransactionSessionTimeout("idle")), "database-unavailable"),
        (as_django(InternalError, pg.ReadOnlySqlTransaction("read-only")), "database-unavailable"),
        (as_django(OperationalError, PoolTimeout("couldn't get a connection")), "database-busy"),
        (as_django(OperationalError, pg.TooManyConnections("too many")), "database-busy"),
        (as_django(OperationalError, pg.LockNotAvailable("lock timeout")), "database-busy"),
        (as_django(OperationalError, pg.DeadlockDetected("deadlock")), "database-busy"),
        (as_django(OperationalError, pg.QueryCanceled("statement timeout")), "database-too-slow"),
    ],
    ids=lambda value: type(value.__cause__).__name__ if isinstance(value, Exception) else value,
)
def test_each_failure_has_its_problem_and_a_time_to_come_back(error, code):
    response = problems.problem_response(problems.translate(error))

    assert response.status_code == 503
    assert f'"/problems/{code}"'.encode() in response.content
    assert b"othing was changed" in response.content
    assert int(response["Retry-After"]) > 0


@pytest.mark.parametrize("error", [ProgrammingError("no such column"), DataError("too long"), KeyError("x")])
def test_a_bug_of_ours_is_no_trouble_of_the_database(error):
    assert database_errors.translate(error) is None
    assert problems.translate(error) is None


def test_a_statement_that_sqlite_does_not_understand_is_a_bug_of_ours():
    with pytest.raises(sqlite3.OperationalError) as raised:
        sqlite3.connect(":memory:").execute("SELECT x FROM nowhere")

    assert database_errors.translate(as_django(OperationalError, raised.value)) is None


@pytest.fixture
def request_by():
    """`request_by("POST")`: the request at hand."""
    tokens = []

    def begin(method):
        made = RequestContext(id="1", ip="", user_agent="", route=f"{method} /x", trace_id="")
        tokens.append(current.request.set(made))

    yield begin
    for token in reversed(tokens):
        current.request.reset(token)


def test_only_a_write_has_an_outcome_that_may_be_unknown(request_by):
    lost = CommitUnanswered("server closed the connection")

    request_by("POST")
    assert database_errors.translate(lost).code == "outcome-unknown"
    assert "Idempotency-Key" in database_errors.translate(lost).detail
    request_by("GET")
    assert database_errors.translate(lost).code == "database-unavailable"
