"""`lineal.monitor`: what serving code holds. Wrong use at the start raises; after that nothing does."""

import atexit
import logging
import re
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from lineal import _credentials, _settings
from lineal._credentials import Target
from lineal._errors import NotConfigured
from lineal._monitors.options import Options
from lineal._monitors.stats import MonitorStats
from lineal._profiles.needed import require

if TYPE_CHECKING:
    from lineal._monitors.worker import Worker

logger = logging.getLogger("lineal")

FLUSH_EVERY_S = 60.0  # what a kill -9 may cost
REFRESH_EVERY_S = 300.0  # how soon a newly promoted version is noticed
MOST_ROWS = 1_000_000
MOST_BYTES = 256 << 20
DUE_ROWS = 100_000  # so many are profiled at once, without waiting for their time
CLOSE_TIMEOUT_S = 5.0  # whoever stops a service waits; what is on disk by then, `lineal sync` sends

_NAME = re.compile(r"[^@\s]+@[^@\s]+")

_open: set["Monitor"] = set()


def monitor(
    name: str,
    *,
    project: str | None = None,
    url: str | None = None,
    token: str | None = None,
    window: float | timedelta | None = None,
    privacy: Literal["standard", "strict"] | None = None,
    task: Literal["classification", "regression"] | None = None,
    max_buffered_rows: int = MOST_ROWS,
    max_buffered_bytes: int = MOST_BYTES,
    flush_every: float = FLUSH_EVERY_S,
    refresh_every: float = REFRESH_EVERY_S,
) -> "Monitor":
    """Watch a model where it serves: `lineal.monitor("fraud@production")`, then `observe` each batch.

    Profiles of the rows (`lineal.profile`) go to the server every `flush_every` seconds; rows themselves never leave the process. The
    server says what they are counted over, and is asked again every `refresh_every` seconds, so that a new version is noticed.

    Until the server has answered once, rows wait in memory; so do those between two flushes. They are at most `max_buffered_rows` and
    about `max_buffered_bytes`: beyond that the newest are refused and counted, and nothing ever waits for room.

    `privacy="strict"` leaves out every value, even where the server would take them. `window`, seconds, is only compared with the server's,
    which counts. `task` says whether classes or numbers are predicted, where neither predictions nor baseline show it.

    Raises:
        ValueError: not `model@environment`, or an option that is none.
        NotConfigured: `url` is no address of a server.
        ImportError: numpy or pyarrow is not installed.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} does not name a model in an environment: 'model@environment' is expected")
    require("numpy", "pyarrow")

    model, environment = name.split("@")
    options = Options(
        project=project or _settings.project(),
        model=model,
        environment=environment,
        window_s=_seconds(window),
        privacy=_one_of("privacy", privacy, "standard", "strict"),
        task=_one_of("task", task, "classification", "regression"),
        most_rows=int(_positive("max_buffered_rows", max_buffered_rows)),
        most_bytes=int(_positive("max_buffered_bytes", max_buffered_bytes)),
        due_rows=min(DUE_ROWS, max(1, max_buffered_rows // 2)),
        flush_every_s=_positive("flush_every", flush_every),
        refresh_every_s=_positive("refresh_every", refresh_every),
    )
    return Monitor(options, _target(url, token))


def _seconds(window: float | timedelta | None) -> int | None:
    if window is None:
        return None
    return int(_positive("window", window.total_seconds() if isinstance(window, timedelta) else window))


def _positive(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{name} is {value!r}: a number above 0 is expected")
    return value


def _one_of(name: str, value: str | None, *choices: str) -> str | None:
    if value is not None and value not in choices:
        raise ValueError(f"{name} is {value!r}: {' or '.join(map(repr, choices))} are expected")
    return value


def _target(url: str | None, token: str | None) -> Target | None:
    """A service starts without a server, too; an address that was written into the call must be one."""
    try:
        target = _credentials.find_target(url, token)
    except NotConfigured as exc:
        if url is not None:
            raise
        logger.warning("%s: nothing is monitored", exc)
        return None
    if target is None:
        logger.warning("no server is configured (LINEAL_URL, or `lineal login`): nothing is monitored")
    return target


class Monitor:
    """What `lineal.monitor` gives. `observe` copies rows and returns; use it from any thread, and in forked workers.

    Nothing but `flush` and `close` waits, and nothing raises for what happens while serving: trouble is said once by the logger `lineal`
    and counted in `stats`. Without a configured server everything is refused.
    """

    def __init__(self, options: Options, target: Target | None) -> None:
        self.name = options.name
        self._worker = _worker(options, target) if target is not None else None
        if self._worker is not None:
            _open.add(self)

    def __repr__(self) -> str:
        return f"<lineal.Monitor {self.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def observe(  # noqa: PLR0917 - the order of `lineal.profile`
        self,
        batch: Any = None,
        predictions: Any = None,
        labels: Any = None,
        scores: Any = None,
        embeddings: Any = None,
        at: Any = None,
    ) -> None:
        """Take in rows that the model was asked about, and what it said.

        `batch` is a row as a dict, a list of such rows, a pandas or polars frame, an Arrow table, a numpy array, or a dict of columns.
        What stands beside it is as for `lineal.profile`, names of columns or arrays; for a single row also single values. Labels are None
        where they are not known yet. `at` is when the model was asked, by default now: a datetime with a time zone or seconds since
        1970, one or one for each row, or the name of a column.
        """
        self._take(batch, (predictions, labels, scores, embeddings), at, late=False)

    def report_labels(self, predictions: Any, labels: Any, scores: Any = None, at: Any = None) -> None:
        """Outcomes that became known after `observe`: with the predictions (and scores) as they were made, and `at` when they were made.

        Takes single values or arrays. Rows that were observed with their label are not reported again.
        """
        self._take(None, (predictions, labels, scores, None), at, late=True)

    def _take(self, batch: Any, given: tuple[Any, Any, Any, Any], at: Any, *, late: bool) -> None:
        worker = self._worker
        if worker is None:
            return
        from lineal._monitors.snapshots import Given, observation_of

        try:
            observation = observation_of(batch, Given(*given), at, late=late)
            if observation.rows:
                worker.put(observation)
        except Exception as exc:  # noqa: BLE001 - the promise of this class
            worker.leave_out(1, exc)

    def flush(self, timeout: float | None = None) -> bool:
        """Profile what was observed, and wait until the server has it, `LINEAL_FINISH_TIMEOUT` seconds by default; whether it has."""
        if self._worker is None:
            return False
        return self._worker.flush(_settings.finish_timeout_s() if timeout is None else timeout)

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Flush, and take no more. What the server does not have in time waits on disk; the next process or `lineal sync` sends it."""
        _open.discard(self)
        if self._worker is not None and not self._worker.is_closed:
            self._worker.leave(timeout)

    def stats(self) -> MonitorStats:
        """What became of the rows so far."""
        return self._worker.stats() if self._worker is not None else MonitorStats(trouble="no server is configured")


def _worker(options: Options, target: Target) -> "Worker":
    from lineal._http import Transport
    from lineal._monitors.worker import Worker

    return Worker(options, lambda: Transport(target), target.base_url)


@atexit.register
def _close_open_monitors() -> None:
    for each in list(_open):
        each.close()
