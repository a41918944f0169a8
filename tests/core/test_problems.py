import pytest
from rest_framework import exceptions as drf

from core import errors, problems


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Malformed("x"), 400),
        (errors.Unauthenticated("x"), 401),
        (errors.Forbidden("x"), 403),
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.TooLarge("x"), 413),
        (errors.UnsupportedType("x"), 415),
        (errors.Invalid("x"), 422),
        (errors.TooMany("x", retry_after_s=3), 429),
        (errors.Unavailable("x"), 503),
    ],
)
def test_each_family_has_its_status(error, status):
    response = problems.problem_response(error)

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"


def test_a_subclass_speaks_with_its_own_code_and_its_familys_status():
    class UnverifiedArtifact(errors.Conflict):
        code = "unverified-artifact"
        title = "Artifact not verified"

    body = problems.problem_body(UnverifiedArtifact("churn v8 has no verified artifact yet.", version="8"))

    assert body == {
        "type": "/problems/unverified-artifact",
        "title": "Artifact not verified",
        "status": 409,
        "detail": "churn v8 has no verified artifact yet.",
        "version": "8",
        "request_id": None,
    }


def test_too_many_says_when_to_come_back():
    assert problems.problem_response(errors.TooMany("slower", retry_after_s=7))["Retry-After"] == "7"


def test_nested_field_errors_become_one_flat_list():
    detail = {"name": [drf.ErrorDetail("Required.")], "files": [{}, {"size": [drf.ErrorDetail("Not a number.")]}]}

    assert problems.field_errors(detail) == [
        {"field": "name", "detail": "Required."},
        {"field": "files.1.size", "detail": "Not a number."},
    ]


def test_a_bug_is_not_dressed_up_as_an_answer():
    assert problems.translate(KeyError("oops")) is None
