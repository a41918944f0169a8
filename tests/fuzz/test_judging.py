"""The judge notices: each kind of fault, planted, is complained of."""

import pytest
from django.http import HttpResponse
from rest_framework.response import Response

from accounts.api.server import Me
from core.errors import Conflict, LinealError
from tests.fuzz.cases import Sent
from tests.fuzz.document import operations
from tests.fuzz.judging import Complaints, judged_call, try_as
from tests.fuzz.prepared import CANARY

pytestmark = pytest.mark.xdist_group("fuzz")  # the world is made once for each process that needs it


@pytest.fixture
def complain(fuzzed, monkeypatch):
    """`complain(answer, "stranger")`: what is said of `GET /me` when it answers like that."""

    def found(answer, caller="owner"):
        def get(view, request):
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(Me, "get", get)
        complaints = Complaints()
        try_as(caller, Sent(operations()["GET /api/v1/me"].Case()), fuzzed, complaints)
        return str(complaints)

    return found


def test_a_bug_is_told_with_its_trace(complain):
    assert "answered 500" in (said := complain(ZeroDivisionError("planted")))
    assert "ZeroDivisionError: planted" in said


def test_an_answer_that_the_document_lacks_is_told(complain):
    assert "Undocumented status code" in complain(Conflict("planted"))


def test_a_body_that_is_not_what_the_document_says_is_told(complain):
    assert "violates schema" in complain(Response({"account": None}))


def test_another_content_type_is_told(complain):
    assert "Undocumented Content-Type" in complain(HttpResponse("text", content_type="text/plain"))


def test_a_problem_without_its_words_is_told(complain):
    assert "a problem's detail is ''" in complain(Conflict(""))


def test_an_error_that_is_no_problem_is_told(complain):
    assert "404 is no problem+json" in complain(HttpResponse("gone", status=404))


def test_an_unforeseen_error_of_ours_is_told(complain):
    assert "answered 500" in complain(LinealError("of no family"))


def test_what_a_stranger_must_not_read_is_told(complain):
    assert "told stranger" in complain(Response({"account": CANARY}), "stranger")


def test_an_open_door_is_told(fuzzed, monkeypatch):
    monkeypatch.setattr(Me, "permission_classes", [])
    monkeypatch.setattr(Me, "get", lambda view, request: Response({}))
    complaints = Complaints()

    judged_call("anonymous", Sent(operations()["GET /api/v1/me"].Case()), fuzzed, complaints)

    assert "answered nobody with 200" in str(complaints)
