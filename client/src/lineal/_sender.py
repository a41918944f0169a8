"""One run's way out of this process: a queue that training code appends to, a thread that spools it, a thread that sends the spool.

Nothing here raises into training code. `flush` and `finish` wait; everything else returns at once.
"""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from lineal import _processes, _settings
from lineal._delivery import Delivery, Postponed, Stopped, remove_folder
from lineal._errors import LinealError
from lineal._http import Transport, backoff_s
from lineal._keeper import Keeper
from lineal._notices import Notices
from lineal._packing import Entry, Packer
from lineal._refusals import shown
from lineal._spool import Header, Spool, SpoolFull

logger = logging.getLogger("lineal")

HURRIED_BACKOFF_S = 1.0  # between attempts while somebody waits
CLOSE_WAIT_S = 1.0  # for a request under way, when the time to wait for the server is over
MOST_QUEUED = 100_000  # calls of `log`, some 40 MB: half a second of a loop that does nothing else
GIVE_WAY_S = 0.0002
IDLE_POLL_S = 5.0  # a bound on every wait, so that a missed notification costs little


class Sender:
    """Spools and sends what is put into it. Starts its threads at the first use in a process, so also after a fork.

    `create` is the body that makes the run. `resume` brings a run that had ended back to running.
    `new_transport` is called in each process anew; it gives None where no server is configured.
    """

    def __init__(
        self,
        header: Header,
        create: dict[str, Any],
        new_transport: Callable[[], Transport | None],
        notices: Notices,
        *,
        resume: bool = False,
    ) -> None:
        self.header = header
        self.notices = notices
        self.create = create
        self._resume = resume
        self.new_transport = new_transport
        self._packer = Packer()
        self._forget_threads()
        _processes.living.add(self)

    def _forget_threads(self) -> None:
        """As in a process that has done nothing yet."""
        self._pending: deque[Entry] = deque()
        self.put: Callable[[Entry], None] = self._put_first
        """Queue an entry: 0.03 µs, but for the first in a process."""
        self._spool_lock = threading.RLock()
        self._keeper = Keeper(self.header, self.create, self.notices, resume=self._resume)
        self._changed = threading.Condition()
        self._starting = threading.Lock()
        self._started = False
        self._delivery: Delivery | None = None
        self._wake = threading.Event()
        self._spooler: threading.Thread | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        self._released = False
        self._hurry = False
        self._postponed = ""
        self.stopped = ""
        self.uploaded_bytes = 0

    def _put_first(self, entry: Entry) -> None:
        self._pending.append(entry)
        self.start()

    def _put_slowly(self, entry: Entry) -> None:
        """For a loop that logs faster than can be packed: it goes on at that pace, and memory stays bounded."""
        self._pending.append(entry)
        if len(self._pending) >= MOST_QUEUED:
            time.sleep(GIVE_WAY_S)

    def start(self) -> None:
        """Open the spool and start the threads, once in each process."""
        with self._starting:
            if self._started:
                return
            _processes.import_ahead()
            _processes.finish_with(self)
            self._keeper.open()
            self._spooler = self._start_thread(self._spool_forever, "lineal-spool")
            self._thread = self._start_thread(self._send_forever, "lineal-send") if self._spool else None
            self._started = True
            self.put = self._pending.append

    def _start_thread(self, target: Callable[[], None], name: str) -> threading.Thread | None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:  # the interpreter is going down
            logger.debug("%s does not start: %s", name, exc)
            return None
        return thread

    def _spool_forever(self) -> None:
        interval_s = _settings.flush_interval_s() / 2  # so that waiting and writing together stay below it
        while not self._closing:
            self._wake.wait(interval_s if len(self._pending) < MOST_QUEUED else 0)
            self._set_pace()
            try:
                self.drain()
            except Exception as exc:  # the last barrier: without this thread, values would wait in memory for the end
                logger.debug("spooling of run %s is interrupted", self.header.run, exc_info=exc)
            self._set_pace()

    def _set_pace(self) -> None:
        self.put = self._put_slowly if len(self._pending) >= MOST_QUEUED else self._pending.append

    def drain(self) -> bool:
        """Bring what is queued into the spool, from any thread. False where memory is full: the rest waits for the next time."""
        with self._spool_lock:
            before = self._keeper.sendable
            try:
                for item in self._packer.pack(self._queued()):
                    self._keeper.keep(item)
                self._keeper.settle()
            except MemoryError:
                self._tell_full_memory()
                return False
        if self._keeper.sendable != before:
            self._notify()
        return True

    def _tell_full_memory(self) -> None:
        with contextlib.suppress(MemoryError):
            self.notices.warn_once(
                "memory", f"run {self.header.run}: memory is full, what is logged waits in it until there is some"
            )

    def _queued(self) -> Iterator[Entry]:
        """What is queued by now, each taken off only as it is packed: Ctrl-C in here leaves the rest for the next time."""
        for _ in range(len(self._pending)):
            yield self._pending.popleft()

    def _close_group(self) -> None:
        with self._spool_lock:
            self._keeper.close_group()
        self._notify()

    @property
    def _spool(self) -> Spool | None:
        return self._keeper.spool

    def reserve_file(self, size_bytes: int) -> Path:
        """A path in the spool for a copy of so many bytes.

        Raises:
            SpoolFull: it does not fit.
            OSError: the folder cannot be made.
        """
        self.start()
        with self._spool_lock:
            if self._spool is None:
                raise SpoolFull("there is no spool")
            self._spool.reserve(size_bytes)
            return self._spool.new_file()

    def release_file(self, size_bytes: int) -> None:
        """A reserved path is not used after all."""
        self._freed(size_bytes)

    def _freed(self, size_bytes: int) -> None:
        with self._spool_lock:
            if self._spool is not None:
                self._spool.release(size_bytes)

    def _send_forever(self) -> None:
        try:
            self._connect()
            while not self.stopped and not self._closing and self._send_next():
                pass
        except Exception as exc:  # the last barrier: nothing more is sent, and everything is kept for `lineal sync`
            logger.debug("sending of run %s ends", self.header.run, exc_info=exc)
            self._stop(f"an error of the client's own: {shown(exc)}")
        finally:
            self._notify()
            if self._closing:
                self._release()

    def _connect(self) -> None:
        assert self._spool is not None  # noqa: S101 - a typing aid: the thread starts with a spool only
        transport = self.new_transport()
        if transport is None:
            self.stopped = "no server is configured"
            return
        self._delivery = Delivery(
            self._spool.folder, transport, self.notices, on_freed=self._freed, on_uploaded=self._uploaded
        )

    def _uploaded(self, count: int) -> None:
        self.uploaded_bytes += count

    def _send_next(self) -> bool:
        """One step of delivery, or one wait for something to do; False when all is done."""
        assert self._delivery is not None and self._spool is not None  # noqa: S101, PT018 - as above
        try:
            if self._delivery.step(self._keeper.sendable[0]):
                self._postponed, self._attempt = "", 0
                self._notify()
                return True
        except Postponed as exc:
            self._postpone(exc)
            return True
        except (OSError, MemoryError) as exc:
            self._postpone(Postponed(f"the spool {self.folder} cannot be read now: {exc or 'memory is full'}"))
            return True
        except (Stopped, LinealError) as exc:
            self._stop(str(exc))
            return False
        return self._wait_for_more()

    _attempt = 0

    def _postpone(self, exc: Postponed) -> None:
        self._attempt += 1
        if self._attempt == 3:  # a blip needs no words
            self.notices.warn_once("postponed", f"run {self.header.run} waits in the spool, training goes on: {exc}")
        longest = HURRIED_BACKOFF_S if self._hurry else 60.0
        self._postponed = str(exc)
        wait_s = exc.after_s if exc.after_s is not None else backoff_s(self._attempt, longest)
        until = time.monotonic() + wait_s
        with self._changed:
            while not self._closing and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
                if self._hurry and exc.after_s is None:
                    until = min(until, time.monotonic() + HURRIED_BACKOFF_S)

    def _stop(self, reason: str) -> None:
        self.stopped = reason
        where = self._spool.folder if self._spool else "no spool"
        self.notices.warn_once(
            "stopped", f"run {self.header.run} is not sent any more, what is logged stays in {where}: {reason}"
        )

    def _wait_for_more(self) -> bool:
        assert self._delivery is not None and self._spool is not None  # noqa: S101, PT018 - as above
        with self._changed:
            if self._keeper.sendable[1] <= self._delivery.acked and not self._closing:
                self._changed.wait(IDLE_POLL_S)
        return True

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @property
    def _is_sending(self) -> bool:
        return not self.stopped and self._thread is not None and self._thread.is_alive()

    @property
    def unsent(self) -> int:
        """Records that the server has not confirmed."""
        if self._spool is None:
            return 0
        return self._spool.last_number - (self._delivery.acked if self._delivery else 0)

    @property
    def losses(self) -> str:
        """What of the run will never reach the server, in words; empty where there is nothing."""
        aside = len(self._delivery.sent.refused) if self._delivery else 0
        told = f"{aside} batches or files were put aside in {self.folder}" if aside else ""
        return "; ".join(part for part in (self._keeper.losses, told) if part)

    @property
    def waiting_bytes(self) -> int:
        """Of files that were logged."""
        return self._keeper.waiting_bytes

    @property
    def why_not(self) -> str:
        """Why something is not delivered, as far as known."""
        return self.stopped or self._postponed

    @property
    def folder(self) -> Path | None:
        return self._spool.folder if self._spool else None

    def flush(self, timeout_s: float, *, on_wait: Callable[[], None] = lambda: None) -> bool:
        """Spool what is queued, onto the disk itself, and wait until the server has all of it. False if it has not in time."""
        self.start()
        drained = self.drain()
        self._close_group()
        with self._spool_lock:
            if self._spool is not None:
                self._spool.sync()
        return self._wait_sent(timeout_s, on_wait) and drained

    def _wait_sent(self, timeout_s: float, on_wait: Callable[[], None]) -> bool:
        until = time.monotonic() + timeout_s
        self._hurry = True
        try:
            with self._changed:
                self._changed.notify_all()
                while self.unsent and self._is_sending and (left := until - time.monotonic()) > 0:
                    self._changed.wait(min(left, 0.1))
                    on_wait()
        finally:
            self._hurry = False
        return self._spool is not None and not self.unsent

    def finish(
        self, body: dict[str, Any] | None, timeout_s: float, *, on_wait: Callable[[], None] = lambda: None
    ) -> bool:
        """Flush, end the run with `body` (None: this writer ends, the run goes on) and end the threads. False as in `flush`."""
        until = time.monotonic() + timeout_s
        if not (self.header.owner or self._started or self._pending):
            return True  # a forked child that logged nothing has nothing to end
        self.start()
        self.drain()
        if body is not None and self._spool is not None:
            self._send_orphans(self._spool.folder, until=until - timeout_s / 2)
            with self._spool_lock:
                self._keeper.append_finish(body)
        try:
            return self.flush(until - time.monotonic(), on_wait=on_wait)
        finally:
            self._close()

    @property
    def is_child(self) -> bool:
        return not self.header.owner

    def leave(self, timeout_s: float) -> None:
        """End a forked child's stream."""
        self.finish(None, timeout_s)

    def _send_orphans(self, folder: Path, *, until: float) -> None:
        """What forked workers left that were killed goes first, so that the end of the run seals it too. What takes longer is left."""
        try:
            siblings = [path for path in folder.parent.iterdir() if path != folder]
        except OSError as exc:  # somebody cleared it away
            logger.debug("%s cannot be read: %s", folder.parent, exc)
            return
        if siblings and self._delivery is not None and not self.stopped and not self._postponed:
            from lineal._sync import sync_writers

            left = sync_writers(siblings, until=until).left
            if any(each.state == "unreachable" for each in left):
                self.notices.warn_once(
                    "orphans",
                    f"run {self.header.run}: what ended workers of it left is in {folder.parent}; `lineal sync` sends it",
                )

    def _close(self) -> None:
        self._closing = True
        self._wake.set()
        self._notify()
        if self._thread is not None:
            self._thread.join(CLOSE_WAIT_S)
        if self._thread is None or not self._thread.is_alive():
            self._release()  # else the thread does, once the request that it waits for has ended
        _processes.living.discard(self)

    def _release(self) -> None:
        """Unlock the spool for `lineal sync`, or remove it when the server has all of it."""
        with self._spool_lock:
            if self._spool is None or self._released:
                return
            self._released = True
            if self._pending:  # another thread was in the middle of logging
                self.drain()
                self.notices.warn_once(
                    "late", f"run {self.header.run}: values logged as it ended wait in {self.folder} for `lineal sync`"
                )
            if self._delivery is not None:
                self._delivery.close()
            if not self.unsent:
                remove_folder(self._spool.folder)
            self._spool.close()

    def be_reborn(self) -> None:
        """In a forked child: a writer of its own, with nothing queued; what the parent had queued, the parent sends."""
        if self._spool is not None:
            with contextlib.suppress(OSError):
                self._spool.abandon()
        self.header = self.header._replace(writer=uuid4().hex, owner=False)
        self._resume = False
        self.notices.renew()
        self._packer = self._packer.successor()
        self._attempt = 0
        self._forget_threads()
