"""The doorbell: a message without content that tells workers to look into the outbox now.

It is sent by a thread of its own, so no request ever waits for a broker. Rings that come while one is under way are one
ring, and a bell that rings already is not rung again: with all workers away, a queue holds a handful of messages. When the broker
does not answer the thread leaves it alone for a while; workers look by themselves every few seconds.
"""

import contextlib
import logging
import os
import threading
import time
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from core import metrics

log = logging.getLogger(__name__)

QUEUE = "lineal"
TASK = "core.work"
WAITING_ENOUGH = 10  # messages; more would wake nobody that these do not wake
REST_S = 0.02  # between two rings, so that a burst of commits is a few messages
LEAVE_ALONE_S = 5.0  # a broker that failed
failures = metrics.counter("lineal_doorbell_failures_total", "Doorbells that the broker did not take.")
ANSWER_LIMIT_S = 2.0  # of a broker, to a connection or a command


class Ringer:
    """Rings from a daemon thread that starts with the first ring."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """As new. In a forked child: the thread and the connection are the parent's."""
        self._wanted = threading.Event()
        self._ring = False
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self.state = "unknown"

    def ring(self) -> None:
        """Have the workers called. Returns at once, and raises nothing."""
        self._ring = True
        self.look()

    def look(self) -> None:
        """Have `state` looked after: "ok", "unreachable", or "unknown" before the first answer. Returns at once."""
        self._wanted.set()
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="lineal-doorbell", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            ring, self._ring = self._ring, False
            time.sleep(REST_S if self._attempt(ring=ring) else LEAVE_ALONE_S)

    def _attempt(self, *, ring: bool) -> bool:
        try:
            self._reach(ring=ring)
        except Exception as exc:  # noqa: BLE001 - each transport has errors of its own, and none may end the thread
            if self.state != "unreachable":
                log.warning(
                    "The broker does not take the doorbell (%s); workers look by themselves.", type(exc).__name__
                )
            self.state = "unreachable"
            failures.inc()
            self._hang_up()
            return False
        if self.state == "unreachable":
            log.warning("The broker takes the doorbell again.")
        self.state = "ok"
        return True

    def _reach(self, *, ring: bool) -> None:
        app = import_string(settings.CELERY_APP)
        if self._connection is None:
            self._connection = app.connection_for_write(
                connect_timeout=ANSWER_LIMIT_S, transport_options=settings.BROKER["ring_options"]
            )
            self._connection.connect()
        waiting = app.amqp.queues[QUEUE](self._connection.default_channel).queue_declare()
        if ring and waiting.message_count < WAITING_ENOUGH:
            app.send_task(TASK, connection=self._connection, retry=False, expires=settings.SWEEP_S)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()


ringer = Ringer()
os.register_at_fork(after_in_child=ringer.forget)


def ring() -> None:
    """Call the workers. Not being able to is no error: it costs seconds, not the job."""
    if settings.RING_WORKERS:
        ringer.ring()
