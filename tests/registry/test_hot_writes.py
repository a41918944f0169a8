"""Creating a version and moving an alias pass the REST framework by, and answer as it would have answered."""

import json

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

JSON = "application/json"
AROUND = "application/json; charset=utf-8"  # the framework reads it, and the hot way leaves it alone
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"version": NaN}',
    b"{}",
    b'{"version": 1, "run": 7, "artifact": "", "colour": "red"}',
    b'{"version": true}',
    b'{"version": 99, "reason": null}',
    b'{"run": "zz", "artifact": "model.bin"}',
    b'{"run": "00000000000000000000000000000000", "artifact": "model.bin"}',
    b'{"run": "00000000000000000000000000000000", "artifact": "../model.bin"}',
    b'{"run": "00000000000000000000000000000000", "artifact": "model.bin", "tags": {"a": 1}, "card": [1]}',
]


def told(answer):
    return answer.status_code, answer["Content-Type"], {**answer.json(), "request_id": None}


@pytest.fixture
def send(api):
    """`send(by, verb, path, body, content_type)`, which counts what it is asked as one caller."""

    def ask(by, verb, path, body, content_type, **options):
        client = api(by, **options)
        return Client(raise_request_exception=False, headers=client.headers).generic(
            verb, f"/api/v1/{path}", body, content_type=content_type
        )

    return ask


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("verb", "path"), [("PUT", "models/fraud/aliases/best"), ("POST", "models/fraud/versions")])
def test_a_body_that_cannot_be_accepted_is_refused_alike(make_version, bob, send, verb, path, body):
    make_version()

    hot, slow = (send(bob, verb, path, body, kind) for kind in (JSON, AROUND))

    assert told(hot) == told(slow)
    assert hot.status_code in {400, 404, 422}


@pytest.mark.parametrize("kind", ["application/xml", ""])
def test_another_form_of_body_is_refused_by_the_framework(make_version, bob, send, kind):
    make_version()

    assert send(bob, "PUT", "models/fraud/aliases/best", b'{"version": 1}', kind).status_code == 415


def test_a_body_above_the_limit_is_refused_alike(make_version, bob, send, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    make_version()
    body = json.dumps({"version": 1, "reason": "x" * 100}).encode()

    hot, slow = (send(bob, "PUT", "models/fraud/aliases/best", body, kind) for kind in (JSON, AROUND))

    assert told(hot) == told(slow)
    assert hot.status_code == 413


@pytest.mark.parametrize(("verb", "path"), [("PUT", "models/fraud/aliases/best"), ("POST", "models/fraud/versions")])
def test_who_may_not_write_is_told_so_before_the_body_is_read(make_version, bob, mallory, send, verb, path):
    make_version()

    for by, scopes, status in ((bob, ("read",), 403), (mallory, ("*",), 404)):
        hot, slow = (send(by, verb, path, b"{", kind, scopes=scopes) for kind in (JSON, AROUND))
        assert told(hot) == told(slow)
        assert hot.status_code == status
    assert send(None, verb, path, b"{", JSON).status_code == 401


def test_what_is_accepted_is_answered_alike(make_version, bob, send):
    version = make_version()
    same = json.dumps({"run": version.run.uuid.hex, "artifact": "model.bin"}).encode()

    for verb, path, body in (
        ("POST", "models/fraud/versions", same),
        ("PUT", "models/fraud/aliases/best", b'{"version": 1}'),
    ):
        hot, slow = (send(bob, verb, path, body, kind) for kind in (JSON, AROUND))
        assert told(hot) == told(slow)
        assert hot.status_code == 200
