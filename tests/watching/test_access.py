"""Who may read `/metrics`: a token of the scope, an administrator, or a network that was let in. Nobody else."""

from ipaddress import ip_network

import pytest
from django.test import Client

from accounts import services
from accounts.errors import WiderThanMaker
from accounts.models import Account

pytestmark = pytest.mark.django_db
LOOPBACK = [ip_network("127.0.0.0/8")]


def scrape(token=None, **headers):
    if token:
        headers["authorization"] = f"Bearer {token}"
    return Client(raise_request_exception=False).get("/metrics", headers=headers)


@pytest.fixture
def root(make_account, principal):
    return principal(make_account("root", is_server_admin=True))


def test_a_stranger_is_asked_who_it_is():
    response = scrape()

    assert (response.status_code, response.headers["Content-Type"]) == (401, "application/problem+json")


def test_a_service_account_reads_with_a_token_made_for_that_alone(make_account, make_token, principal, root):
    robot = make_account("prometheus", kind="service")
    _, token = services.create_token(account=robot, name="scrape", scopes=["metrics"], actor=root)

    response = scrape(token)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\nlineal_build_info{" in response.content
    assert Client().get("/api/v1/projects", headers={"authorization": f"Bearer {token}"}).json()["items"] == []


def test_all_that_a_member_may_do_is_not_enough(alice, make_token):
    """`*` of an administrator of one project does not open the figures of all of them."""
    assert scrape(make_token(alice)).status_code == 403


def test_a_member_cannot_give_itself_the_scope(alice, alice_account):
    with pytest.raises(WiderThanMaker):
        services.create_token(account=alice_account, name="x", scopes=["metrics"], actor=alice)


def test_an_administrators_token_needs_the_scope_too(root, make_token):
    assert scrape(make_token(root)).status_code == 200
    assert scrape(make_token(root, scopes=("read", "manage"))).status_code == 403


def test_the_scope_ends_with_the_account(make_account, root):
    robot = make_account("prometheus", kind="service")
    _, token = services.create_token(account=robot, name="scrape", scopes=["metrics"], actor=root)
    services.deactivate_account(account=Account.objects.get(pk=robot.pk), actor=root)

    assert scrape(token).status_code == 401


def test_a_network_that_is_let_in_needs_no_token(settings):
    settings.METRICS_OPEN_TO = LOOPBACK

    assert scrape().status_code == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via"])
def test_behind_an_unknown_proxy_nobody_is_let_in(settings, header):
    """To the server everybody comes from the proxy's own address then."""
    settings.METRICS_OPEN_TO = LOOPBACK

    assert scrape(**{header: "203.0.113.9"}).status_code == 401


def test_behind_a_known_proxy_the_address_it_names_counts(settings):
    settings.METRICS_OPEN_TO, settings.TRUSTED_PROXIES = LOOPBACK, 1

    assert scrape(**{"x-forwarded-for": "203.0.113.9"}).status_code == 401
    assert scrape(**{"x-forwarded-for": "127.0.0.1"}).status_code == 200


def test_what_came_past_one_of_the_known_proxies_is_not_let_in(settings):
    """The address that is seen is another proxy's then."""
    settings.METRICS_OPEN_TO, settings.TRUSTED_PROXIES = LOOPBACK, 2

    assert scrape().status_code == 401
    assert scrape(**{"x-forwarded-for": "127.0.0.1"}).status_code == 401
    assert scrape(**{"x-forwarded-for": "127.0.0.1, 203.0.113.9"}).status_code == 200


def test_a_wrong_token_is_refused_even_from_a_network_that_is_let_in(settings):
    settings.METRICS_OPEN_TO = LOOPBACK

    assert scrape("lnl_" + "a" * 12 + "_" + "b" * 43).status_code == 401
