"""The one route that takes a verdict without a token: its sender proves itself by a signature."""

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import ratelimit
from core.api import ApiView
from core.context import client_ip
from monitoring.api.documents import DocumentParser, document_of
from monitoring.errors import NotSigned
from monitoring.services import take_message

HEADERS = [
    OpenApiParameter("webhook-id", str, OpenApiParameter.HEADER, description="Standard Webhooks: names the message."),
    OpenApiParameter("webhook-timestamp", str, OpenApiParameter.HEADER, description="Standard Webhooks: seconds."),
    OpenApiParameter(
        "webhook-signature", str, OpenApiParameter.HEADER, description="Standard Webhooks: `v1,<base64>`."
    ),
    OpenApiParameter("X-Signature", str, OpenApiParameter.HEADER, description="Else: `sha256=<hex>`, of the body."),
]


class TakenOut(serializers.Serializer):
    id = serializers.UUIDField(help_text="Of the evidence.")
    verdict = serializers.ChoiceField(["pass", "fail", "error"])


class Intake(ApiView):
    """What a stranger learns here is one sentence, whatever is wrong."""

    authentication_classes = []
    permission_classes = []
    parser_classes = [DocumentParser]
    rate_limit = "intake"

    @extend_schema(
        parameters=HEADERS,
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            201: TakenOut,
            200: TakenOut,
            401: OpenApiResponse(description="It was not signed with the secret of this hook, or not lately."),
        },
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        """Take a verdict that was signed with the hook's secret; the body is the document as the tool wrote it. The
        same message again is the same evidence: 200.
        """
        try:
            report, is_new = take_message(uuid=uuid, headers=request.headers, body=document_of(request))
        except NotSigned:
            ratelimit.take("failed_sign_in", client_ip(request._request))  # noqa: SLF001 - its documented way down
            raise
        return Response({"id": report.uuid, "verdict": report.verdict}, status=201 if is_new else 200)
