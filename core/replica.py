"""Slow reads go to a streaming replica, where there is one and it is close behind; everything else to the primary.

    page = replica.read(request, lambda: search_runs(...))

Only what asks so is read there: who is calling, what they may do, gates, compare-and-set and every write never are. A
caller who has just changed something is sent to the primary, so that nobody misses their own writes.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from decimal import Decimal
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django.http import HttpRequest, HttpResponseBase

from core.errors import NotFound

log = logging.getLogger(__name__)
T = TypeVar("T")

ALIAS, PRIMARY = "replica", "default"
HEADER = "Lineal-Read"  # `Lineal-Read: primary` asks for what is committed by now
COOKIE = "lineal_wrote"  # a browser's own "I have just changed something"
LOOK_S = 1.0  # between two looks at how far the replica is
REST_S = 5.0  # how long one that failed is let be
SAFE = ("GET", "HEAD", "OPTIONS")

_reading: ContextVar[bool] = ContextVar("reading_from_replica", default=False)


class Router:
    """Django's question which database a query goes to."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return alias()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return PRIMARY

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == PRIMARY


def alias() -> str:
    """The database that the code at hand reads from; for raw SQL, which no router sees."""
    return ALIAS if _reading.get() else PRIMARY


def read(request: Any, ask: Callable[[], T]) -> T:
    """What `ask` gives, read from the replica if it is there, close behind, and good enough for this caller.

    `ask` has to evaluate its queries, change nothing, and be fit to run twice: where the replica fails or has not heard
    of something yet, the primary is asked.
    """
    if ALIAS not in connections.settings or _wants_primary(request) or not standing.is_close():
        return ask()
    token = _reading.set(True)
    try:
        return ask()
    except NotFound:
        log.debug("The replica has not heard of it yet.")
    except DatabaseError as exc:
        standing.give_up(exc)
    finally:
        _reading.reset(token)
    return ask()


def _wants_primary(request: Any) -> bool:
    return request.headers.get(HEADER, "").lower() == "primary" or COOKIE in request.COOKIES


class FreshReadsMiddleware:
    """Marks a browser that has changed something, for as long as a replica may not know of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method not in SAFE and response.status_code < 400 and request.COOKIES:
            response.set_cookie(
                COOKIE,
                "1",
                max_age=settings.REPLICA_LAG_S + 1,
                httponly=True,
                samesite="Lax",
                secure=settings.CSRF_COOKIE_SECURE,
            )
        return response


class Standing:
    """How far behind the replica is, looked at once a second by one thread of a process.

    The primary's position in its log is noted with the time. The replica is as old as the newest note that it has
    replayed past: so a replica that lost its primary ages, however content it is with itself, and no clocks are compared.
    """

    def __init__(self) -> None:
        self._notes: deque[tuple[float, Decimal]] = deque(maxlen=120)
        self._lock = threading.Lock()
        self._next_look = 0.0
        self._close = False

    def is_close(self) -> bool:
        """Whether it is at most LINEAL_DATABASE_REPLICA_LAG seconds behind, as of the last second."""
        if time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._close

    def give_up(self, why: Exception) -> None:
        """Ask the primary alone for a while."""
        self._settle(close=False, why=str(why), rest_s=REST_S)

    def forget(self) -> None:
        self._notes.clear()
        self._next_look, self._close = 0.0, False

    def _look(self) -> None:
        try:
            began, written = time.monotonic(), _position(PRIMARY, "pg_current_wal_lsn()")
            replayed = _position(ALIAS, "pg_last_wal_replay_lsn()")
        except DatabaseError as exc:
            self.give_up(exc)
            return
        if written is None or replayed is None:
            self.give_up(RuntimeError("LINEAL_DATABASE_REPLICA_URL leads to no streaming replica"))
            return
        self._notes.append((began, written))
        age_s = began - max((moment for moment, position in self._notes if position <= replayed), default=float("-inf"))
        close = age_s <= settings.REPLICA_LAG_S
        self._settle(close=close, why="" if close else f"it is {age_s:.1f} s behind", rest_s=LOOK_S)

    def _settle(self, *, close: bool, why: str, rest_s: float) -> None:
        if self._close and not close:
            log.warning("Slow reads go to the primary: %s", why.strip())
        elif close and not self._close:
            log.info("Slow reads go to the replica.")
        self._close, self._next_look = close, time.monotonic() + rest_s


def _position(database: str, function: str) -> Decimal | None:
    """A place in the write-ahead log, in bytes from its beginning; None where the server knows none."""
    with connections[database].cursor() as cursor:
        cursor.execute(f"SELECT {function} - '0/0'::pg_lsn")
        found: Decimal | None = cursor.fetchone()[0]
        return found


standing = Standing()
