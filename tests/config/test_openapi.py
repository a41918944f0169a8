"""The OpenAPI document that clients are written against is checked in, complete, and true to the routes."""

from io import StringIO
from pathlib import Path

import orjson
from django.core.management import call_command

CHECKED_IN = Path(__file__).parents[1] / "client" / "openapi.json"


def generated() -> dict:
    out = StringIO()
    call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=out)
    return orjson.loads(out.getvalue())


def test_the_document_that_is_checked_in_is_the_one_that_the_server_serves():
    """To mend: make schema, and look at what changed for clients."""
    assert generated() == orjson.loads(CHECKED_IN.read_bytes())


def test_every_operation_says_what_it_answers_and_how_it_refuses():
    document = orjson.loads(CHECKED_IN.read_bytes())
    operations = [
        (path, verb, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if verb in ("get", "post", "put", "patch", "delete")
    ]

    assert len(operations) > 100
    assert [(path, verb) for path, verb, each in operations if not each["responses"]] == []
    assert [(path, verb) for path, verb, each in operations if not set(each["responses"]) & {"200", "201", "204"}] == []


def _operations():
    paths = orjson.loads(CHECKED_IN.read_bytes())["paths"]
    return {f"{verb.upper()} {path}": operation for path, verbs in paths.items() for verb, operation in verbs.items()}


def _parts(value):
    """Every object within."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)


def test_every_refusal_is_a_problem():
    for label, operation in _operations().items():
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"400", "404", "422", "429"} <= set(refusals), label
        for answer in refusals.values():
            assert set(answer["content"]) == {"application/problem+json"}, label


def test_every_operation_says_what_it_does_in_words_of_its_own():
    """Those of a class that views are made from speak of code."""
    for label, operation in _operations().items():
        assert operation["description"], label
        assert "`self" not in operation["description"], label
        assert not operation["description"].startswith(("A route", "A REST endpoint")), label


def test_the_document_tells_open_routes_from_closed_ones():
    is_open = {label for label, operation in _operations().items() if {} in operation["security"]}

    assert is_open == {"GET /api/v1/server", "POST /api/v1/intake/{uuid}"}
    assert all("401" in each["responses"] for label, each in _operations().items() if label not in is_open)


def test_null_is_allowed_in_one_way():
    """`oneOf` of anything and null is no null at all, and a type named twice no schema."""
    for part in _parts(orjson.loads(CHECKED_IN.read_bytes())):
        assert {} not in part.get("oneOf", ()) if isinstance(part.get("oneOf", ()), list) else True
        types = part.get("type")
        assert not isinstance(types, list) or len(types) == len(set(types)), part
