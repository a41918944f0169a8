"""Signing in and out: each way in opens a session of exactly the person, and nothing planted before it survives."""

import pytest

from accounts import cookies
from tests.web.conftest import OURS, csrf_token

pytestmark = pytest.mark.django_db


def exchange(browser, secret, next_url="", token=None):
    token = token or csrf_token(browser.get("/login").content.decode())
    return browser.client.post(
        "/login/exchange",
        {"secret": secret, "next": next_url},
        content_type="application/json",
        headers={"X-CSRFToken": token, "accept": "application/json", "origin": OURS},
    )


def test_a_one_time_link_signs_in_once(browser, make_link, alice):
    secret = make_link(alice)
    first, second = browser(), browser()

    answer = exchange(first, secret, "/settings/profile")
    again = exchange(second, secret)

    assert answer.status_code == 200
    assert answer.json() == {"next": "/settings/profile"}
    assert first.get("/settings/profile").status_code == 200
    assert again.status_code == 401
    assert again.headers["Content-Type"] == "application/problem+json"
    assert second.get("/settings/profile").status_code == 302


def test_the_session_cookie_is_out_of_reach_for_scripts(browser, make_link, alice):
    answer = exchange(browser(), make_link(alice))
    cookie = answer.cookies[cookies.SESSION_COOKIE]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_signing_in_changes_the_csrf_token(browser, make_link, alice):
    """A token that somebody planted before the sign-in is worth nothing after it."""
    visitor = browser()
    visitor.get("/login")
    before = visitor.client.cookies["lineal_csrf"].value

    exchange(visitor, make_link(alice))

    assert visitor.client.cookies["lineal_csrf"].value != before


def test_an_exchange_without_our_page_is_refused(browser, make_link, alice):
    answer = browser().client.post(
        "/login/exchange", {"secret": make_link(alice)}, content_type="application/json", headers={"origin": OURS}
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(("body", "status"), [({"secret": 7}, 422), ({}, 422), ([], 422), ({"secret": "x" * 201}, 422)])
def test_an_exchange_that_makes_no_sense_is_refused(browser, body, status):
    visitor = browser()
    token = csrf_token(visitor.get("/login").content.decode())
    answer = visitor.client.post(
        "/login/exchange", body, content_type="application/json", headers={"X-CSRFToken": token, "origin": OURS}
    )

    assert answer.status_code == status


def test_a_form_cannot_pose_as_the_exchange(browser, make_link, alice):
    visitor = browser()
    token = csrf_token(visitor.get("/login").content.decode())
    answer = visitor.client.post(
        "/login/exchange", {"secret": make_link(alice), "csrfmiddlewaretoken": token}, headers={"origin": OURS}
    )

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "wished", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "runs", ""]
)
def test_signing_in_leads_nowhere_but_to_our_pages(browser, make_link, alice, wished):
    assert exchange(browser(), make_link(alice), wished).json() == {"next": "/"}


def test_a_token_signs_in_by_form(browser, make_token, alice):
    visitor = browser()

    answer = visitor.post("/login/token", {"token": make_token(alice), "next": "/settings/tokens"}, page="/login")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/settings/tokens")
    assert visitor.get("/settings/tokens").status_code == 200


def test_a_wrong_token_is_told_on_the_page_and_not_shown(browser):
    wrong = "lnl_" + "a" * 12 + "_" + "b" * 43
    answer = browser().post("/login/token", {"token": wrong, "next": "/x"}, page="/login")
    html = answer.content.decode()

    assert answer.status_code == 401
    assert "not accepted" in html
    assert wrong not in html
    assert 'value="/x"' in html


def test_a_restricted_token_opens_no_session(browser, make_token, alice, project):
    """A session may do all that the account may, so a narrow token must not open one."""
    visitor = browser()
    narrow = visitor.post("/login/token", {"token": make_token(alice, scopes=("read",))}, page="/login")
    bound = visitor.post("/login/token", {"token": make_token(alice, project=project)}, page="/login")

    assert (narrow.status_code, bound.status_code) == (403, 403)
    assert visitor.get("/settings/tokens").status_code == 302


def test_a_service_does_not_sign_in_to_pages(browser, make_member, make_token):
    from core.access import Role

    robot = make_member("robot", Role.CONTRIBUTOR, kind="service")
    answer = browser().post("/login/token", {"token": make_token(robot)}, page="/login")

    assert answer.status_code == 422
    assert "only people" in answer.content.decode()


def test_a_session_ends_when_the_token_behind_it_is_revoked(browser, make_token, alice):
    from accounts import services
    from accounts.models import Token

    visitor = browser()
    visitor.post("/login/token", {"token": make_token(alice)}, page="/login")
    assert visitor.get("/settings/tokens").status_code == 200

    services.revoke_token(token=Token.objects.get(), actor=alice)

    assert visitor.get("/settings/tokens").status_code == 302


def test_signing_out_ends_the_session_for_good(browser, alice):
    visitor = browser(alice)
    secret = visitor.client.cookies[cookies.SESSION_COOKIE].value

    answer = visitor.post("/logout", {}, page="/settings/profile")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    thief = browser()
    thief.client.cookies[cookies.SESSION_COOKIE] = secret
    assert thief.get("/settings/profile").status_code == 302


def test_signing_out_takes_a_form_of_ours(browser, alice):
    visitor = browser(alice)

    assert visitor.client.post("/logout", headers={"origin": OURS}).status_code == 403
    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/settings/profile").status_code == 200


def test_whoever_is_signed_in_is_told_so_and_shown_the_way_on(browser, alice):
    """Not sent on: a redirect would carry a link's secret along in the address, unused."""
    answer = browser(alice).get("/login?next=/settings/profile")

    assert answer.status_code == 200
    assert "signed in as <b>alice</b>" in answer.content.decode()
    assert 'href="/settings/profile">Go on' in answer.content.decode()


def test_a_link_of_another_account_changes_who_is_signed_in(browser, make_link, alice, mallory):
    visitor = browser(alice)
    before = visitor.client.cookies[cookies.SESSION_COOKIE].value

    exchange(visitor, make_link(mallory))

    assert "mallory" in visitor.get("/settings/profile").content.decode()
    earlier = browser()
    earlier.client.cookies[cookies.SESSION_COOKIE] = before
    assert earlier.get("/settings/profile").status_code == 302


def test_the_anonymous_are_sent_to_sign_in_and_back(browser):
    answer = browser().get("/settings/tokens?x=1")

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=%2Fsettings%2Ftokens%3Fx%3D1"


def test_a_program_without_a_session_gets_a_problem(browser):
    answer = browser().client.get("/settings/tokens", headers={"accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/unauthenticated"


def test_the_login_page_is_not_kept_by_caches(browser):
    assert browser().get("/login").headers["Cache-Control"] == "no-store"
