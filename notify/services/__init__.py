"""Writes of the notify room."""

from notify.services.publishing import publish
from notify.services.replays import replay_delivery, send_test
from notify.services.subscriptions import (
    create_subscription,
    delete_subscription,
    rotate_secret,
    update_subscription,
)

__all__ = [
    "create_subscription",
    "delete_subscription",
    "publish",
    "replay_delivery",
    "rotate_secret",
    "send_test",
    "update_subscription",
]
