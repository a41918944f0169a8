"""A monitor's way out of the serving process: a buffer, a thread that makes parts of it, a thread that brings them to the server.

Nothing here raises into serving code, and only `flush` and `leave` wait.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import lineal
from lineal import _processes, _settings
from lineal._http import Transport
from lineal._monitors.buffer import Buffer
from lineal._monitors.contract import Contract
from lineal._monitors.courier import IDLE_S, Courier
from lineal._monitors.leftovers import bring_siblings
from lineal._monitors.options import Options
from lineal._monitors.parts import Origin, Part, PartsInLine, new_id
from lineal._monitors.profiling import Profiler, WindowProfile
from lineal._monitors.snapshots import Observation
from lineal._monitors.stats import MonitorStats
from lineal._notices import Notices
from lineal._spool import SpoolFull

logger = logging.getLogger("lineal")

CLOSE_WAIT_S = 1.0  # for a request under way, when the time to wait for the server is over


def _import_ahead() -> None:
    """As `_processes.import_ahead`, with what pyarrow imports when it first reads values: pandas, where that is installed."""
    _processes.import_ahead()
    lineal.profile({"number": [1.0, None], "text": ["a", None]}, predictions=[0, 1], scores=[0.5, 0.5]).to_bytes()


class Worker:
    """Begins its threads at the first row in a process, so also after a fork."""

    def __init__(self, options: Options, new_transport: Callable[[], Transport], base_url: str) -> None:
        _import_ahead()
        self.options = options
        self.notices = Notices()
        self._new_transport = new_transport
        self._base_url = base_url
        self._is_child = False
        self._begin(None)
        _processes.living.add(self)

    def _begin(self, contract: Contract | None) -> None:
        """As in a process that has done nothing yet."""
        options = self.options
        self.buffer = Buffer(options.most_rows, options.most_bytes, options.due_rows)
        self.parts = PartsInLine(
            _settings.spool_dir(), Origin(self._base_url, options.project, options.name), uuid4().hex
        )
        self.courier = Courier(
            self._new_transport(),
            (options.project, options.model, options.environment),
            self.parts,
            self.notices,
            refresh_every_s=options.refresh_every_s,
            on_contract=self._take_contract,
        )
        self.courier.contract = contract
        self.lost = 0
        self._profiler = Profiler(options.task, self.leave_out)
        self._making = threading.RLock()
        self._changed = threading.Condition()
        self._starting = threading.Lock()
        self._started = False
        self._is_closed = False  # to rows
        self._closing = False  # of the threads
        self._news = 0
        self._wake = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def is_child(self) -> bool:
        return self._is_child

    def be_reborn(self) -> None:
        """In a forked child: nothing observed yet; what the parent had observed, the parent brings."""
        self.parts.abandon()
        self._is_child = True
        self.notices.renew()
        self._begin(self.courier.contract)

    def put(self, observation: Observation) -> None:
        """Take rows in, or refuse them: no waiting for anything."""
        if self._is_closed:
            self.buffer.refuse(observation.rows)
            self._say("late", "is closed: what is observed now is not profiled")
            return
        if not self.buffer.put(observation):
            self._say("full", self._full(observation))
        if not self._started:
            self._start()
        if self.buffer.is_due and self.courier.contract is not None and not self._wake.is_set():
            self._wake.set()

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def stats(self) -> MonitorStats:
        """Counts that are true when nothing goes on, and nearly so else."""
        buffer, courier = self.buffer, self.courier
        return MonitorStats(
            observed=buffer.observed,
            labelled=buffer.labelled,
            refused=buffer.refused,
            unreadable=buffer.unreadable,
            lost=self.lost,
            buffered=buffer.rows,
            buffered_bytes=buffer.size_bytes,
            parts_made=self.parts.made,
            parts_sent=courier.sent,
            parts_refused=courier.refused,
            parts_waiting=len(self.parts),
            version=courier.contract.version if courier.contract is not None else None,
            trouble=courier.trouble,
        )

    def leave_out(self, rows: int, exc: Exception) -> None:
        """Count rows that cannot be read, and say why once for each kind of trouble."""
        self.buffer.leave_out(rows)
        self._say(
            f"bad {type(exc).__name__}", f"leaves {rows} rows out: {exc} (said once for each kind; stats() counts)"
        )

    def _say(self, kind: str, sentence: str) -> None:
        self.notices.warn_once(kind, f"monitor {self.options.name} {sentence}")

    def _full(self, observation: Observation) -> str:
        options = self.options
        why = self.courier.trouble or "they come faster than they are profiled"
        if observation.rows > options.most_rows or observation.size_bytes > options.most_bytes:
            why = f"{observation.rows} at once are too many: observe slices, or raise the bound"
        bounds = f"{options.most_rows} rows, {options.most_bytes} bytes"
        return f"holds as many rows as it may ({bounds}) and refuses further ones: {why} (said once; stats() counts)"

    def _start(self) -> None:
        with self._starting:
            if self._started:
                return
            _processes.finish_with(self)
            for target, name in ((self._make_forever, "lineal-profile"), (self._bring_forever, "lineal-bring")):
                thread = threading.Thread(target=target, name=name, daemon=True)
                with contextlib.suppress(RuntimeError):  # the interpreter is going down: `flush` does what can be done
                    thread.start()
                    self._threads.append(thread)
            self._started = True

    # -- rows to parts ------------------------------------------------------------------------------------------------

    def _make_forever(self) -> None:
        while not self._closing:
            self._wake.wait(self._pause_s())
            self._wake.clear()
            waited = self.buffer.oldest_s
            if waited is not None and (waited >= self.options.flush_every_s or self.buffer.is_due):
                self.make_parts()

    def _pause_s(self) -> float:
        waited = self.buffer.oldest_s
        if waited is None or not self.knows_how:
            return min(IDLE_S, self.options.flush_every_s)
        return min(IDLE_S, max(self.options.flush_every_s - waited, 0.0))

    @property
    def knows_how(self) -> bool:
        """Whether rows can be profiled. Without a reference there is no key, and hashes under the public key hide nothing."""
        contract = self.courier.contract
        return contract is not None and (contract.reference is not None or self._privacy(contract) == "standard")

    def make_parts(self) -> None:
        """Profile all that waits, if it is known how, and put it on disk. From any thread."""
        with self._making:
            contract = self.courier.contract
            if contract is None or not self.knows_how:
                return
            taken = self.buffer.take()
            try:
                for found in self._profiler.profiles(taken.observations, contract, self._privacy(contract)):
                    self._keep(found, contract)
            except Exception:
                logger.exception("lineal: monitor %s met an error of its own", self.options.name)
                self.lost += taken.rows
            finally:
                self.buffer.release(taken)
        self._notify()

    def _keep(self, found: WindowProfile, contract: Contract) -> None:
        end = found.start + contract.window_s
        part = Part(new_id(), contract.monitor, found.start, end, found.rows, found.profile.to_bytes())
        try:
            trouble = self.parts.keep(part)
        except SpoolFull as exc:
            self.lost += found.rows
            self._say("lost", f"loses profiles, serving goes on: {exc}")
            return
        if trouble:
            self._say("held", f"keeps profiles in memory: {trouble}")

    def _privacy(self, contract: Contract) -> str:
        """Whoever asks for the stricter one gets it."""
        return "strict" if "strict" in (self.options.privacy, contract.privacy) else "standard"

    # -- parts to the server ------------------------------------------------------------------------------------------

    def _take_contract(self, contract: Contract) -> None:
        """Rows that were observed so far belong to the version that was known so far."""
        with self._making:
            self.make_parts()
            self.courier.contract = contract
        options = self.options
        if options.window_s not in (None, contract.window_s):
            self._say(
                "window", f"has windows of {contract.window_s} s on the server, which count: not {options.window_s} s"
            )
        if options.privacy not in (None, contract.privacy):
            self._say("privacy", f"is {contract.privacy} on the server and {options.privacy} here: strict counts")
        if not self.knows_how:
            self._say(
                "keyless", f"has rows wait: version {contract.version} has no baseline, so no key hides their values"
            )
        self._wake.set()

    def _bring_forever(self) -> None:
        has_looked = False
        try:
            while not self._closing:
                news = self._news
                wait_s = self.courier.step()
                if wait_s > 0 and self.courier.contract is not None and not has_looked:
                    has_looked = True
                    bring_siblings(self.parts.folder, self.courier.transport, self.notices)
                with self._changed:
                    self._changed.notify_all()
                    if wait_s > 0 and self._news == news and not self._closing:
                        self._changed.wait(wait_s)
        except Exception:
            logger.exception("lineal: monitor %s met an error of its own", self.options.name)
        finally:
            self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    # -- waiting and leaving ------------------------------------------------------------------------------------------

    def flush(self, timeout_s: float) -> bool:
        """Profile what was observed until now, and wait until the server has it. False if it has not in time."""
        if not (self._started or self.buffer.rows):
            return True
        self._start()
        until = time.monotonic() + timeout_s
        self.courier.hurry(hurried=True)
        self._notify()
        try:
            self._wait(until, lambda: self.knows_how)
            self.make_parts()
            last = self.parts.made
            self._wait(until, lambda: self.parts.oldest > last)
        finally:
            self.courier.hurry(hurried=False)
        return self.parts.oldest > last and (self.knows_how or not self.buffer.rows)

    def _wait(self, until: float, is_done: Callable[[], bool]) -> None:
        """Until it is done, or time is up, or the server has said no. Without a thread that brings parts, this one does."""
        while not is_done() and not self.courier.is_closed and (left := until - time.monotonic()) > 0:
            if not any(thread.is_alive() for thread in self._threads):
                if self.courier.step() > 0:
                    return
                continue
            with self._changed:
                self._changed.wait(min(left, 0.1))

    def leave(self, timeout_s: float) -> None:
        """Take no more rows, flush, and end the threads; says what did not get there. What is on disk waits for `lineal sync`."""
        self._is_closed = True
        try:
            self.flush(timeout_s)
        finally:  # also when somebody who does not want to wait presses Ctrl-C
            self._closing = True
            self._wake.set()
            self._notify()
            for thread in self._threads:
                thread.join(CLOSE_WAIT_S)
            self._report()
            self.parts.close()
            _processes.living.discard(self)

    def _report(self) -> None:
        held = sum(each.rows for each in self.parts if each.path is None)
        self.lost += self.buffer.rows + held
        why = self.courier.trouble or "no answer in time"
        if self.lost:
            logger.warning("monitor %s: %d rows were lost (%s)", self.options.name, self.lost, why)
        if self.buffer.refused:
            logger.warning("monitor %s: %d rows were refused", self.options.name, self.buffer.refused)
        waiting = sum(each.path is not None for each in self.parts)
        if waiting:
            logger.warning(
                "monitor %s: %d profiles are not on the server yet (%s). They wait in %s; `lineal sync` sends them.",
                self.options.name,
                waiting,
                why,
                self.parts.folder,
            )
