"""Batches of points that share a transaction: each is judged by itself, and what is stored is what each would have stored alone."""

import math
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ids import uuid7
from core.models import Job
from tracking import selectors, services
from tracking.errors import ExperimentDeleted, RunDeleted, RunNotFound, RunPurged, SequenceGap
from tracking.metrics.points import make_points
from tracking.metrics.summary import Summary, summarise
from tracking.models import Batch, Run, Series, WriterPosition
from tracking.services import points as group
from tracking.services import series
from tracking.services.chunks import BATCHES_DUE, POINTS_DUE
from tracking.services.series import Place

POINT = make_points([0], [0], [1.0])
pytestmark = pytest.mark.django_db


def write_of(run, sequence, *, writer, project=None, **metrics):
    """A waiting write: `loss=[(step, value), …]`."""
    columns = [
        (key, make_points([step for step, _ in rows], [step * 1_000 for step, _ in rows], [value for _, value in rows]))
        for key, rows in metrics.items()
    ]
    return group._Write(project or run.project, run.uuid, writer, sequence, series.arrive(columns))


def stored(run, key="loss"):
    return selectors.read_points(run, [key])[key].steps.tolist()


def test_writes_of_several_runs_and_writers_are_stored_together(make_run):
    one, other, writers = make_run(), make_run(), [uuid4() for _ in range(3)]
    writes = [
        write_of(one, 1, writer=writers[0], loss=[(0, 3.0)]),
        write_of(other, 1, writer=writers[1], loss=[(5, 1.0)], accuracy=[(5, 0.5)]),
        write_of(one, 1, writer=writers[2], loss=[(1, 2.0)]),
        write_of(one, 2, writer=writers[0], loss=[(2, 4.0)]),
    ]

    outcomes = group._store_group(writes)

    assert [outcome.last_sequence for outcome in outcomes] == [1, 1, 1, 2]
    assert (stored(one), stored(other), stored(other, "accuracy")) == ([0, 1, 2], [5], [5])
    loss = Series.objects.get(run=one, key="loss")
    assert (loss.count, loss.last, loss.min, loss.max) == (3, 4.0, 2.0, 4.0)
    assert dict(WriterPosition.objects.filter(run=one).values_list("writer", "last_sequence")) == {
        writers[0]: 2,
        writers[2]: 1,
    }


@pytest.mark.django_db(transaction=True)
def test_a_group_costs_seven_statements_however_many_it_holds(make_run, django_assert_num_queries):
    """Begin, runs, positions, rows, summaries, positions, commit; new series are looked up once more."""
    runs = [(make_run(), uuid4()) for _ in range(4)]
    group._store_group([write_of(run, 1, writer=writer, loss=[(0, 1.0)]) for run, writer in runs])

    with django_assert_num_queries(7):
        group._store_group([write_of(run, n, writer=writer, loss=[(n, 1.0)]) for run, writer in runs for n in (2, 3)])

    assert [stored(run) for run, _ in runs] == [[0, 2, 3]] * 4


