"""System checks that start-up runs: every subscriber has to be a registered job."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from core import events, jobs


@register
def subscribers_exist(**_: Any) -> list[CheckMessage]:
    wanted = {job for subscribed in events._subscribers.values() for job in subscribed}  # noqa: SLF001 - same room
    return [
        Error(f"Job '{name}' is subscribed to an event but not registered.", id="core.E001")
        for name in sorted(wanted - jobs.names())
    ]
