"""Several at once on one run: every batch is stored once, every param has one value, every point is read once."""

import threading
from uuid import uuid4

import pytest
from django.db import connection, transaction

from core.ids import uuid7
from tracking import selectors, services
from tracking.errors import SequenceGap
from tracking.metrics.points import make_points
from tracking.models import Batch, Chunk, Run, Seal, Series, WriterPosition
from tracking.services import chunks
from tracking.services.seals import content_digest

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets in one writer at a time"),
    pytest.mark.django_db(transaction=True),
]


def at_once(*acts):
    """Do all in threads of their own, begun together; what each returned or raised, in order."""
    outcomes = [None] * len(acts)
    together = threading.Barrier(len(acts))

    def run(index, act):
        try:
            together.wait(timeout=10)
            outcomes[index] = act()
        except Exception as error:
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def send(run, writer, sequence, **more):
    points = make_points([sequence], [sequence], [float(sequence)])
    return services.write_batch(run=run, writer=writer, sequence=sequence, metrics=[("loss", points)], **more)


def test_one_batch_sent_many_times_at_once_is_stored_once(make_run):
    """A client that gave up waiting sends again while the first request still runs."""
    run, writer = make_run(), uuid4()

    outcomes = at_once(*[lambda: send(run, writer, 1)] * 6)

    assert sorted(each.repeated for each in outcomes) == [False] + [True] * 5
    assert Batch.objects.count() == 1
    assert Series.objects.get(run=run).count == 1


def test_successors_at_once_are_stored_or_sent_back_never_lost(make_run):
    run, writer = make_run(), uuid4()
    numbers = list(range(1, 7))

    while numbers:
        outcomes = at_once(*[lambda number=number: send(run, writer, number) for number in numbers])
        assert all(isinstance(each, SequenceGap) or each.last_sequence >= 1 for each in outcomes)
        numbers = [each for each, outcome in zip(numbers, outcomes, strict=True) if isinstance(outcome, SequenceGap)]

    assert WriterPosition.objects.get(run=run).last_sequence == 6
    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert Series.objects.get(run=run).count == 6


def test_many_writers_of_one_run_lose_nothing(make_run):
    """Distributed training: each rank writes for itself, summaries are shared."""
    run = make_run()

    def rank():
        writer = uuid4()
        for sequence in range(1, 9):
            send(run, writer, sequence)

    assert at_once(*[rank] * 4) == [None] * 4

    summary = Series.objects.get(run=run)
    assert (summary.count, summary.min, summary.max, summary.last_step) == (32, 1.0, 8.0, 8)
    assert len(selectors.read_points(run, ["loss"])["loss"]) == 32


def test_a_param_given_twice_at_once_has_one_value(make_run):
    run = make_run()

    outcomes = at_once(*[lambda lr=lr: send(run, uuid4(), 1, params={"lr": lr}) for lr in (1, 2, 3)])

    assert sorted(len(each.rejected) for each in outcomes) == [0, 1, 1]
    (value,) = selectors.run_rows([run])[0].params.values()
    assert all(refused.stored == value for each in outcomes for refused in each.rejected)


def test_one_run_id_asked_for_at_once_is_one_run(project, alice):
    id = uuid7()

    outcomes = at_once(*[lambda: services.create_run(project=project, experiment="new", actor=alice, id=id)] * 4)

    assert sorted(created for _, created in outcomes) == [False, False, False, True]
    assert Run.objects.filter(uuid=id).count() == 1


def test_many_runs_may_begin_a_new_experiment_at_once(project, alice):
    """A sweep starts a hundred jobs in one second, and none of them made the experiment before."""
    outcomes = at_once(*[lambda: services.create_run(project=project, experiment="sweep", actor=alice)] * 5)

    assert [created for _, created in outcomes] == [True] * 5
    assert len({run.experiment_id for run, _ in outcomes}) == 1


def test_readers_see_every_point_once_while_workers_move_them(make_run):
    run, writer, seen = make_run(), uuid4(), []
    for sequence in range(1, 41):
        send(run, writer, sequence)

    def read():
        for _ in range(10):
            seen.append(selectors.read_points(run, ["loss"])["loss"].steps.tolist())

    def move():
        services.compact_run(run_id=run.pk)

    assert at_once(read, move, read)[::2] == [None, None]
    assert all(steps == list(range(1, 41)) for steps in seen)


