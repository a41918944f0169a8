"""Every operation of the document under requests that nobody would send, from four callers: nothing breaks, nothing leaks,
and every answer is one that the document tells of."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.campaign import DERANDOMIZE, examples
from tests.fuzz.cases import ANY_ID, Aim, as_sent, made, spoiled
from tests.fuzz.document import is_of_project, labels, names_in, operations, raw
from tests.fuzz.judging import Complaints, is_open, try_as
from tests.fuzz.prepared import CALLERS, Good

pytestmark = pytest.mark.filterwarnings(
    "ignore:Generating overly large repr"
)  # schemathesis draws from functions that hold schemas
BY_COOKIE_ALONE = "/api/v1/session"  # which tokens do not sign in to


def fuzz(operation, prepared, most):
    """Complaints about `most` requests, each sent by every caller."""
    aim, complaints = Aim(operation, prepared), Complaints()

    @settings(
        max_examples=most,
        derandomize=DERANDOMIZE,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.one_of(spoiled(aim), made(aim)))
    def attempt(sent):
        for caller in CALLERS:
            try_as(caller, sent, prepared, complaints)

    attempt()
    return complaints


@pytest.mark.slow
@pytest.mark.parametrize("label", labels())
def test_no_request_breaks_the_server_or_its_word(fuzzed, label):
    complaints = fuzz(operations()[label], fuzzed, examples(24))

    assert not complaints.found, f"\n{complaints}"


@pytest.mark.parametrize("caller", CALLERS)
def test_a_verb_that_is_not_documented_is_refused(fuzzed, caller):
    """405 with the verbs that are; nobody who has not signed in learns even that."""
    complaints, wrong = Complaints(), {}
    documented = {path: {verb.upper() for verb in verbs} for path, verbs in raw()["paths"].items()}

    for label, operation in operations().items():
        if operation.path == BY_COOKIE_ALONE:
            continue
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE"} - documented[operation.path]:
            good = fuzzed.good_of(*label.split(" ")) or [Good(tuple(ANY_ID for _ in names_in(operation.path)), {})]
            sent = as_sent(operation, replace(good[0], body=None, raw=None))
            sent.case.method = verb
            response = try_as(caller, sent, fuzzed, complaints)
            if not _refuses_verb(response, caller, sent):
                wrong[f"{verb} {operation.path}"] = response.status_code

    assert not complaints.found, f"\n{complaints}"
    assert wrong == {}


def _refuses_verb(response, caller, sent):
    if caller == "anonymous" and not is_open(sent):
        return response.status_code == 401
    if caller == "stranger" and response.status_code == 404:
        return is_of_project(sent.case.operation) or "{" in sent.case.operation.path
    return response.status_code == 405 and bool(response.headers.get("allow"))


@pytest.mark.parametrize(
    "content_type", ["text/csv", "application/xml", "text/plain", "multipart/form-data; boundary=x"]
)
def test_a_body_of_another_kind_is_refused(fuzzed, content_type):
    complaints, wrong = Complaints(), {}
    for label, operation in operations().items():
        good = fuzzed.good_of(*label.split(" "))
        if not good or not operation.body or good[0].body is None or good[0].content_type != "application/json":
            continue
        response = try_as(
            "owner", replace(as_sent(operation, good[0]), raw=b"a,b", content_type=content_type), fuzzed, complaints
        )
        if response.status_code != 415:
            wrong[label] = response.status_code

    assert not complaints.found, f"\n{complaints}"
    assert wrong == {}
