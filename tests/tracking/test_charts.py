"""Charts of many runs at once, and what came since: the same from chunks, from batches, and from both."""

import math

import msgspec
import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tracking import selectors, services
from tracking.metrics import chunking
from tracking.models import Chunk
from tracking.selectors import charts

STRANGE = [math.nan, math.inf, -math.inf]


@pytest.fixture
def small_chunks(monkeypatch):
    """So that some thousand points show what a million would do."""
    monkeypatch.setattr(chunking, "CHUNK_POINTS", 100)


@pytest.fixture
def post(api, alice):
    client = api(alice)

    def post(runs, keys, **more):
        body = {"runs": [run if isinstance(run, str) else run.uuid.hex for run in runs], "keys": keys, **more}
        return client.post("series/search", json=body)

    return post


@pytest.fixture
def get(api, alice):
    client = api(alice)
    return lambda run, query: client.get(f"runs/{run.uuid.hex}/series?{query}")


def walk(count, seed=7):
    return np.random.default_rng(seed).normal(size=count).cumsum().tolist()


def fill(run, write, numbers, size=130):
    for at in range(0, len(numbers), size):
        part = numbers[at : at + size]
        write(run, steps=list(range(at, at + len(part))), loss=part)


def told(chart):
    bits = chart.points.values.view(np.uint64)
    return chart.count, chart.since, chart.points.steps.tolist(), chart.points.times.tolist(), bits.tolist()


def chart_of(run, **more):
    return selectors.read_charts([run.pk], ["loss"], max_points=60, **more)[run.pk, "loss"]


def forget_stretches(run):
    """As a release before them wrote chunks."""
    Chunk.objects.filter(run=run).update(stretches=None)


def test_the_same_points_give_the_same_chart_moved_or_not(make_run, write, small_chunks):
    run = make_run()
    numbers = walk(3_000)
    numbers[1_234], numbers[1_777], numbers[2_001], numbers[2_222] = 999.0, *STRANGE
    fill(run, write, numbers)
    waiting = told(chart_of(run))

    services.compact_run(run_id=run.pk)
    moved = told(chart_of(run))
    fill_on = list(range(3_000, 3_040))
    write(run, steps=fill_on, loss=[0.0] * 40)
    partly = told(chart_of(run))
    services.compact_run(run_id=run.pk)
    again = told(chart_of(run))
    forget_stretches(run)
    old = told(chart_of(run))

    assert waiting == moved
    assert partly == again == old
    shown = dict(zip(moved[2], chart_of(run).points.values.tolist(), strict=False))
    assert {1_234, 1_777, 2_001, 2_222} <= set(moved[2])
    assert max(value for value in shown.values() if math.isfinite(value)) == 999.0


def test_a_long_series_is_drawn_from_outlines_and_its_edges_are_real_points(make_run, write, small_chunks):
    """Whatever is not decoded: no payload is read where the outlines are finer than the chart."""
    run = make_run()
    numbers = walk(10_000)
    fill(run, write, numbers, size=1_000)
    services.compact_run(run_id=run.pk)

    with CaptureQueriesContext(connection) as queries:
        shown = chart_of(run)

    asked = [query["sql"] for query in queries if "payload" in query["sql"] and "tracking_chunk" in query["sql"]]
    assert asked == []
    assert len(shown.points) <= 60
    assert (shown.points.values.max(), shown.points.values.min()) == (max(numbers), min(numbers))
    assert all(numbers[step] == value for step, value in zip(shown.points.steps, shown.points.values, strict=True))


def test_a_stretch_that_is_sparse_is_decoded(make_run, write, small_chunks):
    """A million steps hold a thousand points, and then as many steps ten times as many: the sparse ones are drawn each for itself."""
    run = make_run()
    sparse = list(range(0, 1_000_000, 50_000))
    write(run, steps=sparse, loss=[float(at % 2) for at in range(len(sparse))])
    dense = list(range(1_000_000, 1_002_000))
    write(run, steps=dense, loss=[0.5] * len(dense))
    services.compact_run(run_id=run.pk)

    shown = set(chart_of(run).points.steps.tolist())

    assert set(sparse) <= shown


