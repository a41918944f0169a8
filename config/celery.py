"""The Celery application: it listens for the doorbell. What the bell calls to is done by `core.workforce`, which starts with the
worker as one of its boot steps.
"""

import os
from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

from config import broker, folder_broker
from core.doorbell import QUEUE

app = Celery("lineal")
broker.make_folders(settings.BROKER)
folder_broker.register()
app.conf.update(
    **settings.BROKER["celery"],
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,  # no task is long; this keeps it from being warned of
    broker_connection_timeout=broker.CONNECT_LIMIT_S,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # jobs are done meanwhile, so there is no reason to give up
    broker_heartbeat=30,
    timezone="UTC",
    task_default_queue=QUEUE,
)
app.autodiscover_tasks(["core"])


class JobThreads(bootsteps.StartStopStep):
    """Starts the workforce with the worker, and stops it before the worker is gone."""

    def __init__(self, worker: Any, **options: Any) -> None:
        self.workforce: Any = None
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        from core import roster, workforce  # noqa: PLC0415 - after the apps are loaded

        self.workforce = workforce.Workforce(worker.concurrency, on_beat=roster.touch)
        workforce.install(self.workforce)
        self.workforce.start()
        roster.touch()

    def stop(self, worker: Any) -> None:
        self._end(worker, settings.STOP_S)

    def terminate(self, worker: Any) -> None:
        self._end(worker, 0)

    def _end(self, worker: Any, limit_s: float) -> None:
        if self.workforce is None:
            return
        workforce, self.workforce = self.workforce, None
        finished = workforce.stop(limit_s)
        for end in _at_end:
            end()
        if not finished:
            os._exit(worker.exitcode or 0)  # what was at hand has been given back; another worker may have it already


app.steps["worker"].add(JobThreads)
_at_end: list[Callable[[], None]] = []


def run_worker(threads: int, at_end: Callable[[], None]) -> None:
    """A worker in this thread until a signal. Made as `celery worker` makes it, without loading that program's command line."""
    _at_end[:] = [at_end]
    app.Worker(
        quiet=True, pool_cls="solo", concurrency=threads, queues=[QUEUE], without_gossip=True, without_mingle=True,
        loglevel="WARNING",
    ).start()  # fmt: skip


@app.on_after_finalize.connect
def _load_apps(sender: Celery, **_: Any) -> None:
    import django  # noqa: PLC0415 - only processes that load the app need it

    django.setup()


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Django's LOGGING stands for workers too."""
