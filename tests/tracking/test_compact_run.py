"""Batches become chunks: readers see every point once, before, during and after."""

import pytest
from django.db import connection

from tracking import selectors, services
from tracking.metrics import chunking
from tracking.models import Batch, Chunk, Run
from tracking.services import chunks

only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's locks keep the other one waiting")


@pytest.fixture
def small_chunks(monkeypatch):
    """Ten points a chunk, three batches at once, so that few points show what many would do."""
    monkeypatch.setattr(chunking, "CHUNK_POINTS", 10)
    monkeypatch.setattr(chunks, "BATCHES_AT_ONCE", 3)


def fill(run, write, batches=8, size=4):
    for number in range(batches):
        steps = list(range(number * size, (number + 1) * size))
        write(run, steps=steps, loss=[step / 2 for step in steps], acc=[-float(step) for step in steps])
    return list(range(batches * size))


def test_readers_see_the_same_before_and_after(make_run, write, small_chunks):
    run = make_run()
    steps = fill(run, write)
    before = selectors.read_points(run, ["loss", "acc"])

    assert services.compact_run(run_id=run.pk) == 8

    after = selectors.read_points(run, ["loss", "acc"])
    assert before["loss"].steps.tolist() == after["loss"].steps.tolist() == steps
    assert before["acc"].values.tolist() == after["acc"].values.tolist() == [-float(step) for step in steps]
    assert not Batch.objects.exists()


def test_chunks_are_full_but_for_the_last(make_run, write, small_chunks):
    run = make_run()
    fill(run, write)

    services.compact_run(run_id=run.pk)

    counts = Chunk.objects.filter(run=run, key="loss").order_by("id").values_list("count", "first_step", "last_step")
    assert list(counts) == [(10, 0, 9), (10, 10, 19), (10, 20, 29), (2, 30, 31)]


def test_later_batches_fill_the_last_chunk_up(make_run, write, small_chunks):
    run = make_run()
    write(run, loss=[0.0] * 7)
    services.compact_run(run_id=run.pk)
    write(run, steps=list(range(7, 12)), loss=[1.0] * 5)

    services.compact_run(run_id=run.pk)

    assert list(Chunk.objects.order_by("id").values_list("count", flat=True)) == [10, 2]
    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == list(range(12))


def test_chunks_and_waiting_batches_are_read_together(make_run, write, small_chunks):
    run = make_run()
    fill(run, write, batches=3)
    services.compact_run(run_id=run.pk)
    write(run, steps=[12, 13], loss=[9.0, 8.0])

    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == list(range(14))


def test_again_is_harmless(make_run, write):
    run = make_run()
    fill(run, write)
    services.compact_run(run_id=run.pk)

    assert services.compact_run(run_id=run.pk) == 0
    assert sum(Chunk.objects.filter(key="loss").values_list("count", flat=True)) == 32


def test_a_reader_overtaken_by_the_worker_sees_each_point_once(make_run, write, monkeypatch):
    """Between a reader's two queries the worker moves everything from one table to the other."""
    run = make_run()
    fill(run, write)
    original, moved = Chunk.objects.filter, []

    def overtaken(*args, **kwargs):
        if not moved and "run_id__in" in kwargs:  # the reader's; the worker asks by id
            moved.append(services.compact_run(run_id=run.pk))
        return original(*args, **kwargs)

    monkeypatch.setattr(Chunk.objects, "filter", overtaken)

    points = selectors.read_points(run, ["loss"])["loss"]

    assert moved == [8]
    assert points.steps.tolist() == list(range(32))


@only_sqlite
@pytest.mark.parametrize("before", ["_waiting", "_unfinished", "_put"])
def test_a_worker_overtaken_by_another_moves_each_batch_once(make_run, write, small_chunks, monkeypatch, before):
    """No lock is held while a worker reads and computes."""
    run = make_run()
    steps = fill(run, write)
    original, moved = getattr(chunks, before), []

    def overtaken(*given):
        if not moved:
            moved.append(0)
            moved.append(services.compact_run(run_id=run.pk))
        return original(*given)

    monkeypatch.setattr(chunks, before, overtaken)

    second = services.compact_run(run_id=run.pk)

    assert [*moved, second] == [0, 8, 0]
    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == steps
    assert sum(Chunk.objects.filter(run=run, key="loss").values_list("count", flat=True)) == len(steps)


