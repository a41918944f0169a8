"""Evidence over HTTP: documents as tools write them, kept and given back as they came."""

import hashlib

import orjson
import pytest

from registry.models import Report

pytestmark = pytest.mark.django_db

WHERE = "models/fraud/versions/1/evidence"
GENERIC = {"name": "bias audit", "verdict": "pass", "tool": "aequitas", "url": "https://reports.example.org/17"}


@pytest.fixture
def post(api, bob, make_version):
    """`post(b"…", name="nightly")`: attach the document to the one version, as Bob."""
    make_version()

    def send(document, *, by=bob, **query):
        listed = "&".join(f"{key}={value}" for key, value in query.items())
        return api(by).post(f"{WHERE}?{listed}", data=document, content_type="application/json")

    return send


def test_what_a_tool_wrote_becomes_evidence(api, bob, post, vector):
    document = vector("gx-1.24.1-validation-fail")

    answer = post(document)

    body = answer.json()
    assert answer.status_code == 201, answer.content
    assert (body["name"], body["kind"], body["verdict"]) == ("iris strict", "great_expectations", "fail")
    assert (body["tool_version"], body["observed_at"]) == ("1.24.1", "2026-11-26T08:16:34.554966Z")
    assert body["summary"]["columns"] == ["petal_length", "petal_width", "species"]
    assert body["sha256"] == hashlib.sha256(document).hexdigest()
    assert body["url"] == "/projects/default/models/fraud/versions/1"
    whole = api(bob).get(f"{WHERE}/{body['id']}").json()
    assert whole == body | {"document": document.decode()}


def test_a_document_with_nan_is_taken_as_python_wrote_it(api, bob, post, vector):
    document = vector("evidently-0.7.23-snapshot-nan-fail")
    assert b"NaN" in document

    answer = post(document, name="nightly")

    assert (answer.status_code, answer.json()["verdict"], answer.json()["name"]) == (201, "fail", "nightly")
    assert b"NaN" in api(bob).get(f"{WHERE}/{answer.json()['id']}").json()["document"].encode()


def test_the_same_bytes_again_are_ok_and_no_more(post, vector):
    document = vector("evidently-0.4.40-suite-pass")
    first, again, renamed = post(document), post(document), post(document, name="other")

    assert (first.status_code, again.status_code, renamed.status_code) == (201, 200, 201)
    assert again.json() == first.json()


def test_the_list_is_newest_first_and_narrowed(api, bob, post, vector):
    post(vector("gx-1.24.1-validation-pass"))
    post(orjson.dumps(GENERIC))
    post(vector("gx-1.24.1-validation-fail"))

    def names(**query):
        return [row["name"] for row in api(bob).get(WHERE, data=query).json()["items"]]

    assert names() == ["iris strict", "bias audit", "iris"]
    assert names(verdict="pass") == ["bias audit", "iris"]
    assert names(name="iris") == ["iris"]
    first = api(bob).get(WHERE, data={"limit": 1}).json()
    assert names(limit=2, cursor=first["next_cursor"]) == ["bias audit", "iris"]
    assert "document" not in first["items"][0]


def test_the_page_of_the_tool_is_kept(post):
    assert post(orjson.dumps(GENERIC)).json()["report_url"] == "https://reports.example.org/17"


@pytest.mark.parametrize(
    ("body", "query", "status", "field"),
    [
        (b"", {}, 422, ""),
        (b"{", {}, 422, ""),
        (b'{"accuracy": 0.9}', {}, 422, ""),
        (orjson.dumps(GENERIC | {"verdict": "fine"}), {}, 422, "verdict"),
        (orjson.dumps(GENERIC | {"observed_at": "2999-01-01T00:00:00Z"}), {}, 422, "observed_at"),
        (orjson.dumps(GENERIC), {"tool": "evidently"}, 422, "metrics"),
        (orjson.dumps(GENERIC), {"tool": "deepchecks"}, 422, "tool"),
        (orjson.dumps(GENERIC), {"name": "x" * 201}, 422, "name"),
        (orjson.dumps(GENERIC | {"name": "x\0y"}), {}, 201, None),
        (b'{"name":"\\ud800","verdict":"pass","tool":"t"}', {}, 201, None),
        (b" " * (1024 * 1024 + 1), {}, 413, None),
    ],
)
def test_documents_that_cannot_be_read_change_nothing(post, body, query, status, field):
    answer = post(body, **query)

    assert answer.status_code == status, answer.content
    assert field is None or field in [error["field"] for error in answer.json()["errors"]]
    assert Report.objects.exists() == (status == 201)


def test_a_form_is_not_a_document(api, bob, make_version):
    make_version()

    answer = api(bob).post(WHERE, data="a=1", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 415


def test_evidence_of_another_version_is_as_missing(api, bob, post, make_version):
    report = post(orjson.dumps(GENERIC)).json()
    make_version()

    there = api(bob).get(f"models/fraud/versions/2/evidence/{report['id']}")
    nowhere = api(bob).get(f"{WHERE}/0190a000-0000-7000-8000-000000000000")

    assert (there.status_code, nowhere.status_code) == (404, 404)


def test_mallory_learns_nothing(api, mallory, post):
    report = post(orjson.dumps(GENERIC)).json()

    for path in (WHERE, f"{WHERE}/{report['id']}"):
        assert api(mallory).get(path).status_code == 404
    assert post(orjson.dumps(GENERIC), by=mallory).status_code == 404
