"""What the fuzzing starts from is alive: good requests are answered well, so that one spoiled thing is what is wrong."""

from dataclasses import replace

import pytest

from config.openapi import EXAMPLES
from tests.fuzz.cases import as_sent
from tests.fuzz.document import labels, operations
from tests.fuzz.judging import Complaints, try_as

HELD = {"DELETE /api/v1/experiments/{name}": (409,)}  # by the versions that others prepared
pytestmark = pytest.mark.xdist_group("fuzz")  # the world is made once for each process that needs it
ALONE = {"GET /api/schema", "GET /api/v1/server", "DELETE /api/v1/session", "POST /api/v1/intake/{uuid}"}


def test_every_operation_has_a_good_request(fuzzed):
    missing = [label for label in labels() if label not in ALONE and not fuzzed.good_of(*label.split(" "))]

    assert missing == []


@pytest.mark.parametrize("label", [label for label in labels() if label not in ALONE])
def test_a_good_request_is_answered_as_the_document_says(fuzzed, label):
    operation, complaints = operations()[label], Complaints()

    for good in fuzzed.good_of(*label.split(" ")):
        response = try_as("owner", as_sent(operation, good), fuzzed, complaints)
        assert response.status_code in (good.ok, *HELD.get(label, ())), response.content

    assert not complaints.found, f"\n{complaints}"


@pytest.mark.parametrize("at", list(EXAMPLES), ids=lambda at: f"{at[0].upper()} {at[1]}")
def test_an_example_of_the_document_is_understood(fuzzed, at):
    """What it names may be missing in this world; what it says is never malformed or invalid."""
    verb, path = at
    operation, complaints = operations()[f"{verb.upper()} {path}"], Complaints()
    good = fuzzed.good_of(verb.upper(), path)[0]

    response = try_as("owner", as_sent(operation, replace(good, body=EXAMPLES[at][1])), fuzzed, complaints)

    assert response.status_code in (200, 201, 404, 409), response.content
    assert not complaints.found, f"\n{complaints}"
