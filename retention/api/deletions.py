"""Acts on many things at once: tried dry, asked for, followed, cancelled."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import ProjectView
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission, require
from core.api import parse, parse_query
from retention import kinds, selectors, services
from retention.api.schemas import (
    OUTCOMES,
    DeletionOut,
    DeletionWithItemsOut,
    PlannedOut,
    deletion_out,
    item_out,
    plan_out,
)
from retention.kinds import Act
from retention.models import Deletion
from retention.plans import make_plan

IDS = 10_000  # named in one request; a filter finds more
FILTER_LENGTH = 10_000
EXPERIMENTS = 1_000
OUTCOME = OpenApiParameter("outcome", str, description=f"Only those: {', '.join(OUTCOMES)}.")


class Deletions(ProjectView):
    """What a caller may do to which things is asked of the plan, since it depends on whose they are."""

    permissions = {"GET": Permission.PROJECT_READ, "POST": Permission.RUN_WRITE}

    class Input(serializers.Serializer):
        kind = serializers.CharField(max_length=32, help_text="run, experiment, model_version or model.")
        act = serializers.ChoiceField([act.value for act in Act])
        ids = serializers.ListField(
            child=serializers.CharField(max_length=600, trim_whitespace=False),
            min_length=1,
            max_length=IDS,
            required=False,
            help_text="A run's id, an experiment's or model's name, model/number.",
        )
        filter = serializers.CharField(
            max_length=FILTER_LENGTH,
            required=False,
            help_text="Of runs, in the language of search. Without `lifecycle`: active ones to archive or delete, deleted "
            "ones to restore or purge.",
        )
        experiments = serializers.ListField(
            child=serializers.CharField(max_length=250), max_length=EXPERIMENTS, required=False
        )
        lifecycle = serializers.ChoiceField(["active", "archived", "deleted", "all"], required=False)
        reason = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")
        dry_run = serializers.BooleanField(default=False)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(DeletionOut))
    def get(self, request: Request) -> Response:
        """Newest first."""
        rows = selectors.list_deletions(project=self.project)
        return Response(page(rows, request, column="id", render=deletion_out, newest_first=True))

    @extend_schema(request=Input, responses={200: DeletionWithItemsOut, 201: DeletionOut, 202: DeletionOut})
    def post(self, request: Request) -> Response:
        """Archive, delete, restore or purge what is named or found. A dry run (200) lists it and changes nothing. A small
        selection is done when this answers (201); a large one (202) is carried out by a worker.
        """
        data = parse(self.Input, request)
        query: dict[str, Any] = {key: data[key] for key in ("filter", "experiments", "lifecycle") if key in data}
        plan = make_plan(
            project=self.project,
            kind=data["kind"],
            act=data["act"],
            principal=self.principal,
            ids=data.get("ids"),
            query=query if "filter" in query or "experiments" in query else None,
            measured=data["dry_run"],
        )
        if data["dry_run"]:
            return Response(plan_out(plan, data["reason"]))
        deletion = services.request_deletion(
            project=self.project, plan=plan, reason=data["reason"], actor=self.principal
        )
        done = deletion.state != Deletion.State.RUNNING
        return Response(deletion_out(deletion), status=201 if done else 202)


class OneDeletion(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(responses=DeletionOut)
    def get(self, request: Request, uuid: UUID) -> Response:
        """How far it has come."""
        return Response(deletion_out(selectors.get_deletion(project=self.project, uuid=uuid)))


class DeletionItems(ProjectView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        outcome = serializers.ChoiceField(OUTCOMES, required=False)

    @extend_schema(parameters=[*PAGE_PARAMETERS, OUTCOME], responses=page_of(PlannedOut))
    def get(self, request: Request, uuid: UUID) -> Response:
        """What has come of each thing, in the order in which their turn comes."""
        deletion = selectors.get_deletion(project=self.project, uuid=uuid)
        outcome = parse_query(self.Query, request).get("outcome")
        items = selectors.list_items(deletion=deletion, outcome=outcome)
        return Response(page(items, request, column="id", render=item_out))


class CancelDeletion(ProjectView):
    permissions = {"POST": Permission.RUN_WRITE}

    @extend_schema(request=None, responses=DeletionOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Let what has not been done be: whoever asked for it may, and those who may delete."""
        deletion = selectors.get_deletion(project=self.project, uuid=uuid)
        if deletion.actor.get("id") != str(self.principal.id):
            require(self.principal, kinds.get_kind(deletion.kind).others, self.project)
        return Response(deletion_out(services.cancel_deletion(deletion=deletion, actor=self.principal)))