def test_an_end_and_a_late_batch_leave_a_seal_or_the_word_that_it_is_owed(make_run, alice):
    run = make_run()

    at_once(
        lambda: services.finish_run(run=run, status="finished", actor=alice),
        lambda: send(run, uuid4(), 1),
    )

    now = Run.objects.get(pk=run.pk)
    covered = Seal.objects.filter(run=run).latest("number").digest == content_digest(now)
    assert now.sealed is covered


def test_an_end_asked_for_twice_at_once_seals_once(make_run, alice):
    run = make_run()

    at_once(*[lambda: services.finish_run(run=run, status="finished", actor=alice)] * 4)

    assert Seal.objects.filter(run=run).count() == 1


def test_points_of_other_runs_do_not_wait_for_a_run_that_is_busy(make_run):
    """Whoever seals a run holds it for as long as a walk through its history takes."""
    busy, free, held, done = make_run(), make_run(), threading.Event(), threading.Event()

    def write(run):
        points = [("loss", make_points([1], [1], [1.0]))]
        services.write_points(project=run.project, run=run.uuid, writer=uuid4(), sequence=1, metrics=points)

    def hold():
        with transaction.atomic():
            Run.objects.select_for_update().get(pk=busy.pk)
            held.set()
            assert done.wait(10), "the other run's points waited"

    def write_both():
        assert held.wait(10)
        waiting = threading.Thread(target=lambda: (write(busy), connection.close()))
        waiting.start()
        write(free)
        done.set()
        waiting.join(10)

    assert at_once(hold, write_both) == [None, None]
    assert Series.objects.filter(run__in=[busy, free]).count() == 2


def points_of(run):
    return [("loss", make_points([1], [1], [1.0]))]


def test_points_are_stored_while_a_worker_rewrites_the_same_run(make_run):
    """However long it takes: neither the quick way of points nor the next one waits for the worker's transaction."""
    run, held, done = make_run(), threading.Event(), threading.Event()

    def rewrite():
        with transaction.atomic():
            chunks._compact_some(run.pk, chunks._next_batches)
            held.set()
            assert done.wait(10), "the points waited"

    def write():
        assert held.wait(10)
        for sequence in (2, 3):
            services.write_points(
                project=run.project, run=run.uuid, writer=writer, sequence=sequence, metrics=points_of(run)
            )
        done.set()

    writer = uuid4()
    services.write_points(project=run.project, run=run.uuid, writer=writer, sequence=1, metrics=points_of(run))

    assert at_once(rewrite, write) == [None, None]
    assert len(selectors.read_points(run, ["loss"])["loss"]) == 3
    assert Chunk.objects.get(run=run).count == 1


def test_two_workers_on_one_run_move_each_batch_once(make_run, monkeypatch):
    monkeypatch.setattr(chunks, "BATCHES_AT_ONCE", 2)
    run, writer = make_run(), uuid4()
    for sequence in range(1, 9):
        send(run, writer, sequence)

    moved = at_once(*[lambda: services.compact_run(run_id=run.pk)] * 3)

    assert sum(moved) == 8
    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == list(range(1, 9))


def test_readers_see_every_point_once_while_writers_write_and_a_worker_rewrites(make_run, monkeypatch):
    """What is read is always a beginning of what was sent: nothing is missing in the middle, and nothing is there twice."""
    monkeypatch.setattr(chunks, "BATCHES_AT_ONCE", 3)
    run, writer, ended = make_run(), uuid4(), threading.Event()
    send(run, writer, 1)

    def write():
        for sequence in range(2, 120):
            services.write_points(
                project=run.project,
                run=run.uuid,
                writer=writer,
                sequence=sequence,
                metrics=[("loss", make_points([sequence], [sequence], [float(sequence)]))],
            )
        ended.set()

    def rewrite():
        moved = 0
        while not ended.is_set():
            moved += services.compact_run(run_id=run.pk)
        return moved

    def read():
        seen = []
        while not ended.is_set():
            steps = selectors.read_points(run, ["loss"])["loss"].steps.tolist()
            assert steps == list(range(1, len(steps) + 1))
            seen.append(len(steps))
        return seen

    written, moved, seen = at_once(write, rewrite, read)

    assert written is None
    assert moved > 0
    assert seen == sorted(seen)
    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == list(range(1, 120))
