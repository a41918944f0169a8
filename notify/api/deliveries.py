"""Deliveries: one message to one subscription, with every attempt, and once more by hand."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from core.access import Permission
from notify import selectors, services
from notify.api.render import DeliveryOut, WholeDeliveryOut, delivery_out, whole_delivery_out


class OneDelivery(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=WholeDeliveryOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """What was told, and every attempt to do so."""
        delivery = selectors.get_delivery(project=self.project, uuid=uuid)
        return Response(whole_delivery_out(delivery, selectors.list_attempts(delivery=delivery)))


class Replay(ProjectView):
    permissions = {"POST": Permission.SUBSCRIPTION_WRITE}
    rate_limit = {"POST": "send_by_hand"}

    @extend_schema(request=None, responses=DeliveryOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Send it again under its own id, whatever came of it; one that still waits is tried now."""
        delivery = selectors.get_delivery(project=self.project, uuid=uuid)
        return Response(delivery_out(services.replay_delivery(delivery=delivery, actor=self.principal)))
