"""Batches of several runs in one request: each is judged by itself, and told of by itself."""

from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import OperationalError
from psycopg import errors as pg

from core.grouping import Overloaded
from tracking import services
from tracking.limits import BATCHES_AT_ONCE
from tracking.metrics.columns import Columns
from tracking.metrics.points import make_points
from tracking.models import Batch, Param, Run, Series
from tracking.services import points

WRITER = "0193" * 8


@pytest.fixture
def post(api, alice):
    """`post([batch, …])`: sends batches as Alice."""
    client = api(alice)

    def send(batches, *, content_type="application/x-msgpack"):
        packed = content_type != "application/json"
        encode = msgspec.msgpack.encode if packed else msgspec.json.encode
        body = encode({"batches": batches})
        return client.client.post("/api/v1/batches", data=body, content_type=content_type, headers=client.headers)

    return send


@pytest.fixture
def batch(packed):
    """`batch(run, 1, loss=[(0, 0, 0.5)])`: one of them."""

    def make(run, sequence, *, writer=WRITER, **values):
        return {"run": run.uuid.hex, **msgspec.msgpack.decode(packed(writer, sequence, **values))}

    return make


def test_batches_of_several_runs_are_stored_and_acknowledged_one_by_one(post, batch, make_run):
    one, other = make_run(), make_run()

    response = post(
        [
            batch(one, 1, loss=[(0, 0, 0.5)]),
            batch(other, 1, loss=[(0, 0, 0.25)], params={"lr": 0.1}),
            batch(one, 2, loss=[(1, 1, 0.75)]),
            batch(one, 2, loss=[(1, 1, 0.75)]),
        ]
    )

    assert response.status_code == 200
    told = response.json()["batches"]
    assert [(each["run"], each["sequence"]) for each in told] == [
        (one.uuid.hex, 1),
        (other.uuid.hex, 1),
        (one.uuid.hex, 2),
        (one.uuid.hex, 2),
    ]
    assert [each["outcome"]["repeated"] for each in told] == [False, False, False, True]
    assert Series.objects.get(run=one).count == 2
    assert Param.objects.get(run=other).value == "0.1"


def test_one_that_is_refused_is_told_why_and_the_others_are_stored(post, batch, make_run, make_project, alice):
    """Each hears what a request of its own would have been answered; a run of another project is none."""
    run = make_run()
    hidden, _ = services.create_run(project=make_project("other"), experiment="churn", actor=alice)

    told = post(
        [
            batch(run, 2, writer=uuid4().hex, loss=[(0, 0, 1.0)]),
            batch(hidden, 1, loss=[(0, 0, 1.0)]),
            batch(hidden, 1, loss=[(0, 0, 1.0)], params={"lr": 1}),
            batch(run, 1, loss=[(0, 0, 1.0)]),
        ]
    ).json()["batches"]

    assert [each["problem"] and each["problem"]["status"] for each in told] == [409, 404, 404, None]
    assert told[0]["problem"]["expected"] == 1
    assert [each["outcome"] is None for each in told] == [True, True, True, False]
    assert Batch.objects.get().run == run


def test_json_carries_them_too(post, make_run):
    run = make_run()
    metrics = [{"key": "loss", "steps": [0, 1], "times": [1, 2], "values": [0.5, "NaN"]}]

    response = post(
        [{"run": run.uuid.hex, "writer": WRITER, "sequence": 1, "metrics": metrics}], content_type="application/json"
    )

    assert response.status_code == 200, response.content
    assert Series.objects.get(run=run).count == 2


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda batches: batches[1].pop("run"), "batches[1]"),
        (lambda batches: batches[0].update(run="x"), "batches[0].run"),
        (lambda batches: batches[1]["metrics"][0].update(steps=b"1234567"), "batches.1.metrics.0"),
        (lambda batches: batches.extend(batches[:1] * BATCHES_AT_ONCE), "batches"),
    ],
    ids=["no run", "no id", "a column too short", "too many"],
)
def test_what_is_no_list_of_batches_is_refused_as_a_whole(post, batch, make_run, spoil, field):
    batches = [batch(make_run(), 1, loss=[(0, 0, 1.0)]) for _ in range(2)]
    spoil(batches)

    response = post(batches)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
    assert not Batch.objects.exists()


@pytest.mark.parametrize("many", [False, True], ids=["one", "several"])
def test_an_overloaded_server_says_when_to_come_again(api, alice, make_run, packed, batch, monkeypatch, many):
    def refuse(writes):
        raise Overloaded(2.5)

    monkeypatch.setattr(points._group, "submit_all", refuse)
    run, client = make_run(), api(alice)
    path, body = f"/api/v1/runs/{run.uuid.hex}/batches", packed(WRITER, 1, loss=[(0, 0, 1.0)])
    if many:
        path, body = "/api/v1/batches", msgspec.msgpack.encode({"batches": [batch(run, 1, loss=[(0, 0, 1.0)])]})

    response = client.client.post(path, data=body, content_type="application/x-msgpack", headers=client.headers)

    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/overloaded"


def test_several_writes_that_the_group_leaves_alone_go_the_longer_way(make_run, alice):
    """A run that has ended takes points, and is sealed anew."""
    ended, writer = make_run(), uuid4()
    services.finish_run(run=ended, status="finished", actor=alice)
    columns = Columns.of([("loss", make_points([0], [0], [1.0]))])

    (outcome,) = services.write_all_points([services.PointsWrite(ended.project, ended.uuid, writer, 1, columns)])

    assert outcome.last_sequence == 1
    assert not Run.objects.get(pk=ended.pk).sealed


def test_a_batch_that_the_database_refuses_does_not_silence_the_others(post, batch, make_run, monkeypatch):
    """Another holds its run for too long; what came of the other is told, and it is stored once."""
    free, busy = make_run(), make_run()
    lock_runs = points._lock_runs

    def without_busy(writes):
        runs, positions = lock_runs(writes)
        return {at: run for at, run in runs.items() if at[1] != busy.uuid}, positions

    monkeypatch.setattr(points, "_lock_runs", without_busy)

    def refuse(**asked):
        raise OperationalError("canceling statement due to lock timeout") from pg.LockNotAvailable("lock timeout")

    monkeypatch.setattr(points, "write_batch", refuse)

    answer = post([batch(free, 1, loss=[(0, 0, 0.5)]), batch(busy, 1, loss=[(0, 0, 0.5)])])

    assert answer.status_code == 200
    first, second = answer.json()["batches"]
    assert (first["problem"], second["problem"]["type"]) == (None, "/problems/database-busy")
    assert Series.objects.get(run=free).count == 1


def test_what_follows_one_that_was_left_for_later_did_not_come_too_early(make_run, alice, project, monkeypatch):
    """A run that another held while the first group was stored, and holds no more with the second."""
    run, held = make_run(), []
    lock_runs = points._lock_runs

    def once_held(writes):
        held.append(len(writes))
        return lock_runs(writes) if len(held) > 1 else ({}, {})

    monkeypatch.setattr(points, "_lock_runs", once_held)
    monkeypatch.setattr(points, "_group", points.Grouped(points._store_group, most=2, alone=lambda: True))
    columns = Columns.of([("loss", make_points([0], [0], [1.0]))])

    outcomes = points.write_all_points(
        [points.PointsWrite(project, run.uuid, UUID(hex=WRITER), at, columns) for at in (1, 2, 3, 4)]
    )

    assert [outcome.last_sequence for outcome in outcomes] == [1, 2, 3, 4]
    assert len(held) == 2, "two groups"
    assert Series.objects.get(run=run).count == 4