def test_several_writers_in_parallel_hide_nothing(make_run, write, small_chunks):
    """Chunks that lie across one another in steps, each of which has a spike of its own."""
    run = make_run()
    for at in range(0, 5_000, 250):
        steps = list(range(at, at + 250))
        write(run, steps=steps, loss=[9.0 if step == 1_111 else 0.0 for step in steps])
        write(run, steps=steps, loss=[-9.0 if step == 1_113 else 0.0 for step in steps])
    waiting = told(chart_of(run))
    services.compact_run(run_id=run.pk)

    shown = chart_of(run)

    assert told(shown) == waiting
    assert {1_111, 1_113} <= set(shown.points.steps.tolist())
    assert (shown.points.values.max(), shown.points.values.min()) == (9.0, -9.0)


@pytest.mark.parametrize("compact", [(), (1,), (0, 1, 2)], ids=["waiting", "partly moved", "moved"])
def test_what_came_since_is_what_arrived_since(make_run, write, small_chunks, compact):
    """Not what has later steps: a writer that lags behind is heard, too, and nothing is told twice."""
    run = make_run()
    parts = [(list(range(150)), 1.0), (list(range(150, 300)), 2.0), ([7, 8, 301], 3.0)]
    seen, count = [], 0
    for number, (steps, value) in enumerate(parts):
        write(run, steps=steps, loss=[value] * len(steps))
        if number in compact:
            services.compact_run(run_id=run.pk)
        chart = selectors.read_charts([run.pk], ["loss"], max_points=1_000, since={(run.pk, "loss"): count})
        found = chart[run.pk, "loss"]
        assert (found.since, found.count) == (count, count + len(steps))
        assert (found.points.steps.tolist(), set(found.points.values.tolist())) == (steps, {value})
        seen, count = [*seen, *found.points.steps.tolist()], found.count

    assert sorted(seen) == selectors.read_points(run, ["loss"])["loss"].steps.tolist()
    assert len(chart_of(run, since={(run.pk, "loss"): count}).points) == 0


def test_a_position_that_the_series_has_not_reached_begins_anew(make_run, write):
    """As after the database was restored from an earlier day: the reader gets all of it, and is told so."""
    run = make_run()
    write(run, loss=[1.0, 2.0])

    found = chart_of(run, since={(run.pk, "loss"): 50})

    assert (found.since, found.count, found.points.steps.tolist()) == (0, 2, [0, 1])


def test_deltas_over_the_api(make_run, write, get):
    run = make_run()
    write(run, loss=[1.0, 2.0], acc=[0.5])
    first = get(run, "key=loss&key=acc").json()

    write(run, steps=[2], loss=[math.nan])
    since = f"key=loss&since={first['loss']['count']}&key=acc&since={first['acc']['count']}"
    second = get(run, since).json()

    assert (second["loss"]["steps"], second["loss"]["values"]) == ([2], ["NaN"])
    assert (second["loss"]["count"], second["loss"]["since"], second["loss"]["downsampled"]) == (3, 2, False)
    assert (second["acc"]["steps"], second["acc"]["count"]) == ([], 1)


def test_many_runs_and_metrics_in_one_request(make_run, write, post, alice):
    runs = [make_run() for _ in range(6)]
    for number, run in enumerate(runs):
        write(run, loss=[float(number)] * 30, acc=spiky(2_000, number))
    write(runs[0], steps=[0], only_here=[math.inf])
    services.compact_run(run_id=runs[1].pk)
    services.finish_run(run=runs[2], status="finished", actor=alice)

    answer = post(runs, ["loss", "acc", "only_here"], max_points=50).json()["items"]

    assert [item["run"] for item in answer] == [run.uuid.hex for run in runs]
    assert [item["status"] for item in answer] == ["running", "running", "finished", *["running"] * 3]
    for number, item in enumerate(answer):
        assert item["series"]["loss"]["values"] == [float(number)] * 30
        acc = item["series"]["acc"]
        assert (len(acc["steps"]) <= 50, acc["downsampled"], acc["count"]) == (True, True, 2_000)
        assert acc["values"][acc["steps"].index(number)] == 9.0
    assert answer[0]["series"]["only_here"]["values"] == ["Infinity"]
    assert "only_here" not in answer[1]["series"]


