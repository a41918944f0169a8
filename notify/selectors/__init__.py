"""Reads of the notify room."""

from notify.selectors.deliveries import get_delivery, list_attempts, list_deliveries
from notify.selectors.subscriptions import get_subscription, list_subscriptions

__all__ = ["get_delivery", "get_subscription", "list_attempts", "list_deliveries", "list_subscriptions"]
