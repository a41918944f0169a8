"""How this room's things are named on the ledger: by lasting id, and by their name at the time."""

from audit.events import Target
from notify.models import Subscription


def subscription_target(subscription: Subscription) -> Target:
    return Target("subscription", str(subscription.uuid), subscription.name)
