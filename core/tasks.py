"""Celery's side of jobs: one task that works off what is due, and the doorbell that calls for it."""

import logging

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from core import jobs

log = logging.getLogger(__name__)

BATCH = 100  # jobs per message; what is left is rung for again


@shared_task(name="core.work", ignore_result=True)
def work() -> None:
    """Work off what is due. Rung for at each commit that promised a job, and every few seconds by the beat."""
    if jobs.run_pending(limit=BATCH) == BATCH:
        ring()


@shared_task(name="core.enqueue_periodic", ignore_result=True)
def enqueue_periodic(name: str) -> None:
    """Promise the periodic job `name`; one that still waits from last time stands for both."""
    with transaction.atomic():
        jobs.enqueue(name, _dedupe=f"periodic:{name}")


def ring() -> None:
    """Send the doorbell. Not being able to is no error: it costs seconds, not the job."""
    if not settings.RING_WORKERS:
        return
    try:
        import_string(settings.CELERY_APP).send_task("core.work", retry=False)
    except (OperationalError, OSError) as exc:
        jobs.doorbell_failures.inc()
        log.warning("The broker did not take the doorbell (%s); the sweeper will find the job.", exc)
