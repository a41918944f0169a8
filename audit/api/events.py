"""The trail: events, one event with its proof, and the export."""

import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit import export, selectors
from audit.api.pages import PAGE_PARAMETERS, newest_first
from audit.api.render import base64, checkpoint_out, events_out
from audit.api.schemas import EventOut, EventPageOut, ProofOut
from audit.errors import NotSequenced
from audit.events import Target
from audit.models import AuditEvent
from audit.proofs import inclusion_of
from audit.selectors import Filter
from audit.services import record
from core.access import LEAST_ROLE, NotAllowed, Permission, Principal, project_not_found, require_server_admin
from core.api import ApiView, parse_query

WAIT_S = 10.0  # how long ?wait=integrated waits for the sequencer
POLL_S = 0.05


class _Filter(serializers.Serializer):
    project = serializers.CharField(required=False, max_length=128)
    actor = serializers.CharField(required=False, max_length=128)
    action = serializers.CharField(required=False, max_length=64, help_text="noun.verb, or noun.* for all of a noun.")
    target_type = serializers.CharField(required=False, max_length=64)
    target_id = serializers.CharField(required=False, max_length=256)
    outcome = serializers.ChoiceField(["ok", "denied", "error"], required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    q = serializers.CharField(required=False, max_length=200, help_text="In action, object and actor's name.")
    after = serializers.IntegerField(
        required=False, min_value=-1, max_value=2**63 - 1, help_text="Numbers in the log beyond this one."
    )
    before = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="Numbers in the log below this one."
    )


class Events(ApiView):
    @extend_schema(parameters=[*PAGE_PARAMETERS, _Filter], responses=EventPageOut)
    def get(self, request: Request) -> Response:
        """Newest first. Administrators of the server read all of it, others the trails of their projects."""
        require_read(self.principal)
        rows = selectors.list_events(visible_to=self.principal, only=_filter(request))
        return Response(newest_first(rows, request, key="id", render=events_out))


class OneEvent(ApiView):
    @extend_schema(responses=EventOut)
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the path names it so
        """One event of the ledger, of those that the caller may read."""
        require_read(self.principal)
        return Response(events_out([selectors.get_event(id=id, visible_to=self.principal)])[0])


class EventProof(ApiView):
    @extend_schema(
        parameters=[
            OpenApiParameter("wait", str, enum=["integrated"], description="Wait up to 10 s for its place in the log."),
            OpenApiParameter("format", str, enum=["json", "tlog-proof"], description="tlog-proof: the C2SP text."),
        ],
        responses={
            (200, "application/json"): ProofOut,
            (200, "text/plain"): OpenApiTypes.STR,
            503: OpenApiResponse(description="It has no place in the log yet."),
        },
    )
    def get(self, request: Request, id: UUID) -> HttpResponse | Response:  # noqa: A002 - the path names it so
        """The event's inclusion in the newest checkpoint. 503 while it has no place in the log yet."""
        require_read(self.principal)
        event = selectors.get_event(id=id, visible_to=self.principal)
        proof = _proof(event, wait=request.query_params.get("wait") == "integrated")
        if request.query_params.get("format") == "tlog-proof":
            return HttpResponse(_as_text(proof), content_type="text/plain; charset=utf-8")
        return Response(proof)


class Export(ApiView):
    @extend_schema(
        parameters=[_Filter, OpenApiParameter("filtered", bool, description="Chosen events, each with its proof.")],
        responses={(200, "application/jsonl"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The ledger as JSON lines that `lineal audit verify` checks offline. The whole needs an administrator of the
        server; `filtered=true` gives what matches the filter, of projects in which the caller may export, and without addresses
        and devices unless the caller administers the server.
        """
        only = _filter(request)
        filtered = request.query_params.get("filtered", "").lower() in ("1", "true")
        if filtered:
            withhold = not self.principal.is_server_admin
            lines = export.filtered_export(_exportable(self.principal, only), withhold=withhold)
        else:
            require_server_admin(self.principal)
            lines = export.full_export()
        _record_export(self.principal, only if filtered else None)
        return StreamingHttpResponse(
            _in_pieces(lines),
            content_type="application/jsonl",
            headers={"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"},
        )


def _exportable(principal: Principal, only: Filter) -> Any:
    """Events of the filter in projects where the caller may export. Raises NotFound, NotAllowed."""
    events = selectors.list_events(visible_to=principal, only=only)
    if principal.is_server_admin and principal.has_scope("read"):
        return events
    if not principal.has_scope("read"):
        require_read(principal)
    least = LEAST_ROLE[Permission.AUDIT_EXPORT]
    readable = selectors.trail_project_ids(principal) or set()
    allowed = {project_id for project_id in readable if principal.roles[project_id] >= least}
    if only.project is not None and not selectors.list_events(visible_to=principal, only=Filter(only.project)).exists():
        raise project_not_found(only.project)
    if not allowed:
        raise NotAllowed(
            f"Exporting a trail needs the role {least.label} in its project, or above.",
            principal=principal,
            permission=Permission.AUDIT_EXPORT.value,
            project=None,
        )
    return events.filter(project_id__in=allowed)


@transaction.atomic
def _record_export(principal: Principal, only: Filter | None) -> None:
    """`only` is what a filtered export was asked for; None stands for all."""
    project = only.project if only else None
    label = f"project {project}" if project else "the whole server"
    asked = {name: value for name, value in asdict(only).items() if value is not None} if only else {}
    record(
        action="audit.export",
        target=Target("ledger", project or "ledger", label),
        actor=principal,
        project=None,
        after={"filtered": only is not None, "filter": asked, "personal_values": principal.is_server_admin},
    )


def _in_pieces(lines: Iterator[bytes], size: int = 1 << 18) -> Iterator[bytes]:
    """Lines joined to pieces that are worth a system call."""
    piece = bytearray()
    for line in lines:
        piece += line
        if len(piece) >= size:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def require_read(principal: Principal) -> None:
    if not principal.has_scope("read"):
        raise NotAllowed(
            "This token lacks the scope 'read', which audit.read needs.",
            principal=principal,
            permission=Permission.AUDIT_READ.value,
            project=None,
        )


def _filter(request: Request) -> Filter:
    data = parse_query(_Filter, request)
    since: datetime | None = data.pop("since", None)
    until: datetime | None = data.pop("until", None)
    return Filter(since=since, until=until, text=data.pop("q", None), **data)


def _proof(event: AuditEvent, *, wait: bool) -> dict[str, Any]:
    proof = inclusion_of(event)
    end = time.monotonic() + (WAIT_S if wait else 0)
    while proof is None and time.monotonic() < end:
        time.sleep(POLL_S)
        proof = inclusion_of(event)
    if proof is None:
        raise NotSequenced(
            "The event is committed, and has no place in the log yet. Ask again, or with ?wait=integrated."
        )
    return {
        "event_id": event.uuid,
        "seq": proof.seq,
        "leaf_hash": base64(proof.leaf_hash),
        "body": event.body,
        "proof": [base64(each) for each in proof.path],
        "checkpoint": checkpoint_out(proof.checkpoint),
    }


def _as_text(proof: dict[str, Any]) -> str:
    """C2SP tlog-proof: a header, the entry as extra data, the index, the path, an empty line and the checkpoint."""
    extra = b64encode(proof["body"].encode()).decode()
    lines = ["c2sp.org/tlog-proof@v1", f"extra {extra}", f"index {proof['seq']}", *proof["proof"], ""]
    return "\n".join(lines) + "\n" + str(proof["checkpoint"]["note"])
