"""`/metrics`, where Prometheus reads the server's figures: with a token of the scope `metrics`, or from a network that is let in."""

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.api.authentication import SignedIn
from core.access import require_metrics
from core.api import ApiView
from core.context import client_ip, forwarded_for
from core.scrape import CONTENT_TYPE, exposition

PROXY_HEADERS = ("X-Forwarded-For", "Forwarded", "Via")


class MayScrape(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        if is_let_in(request._request):  # noqa: SLF001 - its documented way down
            return True
        SignedIn().has_permission(request, view)
        require_metrics(view.principal)
        return True


class Metrics(ApiView):
    permission_classes = [MayScrape]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def is_let_in(request: HttpRequest) -> bool:
    """Does the request come from where LINEAL_METRICS_OPEN_TO says? Behind a proxy that is not counted among the trusted ones
    everybody would seem to come from its address, so such requests are never let in.
    """
    if not settings.METRICS_OPEN_TO:
        return False
    if not settings.TRUSTED_PROXIES and any(name in request.headers for name in PROXY_HEADERS):
        return False
    if len(forwarded_for(request)) < settings.TRUSTED_PROXIES:  # past one of them: whose address is it that we see?
        return False
    try:
        address = ip_address(client_ip(request))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in settings.METRICS_OPEN_TO)
