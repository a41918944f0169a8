"""Reads of deliveries and their attempts."""

from uuid import UUID

from django.db.models import QuerySet

from core.access import ProjectRef
from notify.errors import DeliveryMissing
from notify.models import Attempt, Delivery, Subscription
from notify.selectors.subscriptions import SEALED


def list_deliveries(*, subscription: Subscription, state: str | None = None) -> QuerySet[Delivery]:
    """Newest first."""
    deliveries = _deliveries().filter(subscription=subscription)
    return (deliveries.filter(state=state) if state else deliveries).order_by("-id")


def get_delivery(*, project: ProjectRef, uuid: UUID) -> Delivery:
    """Raises DeliveryMissing."""
    delivery = _deliveries().filter(subscription__project_id=project.id, uuid=uuid).first()
    if delivery is None:
        raise DeliveryMissing(f"There is no delivery {uuid} in this project.")
    return delivery


def list_attempts(*, delivery: Delivery) -> QuerySet[Attempt]:
    """Newest first, of all rounds."""
    return Attempt.objects.filter(delivery=delivery).order_by("-id")


def _deliveries() -> QuerySet[Delivery]:
    sealed = [f"subscription__{name}" for name in SEALED]
    return Delivery.objects.select_related("subscription__project").defer(*sealed)