@only_sqlite
def test_nothing_comes_of_batches_that_are_purged_meanwhile(make_run, write, monkeypatch):
    run = make_run()
    fill(run, write)
    original = chunks._put

    def purged(*given):
        Batch.objects.filter(run=run).delete()
        return original(*given)

    monkeypatch.setattr(chunks, "_put", purged)

    assert services.compact_run(run_id=run.pk) == 0
    assert not Chunk.objects.exists()


def test_one_transaction_rewrites_so_many_points_and_no_more(make_run, write, monkeypatch):
    """However large the batches are; one that is larger than that goes alone."""
    monkeypatch.setattr(chunks, "POINTS_AT_ONCE", 10)
    run = make_run()
    for first, size in ((0, 4), (4, 4), (8, 30), (38, 2)):
        write(run, steps=list(range(first, first + size)), loss=[1.0] * size)

    assert [chunks._compact_some(run.pk, chunks._next_batches) for _ in range(4)] == [2, 1, 1, 0]
    assert selectors.read_points(run, ["loss"])["loss"].steps.tolist() == list(range(40))


def test_out_of_order_and_repeated_steps_come_back_in_order(make_run, write, small_chunks):
    run = make_run()
    write(run, steps=[5, 3, 4], loss=[5.0, 3.0, 4.0])
    write(run, steps=[3, 0], loss=[3.5, 0.0])

    waiting = selectors.read_points(run, ["loss"])["loss"]
    services.compact_run(run_id=run.pk)
    moved = selectors.read_points(run, ["loss"])["loss"]

    for points in (waiting, moved):
        assert points.steps.tolist() == [0, 3, 3, 4, 5]
        assert points.values.tolist() == [0.0, 3.0, 3.5, 4.0, 5.0]


def test_many_small_batches_call_the_worker_and_an_end_does(make_run, write, run_jobs, alice):
    run = make_run()
    for step in range(chunks.BATCHES_DUE + 1):
        write(run, steps=[step], loss=[1.0])
    run_jobs()
    assert Batch.objects.count() <= 1

    services.finish_run(run=run, status="finished", actor=alice)
    run_jobs()

    assert not Batch.objects.exists()
    assert Run.objects.get(pk=run.pk).sealed


def test_of_a_run_that_goes_on_whole_chunks_are_made_and_the_rest_waits(make_run, write, monkeypatch, alice):
    """A chunk that is begun has to be written again to be filled up; no point is missed meanwhile."""
    monkeypatch.setattr(chunks, "POINTS_DUE", 1)
    monkeypatch.setattr(chunking, "CHUNK_POINTS", 20)
    run = make_run()
    for number in range(7):
        write(run, steps=range(number * 5, number * 5 + 5), loss=[1.0] * 5, accuracy=[2.0] * 5)

    assert services.compact_due(run_id=run.pk) == 4
    assert list(Chunk.objects.order_by("key").values_list("key", "count")) == [("accuracy", 20), ("loss", 20)]
    assert Batch.objects.count() == 3
    assert services.compact_due(run_id=run.pk) == 0

    services.finish_run(run=run, status="finished", actor=alice)
    assert services.compact_due(run_id=run.pk) == 3
    assert sum(Chunk.objects.values_list("count", flat=True)) == 70


def test_small_batches_do_not_wait_for_a_whole_chunk_in_any_number(make_run, write, monkeypatch):
    monkeypatch.setattr(chunks, "BATCHES_KEPT", 3)
    run = make_run()
    for step in range(4):
        write(run, steps=[step], loss=[1.0])

    assert services.compact_due(run_id=run.pk) == 4
    assert not Batch.objects.exists()


def test_a_series_takes_at_most_ten_bytes_a_point_at_rest(make_run, write):
    import random

    random.seed(7)
    run = make_run()
    for number in range(10):
        steps = list(range(number * 1_000, (number + 1) * 1_000))
        write(run, steps=steps, loss=[random.gauss(0, 1) for _ in steps])
    services.compact_run(run_id=run.pk)

    stored = sum(len(payload) + len(outline) for payload, outline in Chunk.objects.values_list("payload", "outline"))
    assert stored <= 10 * 10_000
