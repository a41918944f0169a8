"""What the notify room's routes name, as each route needs."""

from itertools import count

from notify import services
from notify.services.subscriptions import Wish
from tests.security.registry_world import NAMES

_numbers = count(1)
WISH = {"kind": "webhook", "target": "https://ops.example.org/hook"}


def _subscription(world):
    wish = Wish(name=f"ops-{next(_numbers)}", **WISH)
    return services.create_subscription(project=world.project, wish=wish, actor=world.people["maintainer"])[0]


def a_subscription(world, caller):
    return NAMES | {"subscription": str(_subscription(world).uuid)}


def a_delivery(world, caller):
    subscription = _subscription(world)
    delivery = services.send_test(subscription=subscription, actor=world.people["maintainer"])
    return NAMES | {"subscription": str(subscription.uuid), "delivery": str(delivery.uuid)}
