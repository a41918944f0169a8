"""The doors that stand open to the anonymous: what gets through them, how often, and from where."""

import orjson
import pytest
from django.test import Client

from accounts import cookies, secrets, services
from core.access import system_principal

OURS = {"origin": "http://testserver", "accept": "application/json"}


@pytest.fixture
def make_link(alice_account, project):
    """`make_link()`: the secret of a fresh one-time link of Alice's."""
    return lambda: services.create_login_link(account=alice_account, actor=system_principal("tests"))[1]


@pytest.fixture
def browser(db):
    """A browser that has loaded the sign-in page, and so holds its CSRF token."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    assert browser.get("/login").status_code == 200
    return browser


def exchange(browser, secret, **headers):
    return browser.post(
        "/login/exchange",
        data=orjson.dumps({"secret": secret, "next": "/"}),
        content_type="application/json",
        headers=OURS | {"x-csrftoken": browser.cookies["lineal_csrf"].value} | headers,
    )


def test_a_link_opens_a_session_out_of_reach_of_scripts(browser, make_link):
    response = exchange(browser, make_link())

    assert response.status_code == 200, response.content
    morsel = response.cookies[cookies.SESSION_COOKIE]
    assert (morsel["httponly"], morsel["samesite"]) == (True, "Lax")
    assert browser.get("/api/v1/me").json()["account"]["name"] == "alice"


def test_a_link_works_once(browser, make_link):
    secret = make_link()
    exchange(browser, secret)

    again = exchange(browser, secret)

    assert again.status_code == 401
    assert cookies.SESSION_COOKIE not in again.cookies


def test_a_planted_session_cookie_is_replaced(browser, make_link):
    """Session fixation: whoever planted the cookie must not share the session."""
    browser.cookies[cookies.SESSION_COOKIE] = planted = secrets.new_secret()

    exchange(browser, make_link())

    assert browser.cookies[cookies.SESSION_COOKIE].value != planted


def test_the_csrf_token_changes_with_the_sign_in(browser, make_link):
    before = browser.cookies["lineal_csrf"].value

    exchange(browser, make_link())

    assert browser.cookies["lineal_csrf"].value != before


def test_a_foreign_page_signs_nobody_in(browser, make_link):
    """Login CSRF: a victim who works in the attacker's account hands over what they do there."""
    assert exchange(browser, make_link(), origin="http://evil.example").status_code == 403


def test_guessing_is_slowed_down(browser, settings):
    settings.LINEAL_RATE_LIMITS = {"sign_in": (0.1, 3)}

    answers = [exchange(browser, secrets.new_secret()) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_restricted_token_opens_no_session(browser, make_token, alice):
    response = browser.post(
        "/login/token",
        data={
            "token": make_token(alice, scopes=("read",)),
            "csrfmiddlewaretoken": browser.cookies["lineal_csrf"].value,
        },
        headers=OURS,
    )

    assert response.status_code == 403
    assert cookies.SESSION_COOKIE not in response.cookies


def test_signing_in_never_leads_elsewhere(browser, make_token, alice):
    """Open redirects lend our name to other people's pages."""
    for wished in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        fresh = Client()
        response = fresh.post("/login/token", data={"token": make_token(alice), "next": wished}, headers=OURS)

        assert response.status_code == 302
        assert "evil" not in response.headers["Location"]
        assert not response.headers["Location"].startswith("javascript")
