"""The hot route: exactly once, whatever the network does, and clear refusals of what is not a batch."""

import math
from uuid import uuid4

import msgspec
import pytest

from tracking.models import Batch, Param, Series

WRITER = "0193" * 8


@pytest.fixture
def post(api, alice, make_run):
    """`post(body)`: sends a batch as Alice to one run."""
    run = make_run()
    client = api(alice)

    def send(body, *, to=None, content_type="application/x-msgpack"):
        path = f"/api/v1/runs/{(to or run.uuid).hex}/batches"
        return client.client.post(path, data=body, content_type=content_type, headers=client.headers)

    send.run = run
    return send


def test_a_batch_is_stored_and_acknowledged(post, packed):
    response = post(packed(WRITER, 1, loss=[(0, 10, 0.5), (1, 20, 0.25)], params={"lr": 0.1}, tags={"team": "risk"}))

    assert response.status_code == 200
    assert response.json() == {"last_sequence": 1, "repeated": False, "rejected": []}
    summary = Series.objects.get(run=post.run, key="loss")
    assert (summary.count, summary.last, summary.last_step, summary.min, summary.max) == (2, 0.25, 1, 0.25, 0.5)


def test_a_repeated_batch_is_acknowledged_and_changes_nothing(post, packed):
    """The server was killed between commit and answer, or the answer was lost: the client sends it again."""
    body = packed(WRITER, 1, loss=[(0, 10, 0.5)])
    post(body)

    again = post(body)

    assert again.json() == {"last_sequence": 1, "repeated": True, "rejected": []}
    assert Series.objects.get(run=post.run).count == 1
    assert Batch.objects.count() == 1


def test_a_gap_is_refused_with_the_number_to_go_on_with(post, packed):
    post(packed(WRITER, 1, loss=[(0, 10, 0.5)]))

    gap = post(packed(WRITER, 3, loss=[(2, 30, 0.5)]))

    assert gap.status_code == 409
    assert gap.json()["type"] == "/problems/sequence-gap"
    assert gap.json()["expected"] == 2
    assert Series.objects.get(run=post.run).count == 1


def test_writers_of_one_run_count_apart(post, packed):
    other = uuid4().hex

    assert post(packed(WRITER, 1, loss=[(0, 1, 1.0)])).status_code == 200
    assert post(packed(other, 1, loss=[(1, 1, 2.0)])).status_code == 200
    assert Series.objects.get(run=post.run).count == 2


def test_nan_and_infinities_arrive_as_they_are(post, packed, api, alice):
    post(packed(WRITER, 1, odd=[(0, 1, math.inf), (1, 2, -math.inf), (2, 3, math.nan)]))

    series = api(alice).get(f"runs/{post.run.uuid.hex}/series?key=odd").json()["odd"]
    assert series["values"] == ["Infinity", "-Infinity", "NaN"]
    summary = api(alice).get(f"runs/{post.run.uuid.hex}/metrics").json()["odd"]
    assert (summary["last"], summary["min"], summary["max"]) == ("NaN", "-Infinity", "Infinity")


def test_json_carries_a_batch_too(post):
    body = b'{"writer": "%s", "sequence": 1, "metrics": [{"key": "loss", "steps": [0, 1], "times": [1, 2], "values": [0.5, "NaN"]}]}'

    response = post(body % WRITER.encode(), content_type="application/json")

    assert response.status_code == 200
    assert Series.objects.get(run=post.run).count == 2


def test_nan_in_json_is_refused_with_advice(post):
    body = b'{"writer": "%s", "sequence": 1, "metrics": [{"key": "loss", "steps": [0], "times": [1], "values": [NaN]}]}'

    response = post(body % WRITER.encode(), content_type="application/json")

    assert response.status_code == 400
    assert 'send the strings "NaN"' in response.json()["detail"]


def test_a_param_with_another_value_is_reported_and_the_rest_is_stored(post, packed):
    """A stream must not get stuck behind something that can never be stored."""
    post(packed(WRITER, 1, params={"lr": 0.1}))

    response = post(packed(WRITER, 2, params={"lr": 0.2, "depth": 3}, loss=[(0, 1, 1.0)]))

    (rejected,) = response.json()["rejected"]
    assert (rejected["kind"], rejected["key"], rejected["stored"], rejected["given"]) == ("param", "lr", 0.1, 0.2)
    assert set(Param.objects.values_list("key", "value")) == {("lr", "0.1"), ("depth", "3")}
    assert Series.objects.get(run=post.run).count == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"params": {"p": "x" * 6_001}}, "param"),
        ({"params": {"k" * 251: 1}}, "param"),
        ({"tags": {"t": "x" * 8_001}}, "tag"),
        ({"tags": {"": "x"}}, "tag"),
        ({"inputs": [{"name": "train", "strength": "content", "digest": "md5:abc", "kind": "file"}]}, "input"),
    ],
)
def test_over_long_and_senseless_values_are_reported(post, packed, values, kind):
    response = post(packed(WRITER, 1, **values))

    assert response.status_code == 200
    assert [each["kind"] for each in response.json()["rejected"]] == [kind]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"\xc1", 400, "cannot be decoded"),
        (msgspec.msgpack.encode([1, 2]), 422, "Expected `object`"),
        (msgspec.msgpack.encode({"writer": WRITER}), 422, "sequence"),
        (msgspec.msgpack.encode({"writer": WRITER, "sequence": 0}), 422, "Expected `int` >= 1"),
        (msgspec.msgpack.encode({"writer": "me", "sequence": 1}), 422, "writer"),
        (msgspec.msgpack.encode({"writer": WRITER, "sequence": 1, "metricks": []}), 422, "metricks"),
        (msgspec.msgpack.encode({"writer": WRITER, "sequence": "1"}), 422, "Expected `int`, got `str`"),
        (
            msgspec.msgpack.encode(
                {
                    "writer": WRITER,
                    "sequence": 1,
                    "metrics": [{"key": "a", "steps": b"1234567", "times": b"", "values": b""}],
                }
            ),
            422,
            "packed 8-byte numbers",
        ),
    ],
)
def test_what_is_no_batch_is_refused_and_uses_up_no_number(post, packed, body, status, words):
    response = post(body)

    assert response.status_code == status
    assert words in response.content.decode()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert post(packed(WRITER, 1, loss=[(0, 1, 1.0)])).json()["last_sequence"] == 1


def test_another_content_type_is_refused(post):
    assert post(b"writer=1", content_type="application/octet-stream").status_code == 415


def test_more_than_a_request_may_hold_is_refused(post):
    assert post(b"\x00" * (8 * 1024 * 1024 + 1)).status_code == 413


def test_an_unknown_run_is_not_found(post, packed):
    assert post(packed(WRITER, 1), to=uuid4()).status_code == 404


def test_a_deleted_run_takes_no_writes(post, packed, api, alice):
    api(alice).delete(f"runs/{post.run.uuid.hex}")

    response = post(packed(WRITER, 1, loss=[(0, 1, 1.0)]))

    assert response.status_code == 409
    assert response.json()["type"] == "/problems/run-deleted"
    assert not Series.objects.exists()


def test_mallory_learns_nothing_of_the_run(api, mallory, make_run, packed):
    run = make_run()
    client = api(mallory)

    real = client.client.post(
        f"/api/v1/runs/{run.uuid.hex}/batches",
        data=packed(WRITER, 1),
        content_type="application/x-msgpack",
        headers=client.headers,
    )

    assert real.status_code == 404
    assert "default" in real.json()["detail"]
