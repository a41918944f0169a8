"""Celery's side of jobs: the doorbell is answered here. What the bell calls to, `core.workforce` does in threads of its own,
so the connection to the broker stays attended however long a job takes.
"""

from celery import shared_task
from django.db import transaction

from core import jobs, workforce


@shared_task(name="core.work", ignore_result=True)
def work() -> None:
    """Answer the doorbell. In a process without a workforce, work off what is due."""
    if not workforce.wake():
        jobs.run_pending(limit=100)


@shared_task(name="core.enqueue_periodic", ignore_result=True)
def enqueue_periodic(name: str) -> None:
    """Promise the periodic job `name`, for the beat of release 0.1.0, which asks for it by message."""
    with transaction.atomic():
        jobs.enqueue(name, _dedupe=f"periodic:{name}")
