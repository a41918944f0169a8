"""Jobs of the notify room: each loads by id and calls one service. All may run more than once."""

from functools import partial
from typing import Any

from core import jobs
from core.events import subscribe
from core.jobs import job
from notify.services import sending
from notify.services.publishing import publish_announced
from notify.topics import TOPICS

DAY_S = 24 * 3_600
LEASE_S = 180  # longer than a claim, which is longer than a try


@job("notify.deliver", lease_s=LEASE_S)
def deliver(*, delivery_id: int, at_once: bool = False) -> None:
    sending.deliver(delivery_id=delivery_id, at_once=at_once)


@job("notify.forget_old")
def forget_old() -> None:
    sending.forget_old()


jobs.every(seconds=DAY_S, name="notify.forget_old")


def _publish(topic: str, /, *, project_id: int, **facts: Any) -> None:
    publish_announced(topic, project_id=project_id, **facts)


for _topic in TOPICS:  # an announcement does not say its own name, so each has a job of its own
    job(f"notify.publish.{_topic}")(partial(_publish, _topic))
    subscribe(_topic, f"notify.publish.{_topic}")
