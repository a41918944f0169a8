"""Every route of the matrix, tried by every kind of caller; and a stranger's object answers exactly like a missing one."""

import re
from dataclasses import replace

import orjson
import pytest
from django.test import Client

from accounts.models import Project
from audit.exempt import EXEMPT_ROUTES
from audit.models import AuditEvent
from core.access import LEAST_ROLE, SCOPE_OF, SCOPES, Permission
from core.ids import uuid7
from tests.security.matrix import ACCOUNTS, AUDIT, CALLERS, COOKIE_ONLY, COVERED_ROOMS, ROLE_OF, ROUTES, Needs
from tests.security.urlmap import walk

pytestmark = pytest.mark.django_db


def expected(route, caller):
    """The status that `caller` has to get from `route`."""
    if caller == "anonymous":
        return 401
    if caller == "server admin":
        return route.ok
    if isinstance(route.needs, Permission):
        if caller in ("stranger", "admin elsewhere"):
            return 404
        if caller == "admin without the scope":
            return 403
        return route.ok if ROLE_OF[caller] >= LEAST_ROLE[route.needs] else 403
    return _expected_outside_projects(route, caller)


def _expected_outside_projects(route, caller):
    if caller == "admin without the scope" and route.scope is None:
        return 403 if route.needs is Needs.SERVER_ADMIN else route.ok
    if caller == "admin without the scope":
        return 403
    if caller in route.hidden_from:
        return 404
    if route.needs is Needs.SERVER_ADMIN:
        return 403
    if caller == "admin elsewhere" and route.verb == "POST":
        return 403  # what it makes would reach beyond its project
    return route.ok


def token_for(world, route, caller):
    if caller == "anonymous":
        return None
    if caller == "admin elsewhere":
        return world.make_token(world.people["admin"], project=Project.objects.get(name="elsewhere"))
    if caller == "admin without the scope":
        scope = SCOPE_OF[route.needs] if isinstance(route.needs, Permission) else route.scope
        return world.make_token(world.people["admin"], scopes=tuple(SCOPES - {"*", scope}))
    return world.make_token(world.people[caller])


def send(world, route, caller, **names):
    return arrange(world, route, caller, **names)()


def arrange(world, route, caller, **names):
    """All that has to be there before the request; calling the result sends it."""
    token = token_for(world, route, caller)
    person = world.people["admin" if caller.startswith("admin") or caller == "anonymous" else caller]
    known = world.names | names
    if route.prepare is not None:
        known |= route.prepare(world, person)
    body = route.raw if route.raw is not None else orjson.dumps(_filled(route.body, known))
    return lambda: Client(raise_request_exception=False).generic(
        route.verb,
        _filled(route.path, known),
        data=b"" if route.body is None and route.raw is None else body,
        content_type=route.content_type or "application/json",
        headers={"authorization": f"Bearer {token}"} if token else {},
    )


def _filled(value, names):
    """`value` with the names in its strings' braces filled in."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], value)
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_each_caller_gets_what_is_due(world, route, caller):
    response = send(world, route, caller)

    assert response.status_code == expected(route, caller), response.content
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"


def everything(response, **names):
    """All of an answer that a caller can see, but for what differs in any two answers."""
    body = response.content.decode()
    for name in names.values():
        body = body.replace(name, "…")
    body = re.sub(r'"request_id":"[0-9a-f]+"', '"request_id":""', body)
    headers = {key: value for key, value in response.headers.items() if key not in ("X-Request-Id", "Content-Length")}
    return response.status_code, headers, body


CHANGES = [route for route in ROUTES if route.verb != "GET"]
EXEMPT = {re.sub(r"{[^}]*}", "{}", spelled) for spelled in EXEMPT_ROUTES}


@pytest.mark.parametrize("route", CHANGES, ids=str)
def test_a_change_leaves_its_entry(world, route):
    """No act commits without its entry on the ledger, but for those that the run's seal evidences."""
    request = arrange(world, route, "server admin")
    before = AuditEvent.objects.count()

    response = request()

    assert response.status_code == route.ok, response.content
    assert (AuditEvent.objects.count() > before) is (route.shape not in EXEMPT)


@pytest.mark.parametrize("route", [route for route in CHANGES if expected(route, "viewer") == 403], ids=str)
def test_a_refused_change_leaves_an_entry_and_changes_nothing(world, route):
    """The viewer may nearly nothing: what is refused stands on the ledger as denied, alone."""
    request = arrange(world, route, "viewer")
    before = set(AuditEvent.objects.values_list("id", flat=True))

    request()

    left = AuditEvent.objects.exclude(id__in=before).values_list("action", "outcome")
    assert list(left) == [("access.denied", "denied")]


PROJECT_ROUTES = [route for route in ROUTES if isinstance(route.needs, Permission) and route not in AUDIT]
ACCOUNT_ROUTES = [route for route in ACCOUNTS if "stranger" in route.hidden_from]
EVENT_ROUTES = [route for route in AUDIT if "stranger" in route.hidden_from]


@pytest.mark.parametrize("caller", ["stranger", "admin elsewhere"])
@pytest.mark.parametrize("route", PROJECT_ROUTES, ids=str)
def test_a_strangers_project_answers_like_a_missing_one(world, route, caller):
    hidden = send(world, route, caller)
    missing = send(world, route, caller, project="absent")

    assert everything(hidden, project="shared") == everything(missing, project="absent")


@pytest.mark.parametrize("route", ACCOUNT_ROUTES, ids=str)
def test_a_hidden_account_answers_like_a_missing_one(world, route):
    hidden = send(world, route, "stranger")
    missing = send(world, route, "stranger", member="absent", service="absent")

    assert everything(hidden, **world.names) == everything(missing, name="absent")


@pytest.mark.parametrize("caller", ["stranger", "admin elsewhere"])
@pytest.mark.parametrize("route", EVENT_ROUTES, ids=str)
def test_a_hidden_event_answers_like_a_missing_one(world, route, caller):
    hidden, absent = route.prepare(world, None)["event"], str(uuid7())
    asked = replace(route, prepare=None)

    found = everything(send(world, asked, caller, event=hidden), event=hidden)

    assert found[0] == 404
    assert found == everything(send(world, asked, caller, event=absent), event=absent)


def test_no_listing_tells_a_stranger_of_anybody(world):
    token = world.make_token(world.people["stranger"])
    told = ""
    for path in ("projects", "users", "service-accounts", "tokens", "me"):
        response = Client().get(f"/api/v1/{path}", headers={"authorization": f"Bearer {token}"})
        assert response.status_code == 200
        told += response.content.decode()

    for name in ("shared", "elsewhere", "bob", "robot", "the-admin", "root"):
        assert name not in told


def test_every_route_of_a_covered_room_stands_in_the_matrix():
    tried = {route.shape for route in ROUTES}
    mapped = {
        f"{verb} {found.shape}"
        for found in walk()
        if found.room in COVERED_ROOMS and found.rest_class and found.rest_class.permission_classes
        for verb in found.verbs
    }

    assert mapped - tried - COOKIE_ONLY == set()
