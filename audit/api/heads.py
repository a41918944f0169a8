"""Signed heads of the log, growth between two of them, their copies elsewhere, and what the hourly checks found."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit import selectors
from audit.api.pages import PAGE_PARAMETERS, newest_first
from audit.api.render import anchor_out, base64, checkpoint_out, verification_out
from audit.api.schemas import AnchorPageOut, CheckpointPageOut, ConsistencyOut, LogCheckpointOut, VerificationPageOut
from audit.errors import CheckpointNotFound
from audit.models import Anchor, AuditCheckpoint, Verification
from audit.proofs import consistency_of
from core.access import require_server_admin
from core.api import ApiView, parse_query
from core.errors import Invalid


class LatestCheckpoint(ApiView):
    """A head says nothing of what is in the log, so everyone with an account may keep it; the more do, the better."""

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        """The newest signed note. Keep it elsewhere: it is an anchor."""
        head = selectors.latest_checkpoint()
        if head is None:
            raise CheckpointNotFound("The ledger has no signed checkpoint yet.")
        return HttpResponse(head.note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})


class Checkpoints(ApiView):
    @extend_schema(parameters=PAGE_PARAMETERS, responses=CheckpointPageOut)
    def get(self, request: Request) -> Response:
        """Newest first."""
        rows = AuditCheckpoint.objects.all()
        return Response(
            newest_first(rows, request, key="size", render=lambda found: [checkpoint_out(each) for each in found])
        )


class OneCheckpoint(ApiView):
    @extend_schema(responses=LogCheckpointOut)
    def get(self, request: Request, size: int) -> Response:
        """The signed head of the log at that size."""
        return Response(checkpoint_out(selectors.get_checkpoint(size)))


class Consistency(ApiView):
    class Query(serializers.Serializer):
        old = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Size of the older checkpoint.")
        new = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Size of the newer one.")

    @extend_schema(parameters=[Query], responses=ConsistencyOut)
    def get(self, request: Request) -> Response:
        """Proof that the newer log begins with all of the older one."""
        sizes = parse_query(self.Query, request)
        if sizes["old"] > sizes["new"]:
            raise Invalid("old has to be the smaller size.", field="old")
        found = consistency_of(sizes["old"], sizes["new"])
        return Response(
            {
                "old_size": found.old.size,
                "new_size": found.new.size,
                "proof": [base64(each) for each in found.path],
                "old": checkpoint_out(found.old),
                "new": checkpoint_out(found.new),
            }
        )


class Anchors(ApiView):
    @extend_schema(parameters=PAGE_PARAMETERS, responses=AnchorPageOut)
    def get(self, request: Request) -> Response:
        """Newest first; for administrators of the server."""
        require_server_admin(self.principal)
        rows = Anchor.objects.all()
        return Response(
            newest_first(rows, request, key="id", render=lambda found: [anchor_out(each) for each in found])
        )


class Verifications(ApiView):
    @extend_schema(parameters=PAGE_PARAMETERS, responses=VerificationPageOut)
    def get(self, request: Request) -> Response:
        """Newest first; for administrators of the server."""
        require_server_admin(self.principal)
        rows = Verification.objects.all()
        return Response(
            newest_first(rows, request, key="id", render=lambda found: [verification_out(each) for each in found])
        )
