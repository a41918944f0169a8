"""Reads of subscriptions; never of where they lead or what signs them."""

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from core.access import ProjectRef
from notify.errors import SubscriptionMissing
from notify.models import Delivery, Subscription

SEALED = ("sealed_target", "sealed_secret", "sealed_previous_secret")


def list_subscriptions(*, project: ProjectRef) -> QuerySet[Subscription]:
    """By name, each with `last_state` and `last_at` of its newest delivery, None where there is none. One query."""
    newest = Delivery.objects.filter(subscription=OuterRef("pk")).order_by("-id")
    subscriptions = Subscription.objects.select_related("project").defer(*SEALED).filter(project_id=project.id)
    return subscriptions.annotate(
        last_state=Subquery(newest.values("state")[:1]), last_at=Subquery(newest.values("created_at")[:1])
    ).order_by("name")


def get_subscription(*, project: ProjectRef, uuid: UUID) -> Subscription:
    """Raises SubscriptionMissing."""
    subscription = list_subscriptions(project=project).filter(uuid=uuid).first()
    if subscription is None:
        raise SubscriptionMissing(f"There is no subscription {uuid} in this project.")
    return subscription