@pytest.mark.django_db(transaction=True)
def test_a_group_is_sent_to_postgresql_in_two_parts(make_run, monkeypatch):
    """What asks, then all that writes: nothing is waited for in between, since each wait is two changes of process."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite works in this process")
    import psycopg

    run, writer, acts = make_run(), uuid4(), []
    group._store_group([write_of(run, 1, writer=writer, loss=[(0, 1.0)])])

    def told(act, does):
        def noted(self, *given, **named):
            acts.append(act if self.connection.pgconn.pipeline_status else f"{act} and wait")
            return does(self, *given, **named)

        return noted

    for act in ("execute", "fetchall"):
        monkeypatch.setattr(psycopg.Cursor, act, told(act, getattr(psycopg.Cursor, act)))
    group._store_group([write_of(run, 2, writer=writer, loss=[(1, 1.0)])])

    assert acts == ["execute"] * 2 + ["fetchall"] * 2 + ["execute"] * 3
    assert stored(run) == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_a_request_of_points_asks_nothing_of_the_database_beside_its_group(api, alice, make_run, packed):
    """Token and project are remembered for two seconds, and the group has a connection of its own."""
    run, client, writer = make_run(), api(alice), uuid4()

    def post(sequence):
        body = packed(writer.hex, sequence, loss=[(sequence, sequence, 1.0)])
        path = f"/api/v1/runs/{run.uuid.hex}/batches"
        return client.client.post(path, data=body, content_type="application/x-msgpack", headers=client.headers)

    post(1)
    with CaptureQueriesContext(connection) as asked:
        assert post(2).json()["last_sequence"] == 2

    assert [each["sql"] for each in asked] == []
    assert stored(run) == [1, 2]


def test_one_that_is_refused_does_not_hold_up_the_others(make_run, alice):
    run, ended, writer = make_run(), make_run(), uuid4()
    services.finish_run(run=ended, status="finished", actor=alice)
    stranger = uuid7()
    nobody = group._Write(run.project, stranger, writer, 1, series.arrive([("loss", make_points([1], [1], [1.0]))]))

    gap, late, missing, good, again = group._store_group(
        [
            write_of(run, 2, writer=uuid4(), loss=[(0, 1.0)]),
            write_of(ended, 1, writer=writer, loss=[(0, 1.0)]),
            nobody,
            write_of(run, 1, writer=writer, loss=[(7, 1.0)]),
            write_of(run, 1, writer=writer, loss=[(7, 1.0)]),
        ]
    )

    assert isinstance(gap, SequenceGap)
    assert gap.extra["expected"] == 1
    assert isinstance(late, group._NotOrdinary)
    assert isinstance(missing, group._NotOrdinary)
    assert not good.repeated
    assert again.repeated
    assert stored(run) == [7]
    assert Batch.objects.count() == 1


def test_a_run_of_another_project_is_none(make_run, make_project):
    run = make_run()

    with pytest.raises(RunNotFound):
        services.write_points(
            project=make_project("other"), run=run.uuid, writer=uuid4(), sequence=1, metrics=[("loss", POINT)]
        )
    assert not Batch.objects.exists()


def test_what_the_database_refuses_fails_alone(make_run, monkeypatch):
    good, bad, writer = make_run(), make_run(), uuid4()
    real = series.store

    def refuse(arrivals):
        if any(place.run_id == bad.pk for place, _ in arrivals):
            raise IntegrityError("no")
        real(arrivals)

    monkeypatch.setattr(series, "store", refuse)

    first, second, third = group._store_group(
        [
            write_of(good, 1, writer=writer, loss=[(0, 1.0)]),
            write_of(bad, 1, writer=writer, loss=[(0, 1.0)]),
            write_of(good, 2, writer=writer, loss=[(1, 1.0)]),
        ]
    )

    assert (first.last_sequence, third.last_sequence) == (1, 2)
    assert isinstance(second, IntegrityError)
    assert stored(good) == [0, 1]
    assert not WriterPosition.objects.filter(run=bad).exists()


def test_a_late_write_unseals_the_run_as_any_other(make_run, alice):
    run = make_run()
    services.finish_run(run=run, status="finished", actor=alice)

    outcome = services.write_points(
        project=run.project, run=run.uuid, writer=uuid4(), sequence=1, metrics=[("loss", POINT)]
    )

    assert outcome.last_sequence == 1
    assert not Run.objects.get(pk=run.pk).sealed
    assert stored(run) == [0]


@pytest.mark.parametrize("what", ["deleted", "purged", "in a deleted experiment"])
def test_a_run_that_is_put_away_takes_no_points(make_run, alice, what):
    run = make_run()
    if what == "in a deleted experiment":
        services.delete_experiment(experiment=run.experiment, actor=alice)
    else:
        services.delete_run(run=run, actor=alice)
    if what == "purged":
        services.purge_run(run=run, actor=alice, reason="tests")

    with pytest.raises((RunDeleted, RunPurged, ExperimentDeleted)):
        services.write_points(
            project=run.project,
            run=run.uuid,
            writer=uuid4(),
            sequence=1,
            metrics=[("loss", make_points([0], [0], [1.0]))],
        )
    assert not Batch.objects.exists()


def test_keys_beyond_the_limit_are_reported_and_the_rest_is_stored(make_run, monkeypatch):
    monkeypatch.setattr(series, "RUN_SERIES", 2)
    run, writer = make_run(), uuid4()

    group._store_group([write_of(run, 1, writer=writer, a=[(0, 1.0)], b=[(0, 1.0)])])
    (outcome,) = group._store_group([write_of(run, 2, writer=writer, a=[(1, 1.0)], c=[(1, 1.0)])])

    assert [refused.key for refused in outcome.rejected] == ["c"]
    assert stored(run, "a") == [0, 1]
    assert not Series.objects.filter(key="c").exists()


def test_what_a_process_remembers_of_series_is_bounded(monkeypatch):
    """A run may have 20,000 keys, and there is no end of runs: those that wrote longest ago are forgotten."""
    monkeypatch.setattr(group, "KNOWN_SERIES", 5)
    known = group._KnownSeries()

    def arrived(*keys):
        return SimpleNamespace(summaries=dict.fromkeys(keys))

    def add(run_id, *keys):
        known.add([(Place(run_id, 1), arrived(*keys))])

    add(1, "a", "b")
    add(2, "a", "b")
    add(1, "a", "c")
    add(3)
    assert known.holds(2, arrived("a"))
    assert known.holds(1, arrived("a", "b", "c"))  # the last to be asked about, which each batch does
    add(4, "a")

    assert not known.holds(2, arrived("a"))
    assert known.holds(1, arrived("c"))
    assert len(known._keys) == 2


def test_a_bad_key_is_reported_and_uses_up_the_number(make_run):
    run, writer = make_run(), uuid4()

    (outcome,) = group._store_group([write_of(run, 1, writer=writer, **{"": [(0, 1.0)]})])

    assert [refused.kind for refused in outcome.rejected] == ["metric"]
    assert WriterPosition.objects.get(run=run).last_sequence == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_called_every_so_many_batches(make_run):
    run, writer = make_run(), uuid4()
    Job.objects.all().delete()

    group._store_group([write_of(run, n, writer=writer, loss=[(n, 1.0)]) for n in range(1, BATCHES_DUE)])
    assert not Job.objects.filter(name="tracking.compact_run").exists()

    group._store_group([write_of(run, n, writer=writer, loss=[(n, 1.0)]) for n in range(BATCHES_DUE, BATCHES_DUE + 3)])
    assert Job.objects.filter(name="tracking.compact_run").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_called_once_many_points_have_come(make_run):
    run, other, writer, half = make_run(), make_run(), uuid4(), POINTS_DUE // 2
    Job.objects.all().delete()
    points = [(step, 1.0) for step in range(half)]

    group._store_group([write_of(each, 1, writer=writer, loss=points) for each in (run, other)])
    assert not Job.objects.filter(name="tracking.compact_run").exists()

    group._store_group([write_of(run, 2, writer=writer, loss=points)])
    assert [job.arguments["run_id"] for job in Job.objects.filter(name="tracking.compact_run")] == [run.pk]


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1.0, math.nan])
rows = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2), numbers), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(rows, min_size=1, max_size=4))
def test_the_database_merges_summaries_as_python_does(make_run, parts):
    """`series._MERGE` and `summary.merge` state the same rules twice."""
    run = make_run()
    columns = [make_points(*map(list, zip(*part, strict=True))) for part in parts]

    for points in columns:
        series.store([(series.Place(run.pk, run.experiment_id), series.arrive([("loss", points)]))])

    row = Series.objects.get(run=run, key="loss")
    found = Summary(**{name: getattr(row, name) for name in series.SUMMARY_COLUMNS})
    whole = make_points(*map(list, zip(*[point for part in parts for point in part], strict=True)))
    assert found == summarise(whole)


def test_series_beyond_the_limit_are_refused_within_one_group_too(make_run, monkeypatch):
    monkeypatch.setattr(series, "RUN_SERIES", 3)
    run, writer = make_run(), uuid4()

    outcomes = group._store_group(
        [write_of(run, n, writer=writer, **{f"k{n}{each}": [(0, 1.0)] for each in "ab"}) for n in (1, 2, 3)]
    )

    assert Series.objects.filter(run=run).count() == 3
    assert [len(outcome.rejected) for outcome in outcomes] == [0, 1, 2]
