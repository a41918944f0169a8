"""When reads go to the replica: close enough, fit for this caller, and never without a way back."""

from decimal import Decimal

import pytest
from django.db import OperationalError, connections
from django.http import HttpResponse
from django.test import RequestFactory

from core import replica
from core.errors import Invalid, NotFound

GET = RequestFactory().get("/")


@pytest.fixture
def positions(monkeypatch, settings):
    """`positions["default"]` and `positions["replica"]` are what the servers say; `positions["now"]` is the clock."""
    settings.REPLICA_LAG_S = 5
    said = {"default": 100, "replica": 100, "now": 1_000.0}

    def position(database, _function):
        found = said[database]
        if isinstance(found, Exception):
            raise found
        return None if found is None else Decimal(found)

    monkeypatch.setattr(replica, "_position", position)
    monkeypatch.setattr(replica.time, "monotonic", lambda: said["now"])
    monkeypatch.setattr(replica, "standing", replica.Standing())
    monkeypatch.setitem(connections.settings, "replica", connections.settings["default"])
    return said


def where(request=GET):
    return replica.read(request, replica.alias)


def test_a_replica_that_has_replayed_all_is_read(positions):
    assert where() == "replica"
    assert replica.alias() == "default"


def test_a_replica_is_as_old_as_the_last_place_it_has_passed(positions):
    where()
    for _ in range(4):  # it stands still, and the primary writes on
        positions["now"] += 1.5
        positions["default"] += 50
        last = where()

    assert last == "default"
    positions["replica"] = positions["default"]
    positions["now"] += 1.5
    assert where() == "replica"


def test_a_quiet_primary_makes_no_replica_old(positions):
    where()
    positions["now"] += 3_600

    assert where() == "replica"


@pytest.mark.parametrize("said", [None, OperationalError("away")], ids=["no replica", "away"])
def test_what_is_no_replica_is_let_be(positions, said):
    positions["replica"] = said

    assert where() == "default"
    positions["replica"] = 100
    positions["now"] += 1.5
    assert where() == "default"
    positions["now"] += 5
    assert where() == "replica"


def test_a_caller_may_ask_for_what_is_committed_by_now(positions):
    assert where(RequestFactory().get("/", headers={"Lineal-Read": "primary"})) == "default"


def test_a_browser_that_changed_something_reads_from_the_primary_for_a_while(positions):
    def answer(status, method="post", **cookies):
        request = getattr(RequestFactory(), method)("/")
        request.COOKIES.update(cookies)
        return replica.FreshReadsMiddleware(lambda _: HttpResponse(status=status))(request)

    cookie = answer(302, lineal_session="s").cookies[replica.COOKIE]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (6, True, "Lax")
    assert not answer(302).cookies  # a program, which keeps none
    assert not answer(422, lineal_session="s").cookies
    assert not answer(200, "get", lineal_session="s").cookies
    returning = RequestFactory().get("/")
    returning.COOKIES[replica.COOKIE] = "1"
    assert where(returning) == "default"


@pytest.mark.parametrize(
    "trouble", [OperationalError("conflict with recovery"), NotFound("too new")], ids=["failed", "too new"]
)
def test_what_the_replica_cannot_tell_the_primary_is_asked(positions, trouble):
    asked = []

    def ask():
        asked.append(replica.alias())
        if asked[-1] == "replica":
            raise trouble
        return "found"

    assert replica.read(GET, ask) == "found"
    assert asked == ["replica", "default"]
    assert replica.alias() == "default"
    assert where() == ("replica" if isinstance(trouble, NotFound) else "default")


def test_a_mistake_of_the_caller_is_told_at_once(positions):
    asked = []

    def ask():
        asked.append(replica.alias())
        raise Invalid("no filter")

    with pytest.raises(Invalid):
        replica.read(GET, ask)
    assert asked == ["replica"]


def test_without_a_replica_there_is_only_the_primary():
    assert where() == "default"


def test_the_router_sends_every_write_and_migration_to_the_primary(positions):
    router = replica.Router()

    def ask():
        return router.db_for_read(None), router.db_for_write(None)

    assert replica.read(GET, ask) == ("replica", "default")
    assert ask() == ("default", "default")
    assert router.allow_relation(None, None)
    assert [router.allow_migrate(name, "core") for name in ("default", "replica")] == [True, False]
