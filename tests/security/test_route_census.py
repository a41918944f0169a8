"""The census: every route of the URL map, by every verb, refuses a caller who has not signed in, but for one short list."""

import pytest
from django.test import Client

from accounts.anonymous import ANONYMOUS_ROUTES
from tests.security.urlmap import walk

MOST_OPEN_ROUTES = 8  # whoever opens one more has to come here, and say why

ROUTES = sorted(walk(), key=lambda found: found.route)
CLOSED = [(found, verb) for found in ROUTES if found.route not in ANONYMOUS_ROUTES for verb in found.verbs]


def ask(found, verb, **headers):
    return Client(raise_request_exception=False).generic(
        verb,
        found.sample,
        data=b"{}",
        content_type="application/json",
        headers={"accept": "application/json"} | headers,
    )


@pytest.mark.parametrize(("found", "verb"), CLOSED, ids=[f"{verb} {found.route}" for found, verb in CLOSED])
def test_the_anonymous_are_refused(db, found, verb):
    response = ask(found, verb)

    assert response.status_code == 401, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("found", "verb"), CLOSED, ids=[f"{verb} {found.route}" for found, verb in CLOSED])
def test_a_wrong_token_is_refused(db, found, verb):
    response = ask(found, verb, authorization="Bearer lnl_" + "a" * 12 + "_" + "b" * 43)

    assert response.status_code in (401, 429), response.content


def test_the_census_walks_the_whole_map():
    """A walker that finds nothing would prove nothing."""
    routes = {found.route for found in ROUTES}

    assert {"api/v1/me", "api/v1/projects/<str:name>/members/<str:account>", "api/schema"} <= routes
    assert len(CLOSED) > 25


def test_the_list_of_open_routes_is_short():
    assert len(ANONYMOUS_ROUTES) <= MOST_OPEN_ROUTES


def test_a_rest_view_is_open_only_where_the_list_says_so():
    open_views = {found.route for found in ROUTES if found.rest_class and not found.rest_class.permission_classes}

    assert open_views <= set(ANONYMOUS_ROUTES)


def test_the_open_list_names_routes_that_exist():
    assert set(ANONYMOUS_ROUTES) <= {found.route for found in ROUTES}
