"""Who is let in: bearer tokens, the page's cookie with its CSRF token, and nobody else."""

import pytest
from django.test import Client

from accounts import cookies, secrets


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YWxpY2U6YWxpY2U=", "Token abc", "lnl_x", "Bearer " + "x" * 10_000, "Bearer \xff"],
)
def test_a_header_that_is_no_token_is_refused(api, db, header):
    response = api(None).get("me", headers={"authorization": header})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


def test_nobody_is_told_to_sign_in(api, db):
    response = api(None).get("me")

    assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_token_does_not_fall_back_to_the_cookie(make_browser, alice_account):
    browser = make_browser(alice_account)
    assert browser.get("/api/v1/me").status_code == 200

    response = browser.get("/api/v1/me", headers={"authorization": f"Bearer {secrets.new_token().plaintext}"})

    assert response.status_code == 401


def test_many_bad_tokens_are_slowed_down_and_good_ones_are_not(api, alice, settings):
    settings.LINEAL_RATE_LIMITS = {"failed_sign_in": (0.1, 3)}
    good = api(alice)

    answers = [
        api(None).get("me", headers={"authorization": f"Bearer {secrets.new_token().plaintext}"}) for _ in range(4)
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert good.get("me").status_code == 200


def test_use_is_noted(api, alice):
    from accounts.models import Token

    api(alice).get("me")

    assert Token.objects.get().last_used_at is not None


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
def test_a_cookie_alone_changes_nothing(make_browser, alice_account, verb):
    """A foreign page can make the browser send its cookie; it cannot read our CSRF token."""
    browser = make_browser(alice_account)
    from accounts.models import Account

    response = getattr(browser, verb)(
        "/api/v1/users/alice",
        data=b'{"display_name":"owned"}',
        content_type="application/json",
        headers={"origin": "http://testserver"},
    )

    assert (response.status_code, response.json()["type"]) == (403, "/problems/csrf")
    assert Account.objects.get(name="alice").display_name == ""


def test_a_cookie_with_our_csrf_token_may(make_browser, alice_account):
    browser = make_browser(alice_account)
    token = "a" * 32
    browser.cookies["lineal_csrf"] = token

    response = browser.patch(
        "/api/v1/users/alice",
        data=b'{"display_name":"Alice"}',
        content_type="application/json",
        headers={"origin": "http://testserver", "x-csrftoken": token},
    )

    assert (response.status_code, response.json().get("display_name")) == (200, "Alice")


def test_signing_out_ends_the_session_and_takes_the_cookie_back(make_browser, alice_account):
    browser = make_browser(alice_account)
    browser.cookies["lineal_csrf"] = "a" * 32

    response = browser.delete("/api/v1/session", headers={"origin": "http://testserver", "x-csrftoken": "a" * 32})

    assert response.status_code == 204
    assert response.cookies[cookies.SESSION_COOKIE]["max-age"] == 0
    stale = Client()
    stale.cookies[cookies.SESSION_COOKIE] = browser.session_secret
    assert stale.get("/api/v1/me").status_code == 401


def test_a_token_has_no_session_to_end(api, alice):
    assert api(alice).delete("session").status_code == 401


@pytest.mark.parametrize(("public_url", "secure"), [("", False), ("https://lineal.example", True)])
def test_the_cookie_is_out_of_reach(make_browser, alice_account, rf, settings, public_url, secure):
    from django.http import HttpResponse

    settings.PUBLIC_URL = public_url
    browser, response = make_browser(alice_account), HttpResponse()

    cookies.set_session(response, session=browser.session_row, secret="s" * 43, request=rf.get("/"))

    morsel = response.cookies[cookies.SESSION_COOKIE]
    assert morsel["httponly"] is True
    assert morsel["samesite"] == "Lax"
    assert bool(morsel["secure"]) is secure
    assert 0 < morsel["max-age"] <= 7 * 24 * 3_600
    assert not morsel["domain"]


def test_the_cookie_is_secure_over_tls(make_browser, alice_account, rf):
    from django.http import HttpResponse

    browser, response = make_browser(alice_account), HttpResponse()

    cookies.set_session(response, session=browser.session_row, secret="s" * 43, request=rf.get("/", secure=True))

    assert response.cookies[cookies.SESSION_COOKIE]["secure"] is True


def test_a_link_comes_with_its_secret_in_the_fragment(api, alice, recorded_actions):
    """Browsers do not send fragments, so no log on the way holds the secret."""
    response = api(alice).post("login-links", json={})

    url, _, secret = response.json()["url"].partition("#")
    assert response.status_code == 201
    assert url.endswith("/login")
    assert len(secret) == secrets.SECRET_CHARS
    assert response.headers["Cache-Control"] == "no-store"
    assert recorded_actions()[-1] == "login_link.create"


def test_links_for_others_are_for_server_admins(api, alice, root, bob):
    assert api(alice).post("login-links", json={"account": "bob"}).status_code == 403
    assert api(root).post("login-links", json={"account": "bob"}).status_code == 201


def test_a_restricted_token_gets_no_link(api, alice):
    assert api(alice, scopes=("read", "manage")).post("login-links", json={}).status_code == 403


def test_an_unlisted_page_is_closed_to_the_anonymous(rf, db):
    """A page that forgets to ask who is there is refused before it runs."""
    from django.http import HttpResponse
    from django.urls import resolve

    from accounts.middleware import PagePrincipalMiddleware

    def forgetful(request):
        return HttpResponse("secret")

    request = rf.get("/anything", headers={"accept": "application/json"})
    request.resolver_match = resolve("/healthz")
    request.resolver_match.route = "anything"
    refused = PagePrincipalMiddleware(forgetful).process_view(request, forgetful, (), {})

    assert refused.status_code == 401


@pytest.mark.parametrize(
    "spelling",
    ["?token={}", "?access_token={}", "?api_key={}", "?Authorization=Bearer%20{}", "?project=default&auth={}"],
)
def test_a_token_in_the_address_lets_nobody_in(api, alice, make_token, spelling):
    """Addresses end up in logs, histories and Referer headers."""
    response = api(None).get("me" + spelling.format(make_token(alice)))

    assert response.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-user": "alice"},
        {"remote-user": "alice"},
        {"x-remote-user": "alice"},
        {"x-http-method-override": "GET"},
        {"x-original-url": "/api/v1/server"},
        {"x-forwarded-for": "127.0.0.1"},
        {"cookie": "user=alice; admin=1"},
    ],
)
def test_no_header_stands_in_for_a_token(api, alice, headers):
    assert api(None).get("me", headers=headers).status_code == 401


@pytest.mark.parametrize("query", ["?admin=1", "?is_server_admin=true", "?as=root", "?scopes=*", "?role=admin"])
def test_no_parameter_widens_what_a_caller_may(api, bob, query):
    assert api(bob).post(f"users{query}", json={"name": "carol"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_busy_caller_is_let_into_its_project_without_a_query(api, bob, django_assert_num_queries):
    """Token and project are remembered for two seconds: ingest pays for its own rows only."""
    client = api(bob)
    assert client.get("projects/default").status_code == 200

    with django_assert_num_queries(0):
        assert client.get("projects/default").status_code == 200
