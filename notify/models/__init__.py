"""Tables of the notify room, one module per noun."""

from notify.models.deliveries import Attempt, Delivery
from notify.models.subscriptions import Subscription

__all__ = ["Attempt", "Delivery", "Subscription"]
