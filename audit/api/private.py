"""Personal values of one event, which its readers do not see by themselves."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit import erasure, private, selectors
from audit.api.events import require_read
from audit.api.render import event_out
from audit.api.schemas import EventOut
from audit.projects import project_of
from core.api import ApiView, parse

REASON_LENGTH = 2_000  # characters
MOST_PATHS = 100


class PrivateValues(ApiView):
    class Input(serializers.Serializer):
        reason = serializers.CharField(max_length=REASON_LENGTH, required=False, allow_blank=True)

    @extend_schema(request=Input, responses=EventOut)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """The event with all its personal values: for maintainers of its project, and itself an event of the ledger."""
        require_read(self.principal)
        data = parse(self.Input, request)
        event = selectors.get_event(id=id, visible_to=self.principal)
        body = private.read_private(event=event, project=project_of(event), actor=self.principal, **data)
        return Response(event_out(event, dict(body)))


class Erasure(ApiView):
    class Input(serializers.Serializer):
        paths = serializers.ListField(
            child=serializers.CharField(max_length=500),
            min_length=1,
            max_length=MOST_PATHS,
            help_text="Where the values stand, as `/actor/display` or `/request/ip`.",
        )
        reason = serializers.CharField(max_length=REASON_LENGTH)

    class Output(serializers.Serializer):
        erased = serializers.ListField(child=serializers.CharField(), help_text="Paths that still held a value.")

    @extend_schema(request=Input, responses=Output)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """Delete personal values of the event for good, as administrators of the server may. Every proof stays valid;
        copies that were taken away before are not reached.
        """
        data = parse(self.Input, request)
        return Response({"erased": erasure.erase_private(event_id=id, actor=self.principal, **data)})