def test_deltas_of_many_runs(make_run, write, post):
    runs = [make_run() for _ in range(2)]
    for run in runs:
        write(run, loss=[1.0])
    write(runs[1], steps=[1], loss=[2.0])

    since = {run.uuid.hex: {"loss": 1} for run in runs}
    first, second = post(runs, ["loss"], since=since).json()["items"]

    assert first["series"]["loss"]["steps"] == []
    assert second["series"]["loss"]["values"] == [2.0]


def test_the_packed_form_holds_the_same(make_run, write, api, alice):
    run = make_run()
    write(run, loss=[1.0, math.nan])

    body = {"runs": [run.uuid.hex], "keys": ["loss"]}
    answer = api(alice).post("series/raw/search", json=body)

    assert answer.headers["Content-Type"] == "application/x-msgpack"
    [item] = msgspec.msgpack.decode(answer.content)["items"]
    assert np.frombuffer(item["series"]["loss"]["steps"], "<i8").tolist() == [0, 1]
    assert np.isnan(np.frombuffer(item["series"]["loss"]["values"], "<f8")).tolist() == [False, True]


def test_as_many_queries_for_fifty_series_as_for_one(make_run, write, django_assert_max_num_queries):
    runs = [make_run() for _ in range(10)]
    for number, run in enumerate(runs):
        write(run, **{f"m{key}": [1.0] * 10 for key in range(5)})
        if number % 2:
            services.compact_run(run_id=run.pk)

    with django_assert_max_num_queries(6):
        found = selectors.read_charts([run.pk for run in runs], [f"m{key}" for key in range(5)], max_points=10)

    assert len(found) == 50


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"runs": ["0" * 31 + "1"]}, 404, "0000000001"),
        ({"runs": ["nonsense"]}, 422, "32"),
        ({"runs": []}, 422, "runs"),
        ({"keys": []}, 422, "keys"),
        ({"keys": ["a"] * 101}, 422, "keys"),
        ({"max_points": 3}, 422, "max_points"),
        ({"since": {"x": 1}}, 422, "since"),
        ({"since": {"x": {"loss": -1}}}, 422, "since"),
        ({"more": 1}, 422, "more"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else None,
)
def test_a_question_that_cannot_be_answered_is_refused_clearly(make_run, write, api, alice, body, status, words):
    run = make_run()
    write(run, loss=[1.0])

    answer = api(alice).post("series/search", json={"runs": [run.uuid.hex], "keys": ["loss"]} | body)

    assert answer.status_code == status
    assert words in answer.content.decode()


def test_too_many_series_are_refused(make_run, api, alice):
    runs = [make_run() for _ in range(11)]

    body = {"runs": [run.uuid.hex for run in runs], "keys": [f"m{key}" for key in range(100)]}
    answer = api(alice).post("series/search", json=body)

    assert (answer.status_code, "1000 series" in answer.content.decode()) == (422, True)


def test_an_answer_of_too_many_points_is_refused(make_run, api, alice):
    runs = [make_run() for _ in range(5)]

    body = {"runs": [run.uuid.hex for run in runs], "keys": [f"m{key}" for key in range(100)], "max_points": 20_000}
    answer = api(alice).post("series/search", json=body)

    assert (answer.status_code, "2000000 points" in answer.content.decode()) == (422, True)


