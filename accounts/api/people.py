"""Accounts of people (`/users`) and of services (`/service-accounts`): two listings of one kind of thing."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.pages import PAGE_PARAMETERS, page
from accounts.api.render import account_out
from accounts.api.schemas import AccountOut, ReasonIn, page_of
from accounts.api.scopes import require_scope
from accounts.models import Account
from core.access import require_server_admin
from core.api import ApiView, parse


class _OfKind(ApiView):
    """Shared by users and service accounts; a route of one kind does not know the other's names."""

    kind: ClassVar[Account.Kind]

    def render(self, account: Account) -> dict[str, Any]:
        return account_out(account, viewer=self.principal)

    def named(self, name: str) -> Account:
        return selectors.get_account(name=name, visible_to=self.principal, kind=self.kind)


class _Listing(_OfKind):
    class Input(serializers.Serializer):
        name = serializers.CharField(max_length=64)
        display_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
        email = serializers.EmailField(required=False, allow_blank=True)
        is_server_admin = serializers.BooleanField(required=False)

    @extend_schema(parameters=PAGE_PARAMETERS, responses=page_of(AccountOut))
    def get(self, request: Request) -> Response:
        """Accounts that the caller may know of: its own and those it shares a project with; administrators see all."""
        accounts = selectors.list_accounts(visible_to=self.principal, kind=self.kind)
        return Response(page(accounts, request, column="name", render=self.render))

    @extend_schema(request=Input, responses={201: AccountOut})
    def post(self, request: Request) -> Response:
        """A new account, without any role yet. For administrators of the server."""
        require_server_admin(self.principal)
        data = parse(self.Input, request)
        account = services.create_account(kind=self.kind, actor=self.principal, **data)
        return Response(self.render(account), status=201)


class _One(_OfKind):
    class Input(serializers.Serializer):
        display_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
        email = serializers.EmailField(required=False, allow_blank=True)
        is_server_admin = serializers.BooleanField(required=False)

    @extend_schema(responses=AccountOut)
    def get(self, request: Request, name: str) -> Response:
        """The account by its name."""
        return Response(self.render(self.named(name)))

    @extend_schema(request=Input, responses=AccountOut)
    def patch(self, request: Request, name: str) -> Response:
        """Change what is given. One's own names are one's own to change; the rest is for administrators of the server."""
        account = self.named(name)
        data = parse(self.Input, request)
        if account.uuid == self.principal.id and "is_server_admin" not in data:
            require_scope(self.principal, "manage")
        else:
            require_server_admin(self.principal)
        return Response(self.render(services.update_account(account=account, actor=self.principal, **data)))


class _Deactivate(_OfKind):
    @extend_schema(request=ReasonIn, responses=AccountOut)
    def post(self, request: Request, name: str) -> Response:
        """Shut the account out: its tokens are revoked, its sessions end. For administrators of the server."""
        account = self.named(name)
        require_server_admin(self.principal)
        data = parse(ReasonIn, request)
        return Response(self.render(services.deactivate_account(account=account, actor=self.principal, **data)))


class _Reactivate(_OfKind):
    @extend_schema(request=ReasonIn, responses=AccountOut)
    def post(self, request: Request, name: str) -> Response:
        """Let the account in again, with the roles that it had and no token. For administrators of the server."""
        account = self.named(name)
        require_server_admin(self.principal)
        data = parse(ReasonIn, request)
        return Response(self.render(services.reactivate_account(account=account, actor=self.principal, **data)))


class _User:
    kind = Account.Kind.USER


class _Service:
    kind = Account.Kind.SERVICE


class Users(_User, _Listing): ...


class OneUser(_User, _One): ...


class DeactivateUser(_User, _Deactivate): ...


class ReactivateUser(_User, _Reactivate): ...


class ServiceAccounts(_Service, _Listing): ...


class OneServiceAccount(_Service, _One): ...


class DeactivateServiceAccount(_Service, _Deactivate): ...


class ReactivateServiceAccount(_Service, _Reactivate): ...
