"""Routes of the notify room, under `/api/v1/`."""

from django.urls import path

from notify.api import deliveries, subscriptions

ONE = "subscriptions/<uuid:uuid>"

urlpatterns = [
    path("subscriptions", subscriptions.Subscriptions.as_view(), name="subscriptions"),
    path(ONE, subscriptions.OneSubscription.as_view(), name="subscription"),
    path(f"{ONE}/test", subscriptions.TestSubscription.as_view(), name="subscription-test"),
    path(f"{ONE}/secret", subscriptions.RotateSecret.as_view(), name="subscription-secret"),
    path(f"{ONE}/deliveries", subscriptions.Deliveries.as_view(), name="subscription-deliveries"),
    path("deliveries/<uuid:uuid>", deliveries.OneDelivery.as_view(), name="delivery"),
    path("deliveries/<uuid:uuid>/replay", deliveries.Replay.as_view(), name="delivery-replay"),
]