def test_series_that_are_taken_in_turns_are_drawn_the_same(make_run, write, small_chunks, monkeypatch):
    """More than memory is to hold at once."""
    runs = [make_run() for _ in range(3)]
    for run in runs:
        fill(run, write, walk(1_000, seed=run.pk))
        services.compact_run(run_id=run.pk)
        forget_stretches(run)
    together = {run.pk: told(chart_of(run)) for run in runs}
    monkeypatch.setattr(charts, "DECODED_AT_ONCE", 1_500)

    with CaptureQueriesContext(connection) as queries:
        found = selectors.read_charts([run.pk for run in runs], ["loss"], max_points=60)

    assert {run.pk: told(found[run.pk, "loss"]) for run in runs} == together
    assert sum('"tracking_chunk"."payload"' in each["sql"] for each in queries) == 3


def test_as_many_positions_as_metrics(make_run, write, get):
    run = make_run()
    write(run, loss=[1.0], acc=[1.0])

    answer = get(run, "key=loss&key=acc&since=1")

    assert (answer.status_code, "as many" in answer.content.decode()) == (422, True)
    assert get(run, "key=loss&since=-1").status_code == 422


def spiky(count, spike):
    numbers = [0.0] * count
    numbers[spike] = 9.0
    return numbers


# ---- a stretch of steps


def jagged(count=6_000):
    numbers = walk(count)
    numbers[1_234] = 1e6
    numbers[4_321] = -1e6
    return numbers


@pytest.mark.parametrize("compacted", [False, True], ids=["in batches", "in chunks"])
def test_a_stretch_is_thinned_by_itself_and_keeps_its_spikes(small_chunks, make_run, write, compacted):
    run, numbers = make_run(), jagged()
    fill(run, write, numbers)
    if compacted:
        services.compact_run(run_id=run.pk)
    for first, last in ((1_000, 2_000), (1_234, 1_234), (4_000, 5_999), (-5, 10**9), (1_200, 1_259)):
        chart = chart_of(run, steps=(first, last))
        steps = chart.points.steps
        within = numbers[max(0, first) : last + 1]

        assert chart.count == len(within)
        assert steps.min() >= first
        assert steps.max() <= last
        assert len(steps) == min(len(within), 60) if len(within) <= 60 else 30 < len(steps) <= 60
        assert chart.points.values.min() == min(within)
        assert chart.points.values.max() == max(within)
        assert chart.is_thinned is (len(within) > 60)


def test_a_stretch_is_the_same_before_and_after_compaction(small_chunks, make_run, write):
    run = make_run()
    fill(run, write, jagged())
    before = [told(chart_of(run, steps=span)) for span in ((150, 3_210), (0, 5_999), (77, 120))]
    services.compact_run(run_id=run.pk)

    assert [told(chart_of(run, steps=span)) for span in ((150, 3_210), (0, 5_999), (77, 120))] == before


def test_a_stretch_without_points_is_empty(make_run, write):
    run = make_run()
    fill(run, write, walk(100))

    chart = chart_of(run, steps=(500, 600))

    assert (len(chart.points), chart.count, chart.is_thinned) == (0, 0, False)


def test_a_stretch_over_the_wire(make_run, write, get, post):
    run = make_run()
    fill(run, write, walk(1_000))
    one = get(run, "key=loss&max_points=60&first_step=100&last_step=140").json()["loss"]
    [many] = post([run], ["loss"], max_points=60, first_step=100, last_step=140).json()["items"]

    assert one["steps"] == list(range(100, 141))
    assert (one["count"], one["downsampled"]) == (41, False)
    assert many["series"]["loss"] == one
    assert get(run, "key=loss&first_step=990").json()["loss"]["steps"] == list(range(990, 1_000))


@pytest.mark.parametrize(
    ("query", "field"),
    [("first_step=5&last_step=4", "first_step"), ("first_step=5&since=3", "since"), ("first_step=x", "first_step")],
)
def test_a_stretch_that_is_none_is_refused(make_run, write, get, query, field):
    run = make_run()
    fill(run, write, walk(10))
    answer = get(run, f"key=loss&{query}")

    assert answer.status_code == 422
    assert field in answer.content.decode()
