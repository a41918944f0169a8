"""What can be wrong with what is asked of the notify room."""

from core.errors import Conflict, Invalid, NotFound


class SubscriptionRefused(Invalid):
    """A subscription that cannot stand; `errors` has every reason."""

    code = "subscription-invalid"
    title = "Subscription not acceptable"


class SubscriptionMissing(NotFound):
    code = "subscription-not-found"
    title = "No such subscription"


class DeliveryMissing(NotFound):
    code = "delivery-not-found"
    title = "No such delivery"


class NameTaken(Conflict):
    code = "name-taken"
    title = "Name taken"


class TooManySubscriptions(Conflict):
    code = "too-many-subscriptions"
    title = "Too many subscriptions"


class HasNoSecret(Conflict):
    """Only webhooks are signed; what a chat or a mail server asks for is in its address."""

    code = "has-no-secret"
    title = "Nothing is signed here"


class SubscriptionDisabled(Conflict):
    code = "subscription-disabled"
    title = "Subscription disabled"
