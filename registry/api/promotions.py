"""Promotions: asked for, decided on, rolled back. Whatever comes of a request, the answer is its result document."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.schemas import page_of
from core.access import Permission
from core.api import parse, parse_query, polled
from core.errors import Invalid
from registry import selectors, services
from registry.api.base import ReasonField, RegistryView, VersionRefField
from registry.api.schemas import PromotionOut
from registry.judging import NOBODY
from registry.models import Approval
from registry.result import result_document
from registry.selectors.promotions import STATES
from registry.selectors.versions import DIGEST
from registry.services.promotions import Request as PromotionRequest

KEY_LENGTH = 255  # characters
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="As `idempotency_key` in the body."
)


class KeyField(serializers.CharField):
    """Names this request, so that asking again is safe: provider, run, attempt, model and environment, for instance."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=KEY_LENGTH, required=False, allow_null=True, **options)


class ExpectedField(serializers.CharField):
    """What the caller believes to hold the environment; if something else does, nothing moves."""

    def __init__(self, **options: Any) -> None:
        help_text = f"The holder's digest, or '{NOBODY}'. No check if left out."
        super().__init__(required=False, allow_null=True, max_length=80, help_text=help_text, **options)


class Promote(RegistryView):
    permissions = {"POST": Permission.PROMOTION_REQUEST}

    class Input(serializers.Serializer):
        version = VersionRefField()
        environment = serializers.CharField(max_length=64)
        expect_current = ExpectedField()
        reason = ReasonField()
        idempotency_key = KeyField()
        dry_run = serializers.BooleanField(default=False, help_text="Evaluate everything and change nothing.")

    @extend_schema(parameters=[KEY_HEADER], request=Input, responses={201: PromotionOut, 200: PromotionOut})
    def post(self, request: Request, name: str) -> Response:
        """Move a version into an environment, if its policy lets it. `decision` and `exit_code` tell what came of it:
        a gate that failed is an answer, not an error. 201 where the request is new; 200 for a plan (`dry_run`), and for
        a key that was used before, with how things stand now.
        """
        data = parse(self.Input, request)
        model = self.find_model(name)
        wish = PromotionRequest(
            model=model,
            version=selectors.get_version(model=model, ref=data["version"]),
            environment=self.find_environment(data["environment"]),
            actor=self.principal,
            reason=data["reason"],
            expect_current=_expected(data.get("expect_current")),
            idempotency_key=idempotency_key(request, data),
        )
        if data["dry_run"]:
            return Response(result_document(services.plan_promotion(wish), dry_run=True))
        promotion, is_new = services.request_promotion(wish)
        found = selectors.get_promotion(project=self.project, uuid=promotion.uuid)
        return Response(result_document(found), status=201 if is_new else 200)


class RollBack(RegistryView):
    """It undoes what the policy let through, without asking the policy: so it takes the right to decide."""

    permissions = {"POST": Permission.PROMOTION_APPROVE}

    class Input(serializers.Serializer):
        environment = serializers.CharField(max_length=64)
        to = VersionRefField(
            required=False, allow_null=True, help_text="By default the last good one before the current."
        )
        expect_current = ExpectedField()
        reason = ReasonField()
        idempotency_key = KeyField()

    @extend_schema(parameters=[KEY_HEADER], request=Input, responses={201: PromotionOut, 200: PromotionOut})
    def post(self, request: Request, name: str) -> Response:
        """Return an environment to a version that held it before. Needs verified bytes and a reason, nothing else.

        With `expect_current` it is done only while that holds the environment, so that two people who roll back at once do
        not go two versions back: `decision` says `holder_differs` then, as of a promotion. 409 `holder-differs` where what
        is there now has nothing before it.
        """
        data = parse(self.Input, request)
        promotion, is_new = services.roll_back(
            model=self.find_model(name),
            environment=self.find_environment(data["environment"]),
            actor=self.principal,
            reason=data["reason"],
            to=data.get("to"),
            expect_current=_expected(data.get("expect_current")),
            idempotency_key=idempotency_key(request, data),
        )
        found = selectors.get_promotion(project=self.project, uuid=promotion.uuid)
        return Response(result_document(found), status=201 if is_new else 200)


class Promotions(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    class Query(serializers.Serializer):
        model = serializers.CharField(max_length=250, required=False)
        environment = serializers.CharField(max_length=64, required=False)
        state = serializers.ChoiceField(sorted(set(STATES.values())), required=False)

    @extend_schema(parameters=[Query, *PAGE_PARAMETERS], responses=page_of(PromotionOut))
    def get(self, request: Request) -> Response:
        """Newest request first."""
        query = parse_query(self.Query, request)
        promotions = selectors.list_promotions(project=self.project, **query)
        return Response(page(promotions, request, column="id", newest_first=True, render=result_document))


class OnePromotion(RegistryView):
    permissions = {"GET": Permission.PROJECT_READ}

    @extend_schema(
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The last ETag.")],
        responses={200: PromotionOut, 304: OpenApiResponse(description="It stands as If-None-Match knows it.")},
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        """How it stands now. It has an ETag, so that polling it costs little."""
        return polled(request, result_document(selectors.get_promotion(project=self.project, uuid=uuid)))


class Decide(RegistryView):
    permissions = {"POST": Permission.PROMOTION_APPROVE}

    class Input(serializers.Serializer):
        decision = serializers.ChoiceField(Approval.Decision.values)
        reason = ReasonField()
        digest = serializers.CharField(
            required=False, allow_null=True, max_length=80, help_text="What you looked at; has to be the version's."
        )

    @extend_schema(request=Input, responses=PromotionOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Approve or refuse, as a person who neither proposed nor made it. The last approval that was missing judges the
        gates once more and carries the promotion out. 409 `evidence-changed` where they see something else by now.
        """
        data = parse(self.Input, request)
        promotion = selectors.get_promotion(project=self.project, uuid=uuid)
        services.decide_promotion(promotion=promotion, actor=self.principal, **data)
        return Response(result_document(selectors.get_promotion(project=self.project, uuid=uuid)))


class Cancel(RegistryView):
    permissions = {"POST": Permission.PROMOTION_REQUEST}

    class Input(serializers.Serializer):
        reason = ReasonField()

    @extend_schema(request=Input, responses=PromotionOut)
    def post(self, request: Request, uuid: UUID) -> Response:
        """Take back one that waits: who proposed it may, and whoever may approve."""
        data = parse(self.Input, request)
        promotion = selectors.get_promotion(project=self.project, uuid=uuid)
        services.cancel_promotion(promotion=promotion, actor=self.principal, **data)
        return Response(result_document(selectors.get_promotion(project=self.project, uuid=uuid)))


def idempotency_key(request: Request, data: dict[str, Any]) -> str | None:
    """From the body or the header; both only if they agree.

    Raises:
        Invalid: they differ, or the header's is not 1 to 255 printable characters.
    """
    in_body, in_header = data.get("idempotency_key"), request.headers.get("Idempotency-Key")
    if in_header is not None and not (1 <= len(in_header) <= KEY_LENGTH and in_header.isprintable()):
        raise Invalid(f"An idempotency key has 1 to {KEY_LENGTH} printable characters.", field="idempotency_key")
    if in_body is not None and in_header is not None and in_body != in_header:
        raise Invalid("The key in the body is not the one in the header.", field="idempotency_key")
    return in_body if in_body is not None else in_header


def _expected(text: str | None) -> str | None:
    if text in (None, NOBODY) or DIGEST.fullmatch(text):
        return text
    raise Invalid(f"Expected the holder's digest as sha256:…, or '{NOBODY}'.", field="expect_current")
