"""Telling whoever wants to know: a delivery for each subscription that matches, in the transaction of the fact itself."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from django.db import transaction

from accounts.models import Project
from core import clock, jobs
from core.access import ProjectRef
from notify.models import Delivery, Subscription
from notify.models.deliveries import KEY_LENGTH
from notify.topics import SEVERITIES, TOPICS, is_wanted
from notify.words import lines, one_line

TITLE_LENGTH = 300
TEXT_LENGTH = 8_000


def publish(
    *,
    project: ProjectRef,
    event: str,
    severity: str | None,
    title: str,
    text: str,
    url: str,
    payload: Mapping[str, Any],
    key: str,
) -> int:
    """Promise a message to each subscription of the project that wants `event`; to how many. Idempotent: what has the
    same `event` and `key` is the same happening, and nobody is told of it twice.

    `url` is a path below the server's address; `payload` is JSON, and goes to webhooks as it is.

    Raises:
        LookupError: no topic is called `event`.
        TransactionManagementError: called outside a transaction, where a crash could lose it.
    """
    if event not in TOPICS:
        raise LookupError(f"No topic is named '{event}'.")
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("Publish inside the transaction of the fact that is told.")
    severity = severity if severity in SEVERITIES else SEVERITIES[0]
    wanting = [
        subscription
        for subscription in Subscription.objects.filter(project_id=project.id, enabled=True).order_by("pk")
        if is_wanted(
            event=event,
            severity=severity,
            patterns=subscription.events,
            least_severity=subscription.least_severity,
        )
    ]
    made = [
        new_delivery(subscription, event=event, severity=severity, title=title, text=text, url=url, payload=payload,
                     key=f"{event}:{key}")
        for subscription in wanting
    ]  # fmt: skip
    return promise(made)


def publish_announced(topic: str, /, *, project_id: int, **facts: Any) -> int:
    """Publish what a room announced as `topic`. Idempotent."""
    known = TOPICS[topic]
    with transaction.atomic():
        return publish(
            project=Project.objects.get(pk=project_id),
            event=topic,
            severity=known.severity_of(facts),
            title=facts.get("title") or known.title(facts),
            text=facts.get("text") or known.text(facts),
            url=facts.get("url") or "",
            payload={name: value for name, value in facts.items() if name not in _SAID_ELSEWHERE},
            key=str(facts.get("key") or facts[known.key]),
        )


_SAID_ELSEWHERE = frozenset({"title", "text", "url", "severity", "key"})


def new_delivery(
    subscription: Subscription,
    *,
    event: str,
    severity: str,
    title: str,
    text: str,
    url: str,
    payload: Mapping[str, Any],
    key: str,
) -> Delivery:
    """An unsaved one."""
    now = clock.now()
    return Delivery(
        subscription=subscription,
        event=event,
        key=key if len(key) <= KEY_LENGTH else f"sha256:{sha256(key.encode()).hexdigest()}",
        severity=severity,
        title=one_line(title, TITLE_LENGTH),
        text=lines(text, TEXT_LENGTH),
        url=url,
        payload=dict(payload),
        since=now,
        next_at=now,
        created_at=now,
    )


def promise(deliveries: Sequence[Delivery]) -> int:
    """Store those whose key is new to their subscription, each with its job; how many."""
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    stored = Delivery.objects.filter(uuid__in=[delivery.uuid for delivery in deliveries])
    ids = list(stored.order_by("pk").values_list("pk", flat=True))
    for delivery_id in ids:
        jobs.enqueue("notify.deliver", delivery_id=delivery_id)
    return len(ids)
