"""Receipts, exactly as they were signed, and the key that checks them."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Permission
from core.api import ApiView
from registry import selectors
from registry.api.base import RegistryView
from registry.api.schemas import EnvelopeOut, ReceiptKeyOut
from registry.result import RECEIPT_TYPE


class OneReceipt(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses={(200, RECEIPT_TYPE): EnvelopeOut})
    def get(self, request: Request, uuid: UUID) -> HttpResponse:
        """A DSSE envelope of an in-toto Statement about the promotion. Its bytes have the SHA-256 of the result document."""
        receipt = selectors.get_receipt(project=self.project, uuid=uuid)
        return HttpResponse(
            receipt.envelope,
            content_type=RECEIPT_TYPE,
            headers={"Content-Disposition": f'attachment; filename="receipt-{receipt.uuid}.json"'},
        )


class ReceiptKey(ApiView):
    @extend_schema(responses=ReceiptKeyOut)
    def get(self, request: Request) -> Response:
        """The public key that the latest receipt was signed with; the ledger has it too. 404 before the first receipt."""
        return Response({"vkey": selectors.receipt_vkey()})
