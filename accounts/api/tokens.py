"""API tokens: listed without their secrets, made, revoked."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.render import token_out
from accounts.api.schemas import NewTokenOut, TokenOut, page_of
from accounts.api.scopes import require_scope
from accounts.models import Account
from core import clock
from core.access import SCOPES, NotAllowed, Principal, require_server_admin
from core.api import ApiView, parse

MOST_DAYS = 3_660


class Tokens(ApiView):
    rate_limit = {"POST": "make_secret"}

    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=100, help_text="Where the token is used, for those who read lists.")
        scopes = serializers.ListField(child=serializers.ChoiceField(sorted(SCOPES)), min_length=1, max_length=20)
        expires_in_days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, required=False)
        expires_at = serializers.DateTimeField(required=False, allow_null=True)
        project = serializers.CharField(max_length=64, required=False, allow_null=True)
        account = serializers.CharField(
            max_length=64, required=False, allow_null=True, help_text="A service account; one's own if left out."
        )

        def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
            if attrs.get("expires_at") and attrs.get("expires_in_days"):
                raise serializers.ValidationError({"expires_in_days": "Give this or expires_at, not both."})
            return attrs

    @extend_schema(
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("account", str, description="Only tokens of this account.")],
        responses=page_of(TokenOut),
    )
    def get(self, request: Request) -> Response:
        """One's own tokens, newest first, ended ones included; administrators of the server see all."""
        require_scope(self.principal, "read")
        tokens = selectors.list_tokens(visible_to=self.principal)
        if account := request.query_params.get("account"):
            tokens = tokens.filter(account=selectors.get_account(name=account, visible_to=self.principal))
        return Response(page(tokens, request, column="id", render=token_out, newest_first=True))

    @extend_schema(request=Input, responses={201: NewTokenOut})
    def post(self, request: Request) -> Response:
        """A new token: the only answer that ever shows it. It can do no more than the token or session that asks."""
        require_scope(self.principal, "manage")
        data = parse(self.Input, request)
        project = data.get("project")
        token, plaintext = services.create_token(
            account=_account_for(self.principal, data.get("account")),
            name=data["name"],
            scopes=data["scopes"],
            project=selectors.get_project(name=project, visible_to=self.principal) if project else None,
            expires_at=_expiry(data),
            actor=self.principal,
        )
        return Response({**token_out(token), "token": plaintext}, status=201, headers={"Cache-Control": "no-store"})


def _account_for(principal: Principal, name: str | None) -> Account:
    """Whom the token is for. People make their own, so that what is done with it was done by them; administrators of
    the server make those of service accounts.
    """
    if name is None or name == principal.name:
        return Account.objects.get(uuid=principal.id)
    account = selectors.get_account(name=name, visible_to=principal)
    require_server_admin(principal)
    if account.kind != Account.Kind.SERVICE:
        raise NotAllowed(
            f"'{name}' is a person, who alone makes tokens for that account.",
            principal=principal,
            permission="token.create",
            project=None,
        )
    return account


def _expiry(data: dict[str, Any]) -> datetime | None:
    if days := data.get("expires_in_days"):
        return clock.now() + timedelta(days=days)
    expires_at: datetime | None = data.get("expires_at")
    return expires_at


class OneToken(ApiView):
    @extend_schema(responses=TokenOut)
    def get(self, request: Request, token: UUID) -> Response:
        """One's own token, without its secret; administrators of the server find any."""
        require_scope(self.principal, "read")
        return Response(token_out(selectors.get_token(uuid=token, visible_to=self.principal)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, token: UUID) -> Response:
        """Revoke it, for good. A token may always end itself: whoever finds a leaked one can."""
        if token != self.principal.token_id:
            require_scope(self.principal, "manage")
        found = selectors.get_token(uuid=token, visible_to=self.principal)
        services.revoke_token(token=found, actor=self.principal)
        return Response(status=204)
