"""One-time browser links, and signing out."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import cookies, selectors, services
from accounts.api.authentication import PageSession
from accounts.api.schemas import LoginLinkOut
from accounts.models import Account
from core.access import require_server_admin
from core.api import ApiView, parse


class LoginLinks(ApiView):
    rate_limit = {"POST": "make_secret"}

    class Input(serializers.Serializer):
        account = serializers.CharField(
            max_length=64, required=False, allow_null=True, help_text="One's own if left out."
        )

    @extend_schema(request=Input, responses={201: LoginLinkOut})
    def post(self, request: Request) -> Response:
        """A link that signs a browser in once, within ten minutes; for oneself, or for anyone by an administrator."""
        name = parse(self.Input, request).get("account")
        account = self._account(name)
        link, secret = services.create_login_link(account=account, actor=self.principal)
        base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
        return Response(
            {"url": f"{base}/login#{secret}", "expires_at": link.expires_at},
            status=201,
            headers={"Cache-Control": "no-store"},
        )

    def _account(self, name: str | None) -> Account:
        if name is None or name == self.principal.name:
            return Account.objects.get(uuid=self.principal.id)
        account = selectors.get_account(name=name, visible_to=self.principal)
        require_server_admin(self.principal)
        return account


class Session(ApiView):
    """The page session that the cookie names. Tokens have none, so this route reads the cookie alone."""

    authentication_classes = [PageSession]

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Sign out."""
        secret = cookies.session_secret(request._request)  # noqa: SLF001 - its documented way down
        session = selectors.find_session(secret) if secret else None
        if session is not None:
            services.end_session(session=session, actor=self.principal)
        response = Response(status=204)
        cookies.clear_session(response)
        return response
