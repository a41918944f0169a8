"""Counts of processes that no web process can read: a worker on a machine of its own shows them by itself, where
LINEAL_METRICS_LISTEN says so. The database's figures stay with the web processes.

Nobody is asked for a token there: an address that only Prometheus reaches is the lock on this door.
"""

import errno
import logging
from collections.abc import Iterator

from django.conf import settings
from prometheus_client import CollectorRegistry, Metric, start_http_server

from core import figures, metrics

log = logging.getLogger(__name__)


class _Counts:
    def collect(self) -> Iterator[Metric]:
        yield from metrics.collect()
        yield from figures.processes()


def start() -> None:
    """Listen, from a thread of this process, unless it is a web process. Of several on one machine the first shows the counts of
    all; whoever comes later leaves it at that.
    """
    if settings.METRICS_LISTEN is None or settings.PROCESS in ("", "web"):
        return
    host, port = settings.METRICS_LISTEN
    registry = CollectorRegistry()
    registry.register(_Counts())
    try:
        start_http_server(port, host, registry)
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            log.warning("The counts of this process are not shown: %s:%s: %s", host, port, exc)
