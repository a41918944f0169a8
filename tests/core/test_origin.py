"""Requests from other people's pages."""

import pytest
from django.http import HttpResponse

from core.origin import OriginMiddleware


@pytest.fixture
def status(rf):
    """`status("post", origin=…)`: what the middleware answers; 200 where the view was reached."""

    def send(verb="post", path="/api/v1/tokens", *, cookie=False, content_type="application/json", **headers):
        names = {key.replace("_", "-"): value for key, value in headers.items()}
        request = rf.generic(verb.upper(), path, data=b"{}", content_type=content_type, headers=names)
        if cookie:
            request.COOKIES["lineal_session"] = "x"
        return OriginMiddleware(lambda _: HttpResponse())(request).status_code

    return send


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://testserver.evil.example",
        "http://testserver:8000",
        "http://eviltestserver",
        "null",
        "file://",
        "http://user@testserver@evil.example",
        "http://[::1",
        "http://testserver:port",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_a_foreign_page_changes_nothing(status, origin, verb):
    assert status(verb, origin=origin) == 403
    assert status(verb, origin=origin, cookie=True) == 403


def test_our_own_page_may(status):
    assert status(origin="http://testserver", cookie=True) == 200
    assert status(origin="http://testserver:80", cookie=True) == 200
    assert status(referer="http://testserver/login", cookie=True) == 200


def test_our_own_page_behind_a_tls_proxy_may(status):
    assert status(origin="https://testserver", cookie=True) == 200


def test_a_trusted_origin_may(status, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://portal.example"]

    assert status(origin="https://portal.example", cookie=True) == 200
    assert status(origin="https://portal.example.evil.example", cookie=True) == 403


def test_a_cookie_without_any_origin_changes_nothing(status):
    assert status(cookie=True) == 403


def test_a_program_sends_no_origin_and_may(status):
    assert status() == 200
    assert status(authorization="Bearer lnl_x", cookie=True) == 200, "a load balancer's cookie does no harm"


def test_what_the_browser_calls_cross_site_is_refused(status):
    assert status(sec_fetch_site="cross-site") == 403
    assert status(sec_fetch_site="same-origin", origin="http://testserver") == 200


def test_reading_needs_no_origin(status):
    assert status("get", origin="http://evil.example") == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/plain; charset=utf-8"],
)
def test_the_api_reads_no_form(status, content_type):
    """Forms are what a foreign page can send without the browser asking us first."""
    assert status(content_type=content_type) == 415


def test_pages_read_forms(status):
    assert status(path="/login/token", content_type="application/x-www-form-urlencoded") == 200


def test_a_foreign_host_is_refused(client, db):
    """DNS rebinding: the browser believes that our address is evil.example."""
    assert client.get("/api/v1/server", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/healthz", headers={"host": "evil.example:8000"}).status_code == 400


def test_no_answer_allows_foreign_pages_to_read_it(client, db):
    response = client.get("/api/v1/server", headers={"origin": "http://evil.example"})

    assert not [name for name in response.headers if name.lower().startswith("access-control-")]
