"""The Celery application: one task that works off the outbox, and a beat that rings for it and for the periodic jobs."""

import logging
import os
from typing import Any
from urllib.parse import unquote

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config import environment

SWEEP_S = 5.0  # how long a lost doorbell can delay a job

app = Celery("lineal")


def _broker() -> dict[str, Any]:
    """The broker that LINEAL_BROKER_URL names, or a folder in the home: no server needed, polled ten times a second."""
    url = environment.text("LINEAL_BROKER_URL")
    if url:
        return {"broker_url": url}
    folder = environment.home() / "broker"
    for name in ("queue", "control"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": unquote(str(folder / "queue")),
            "data_folder_out": unquote(str(folder / "queue")),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.1,
        },
    }


def _beat_schedule() -> dict[str, Any]:
    from core import jobs  # noqa: PLC0415 - filled when the apps are ready

    periodic = {
        name: {"task": "core.enqueue_periodic", "schedule": seconds, "args": [name]}
        for name, seconds in jobs.PERIODS_S.items()
    }
    return {"core.sweep": {"task": "core.work", "schedule": SWEEP_S, "options": {"expires": SWEEP_S}}, **periodic}


app.conf.update(
    **_broker(),
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    timezone="UTC",
    task_default_queue="lineal",
)
app.autodiscover_tasks(["core"])


@app.on_after_finalize.connect
def _install_schedule(sender: Celery, **_: Any) -> None:
    import django  # noqa: PLC0415 - only processes that load the app need it

    django.setup()
    sender.conf.beat_schedule = _beat_schedule()


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Django's LOGGING stands for workers too."""


if environment.text("LINEAL_PROCESS") in (
    "worker",
    "beat",
):  # else the first words of Celery would come in a form of its own
    import django

    django.setup()
    logging.captureWarnings(capture=True)
