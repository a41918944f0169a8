"""Charts and histories over the API: thinned without losing spikes, raw without losing a bit."""

import math
import struct

import msgspec
import pytest

from tracking import selectors, services
from tracking.metrics.points import make_points
from tracking.models import Run


@pytest.fixture
def get(api, alice):
    client = api(alice)

    def get(run, path):
        return client.get(f"runs/{run.uuid.hex}/{path}")

    return get


def spiky(count, spike):
    values = [0.0] * count
    values[spike] = 9.0
    return values


def test_a_chart_is_thinned_and_keeps_the_spike(make_run, write, get):
    run = make_run()
    write(run, loss=spiky(5_000, 3_333))

    chart = get(run, "series?key=loss&max_points=100").json()["loss"]

    assert len(chart["steps"]) == len(chart["times"]) == len(chart["values"]) <= 100
    assert (chart["count"], chart["downsampled"]) == (5_000, True)
    assert chart["values"][chart["steps"].index(3_333)] == 9.0
    assert (chart["steps"][0], chart["steps"][-1]) == (0, 4_999)


def test_only_what_came_after_a_step(make_run, write, get):
    run = make_run()
    write(run, loss=[float(step) for step in range(10)])

    assert get(run, "series?key=loss&after_step=7").json()["loss"]["steps"] == [8, 9]
    assert get(run, "series?key=loss&after_step=9").json()["loss"]["steps"] == []


def test_raw_columns_are_bit_exact(make_run, get):
    from uuid import uuid4

    run = make_run()
    odd = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
    values = [math.inf, -0.0, odd, 5e-324]
    points = make_points([-(2**63), 0, 1, 2**63 - 1], [2**53 + 1, 1, 2, 3], values)
    services.write_batch(run=run, writer=uuid4(), sequence=1, metrics=[("odd", points)])

    for _ in range(2):
        response = get(run, "series/raw?key=odd")
        assert response.headers["Content-Type"] == "application/x-msgpack"
        columns = msgspec.msgpack.decode(response.content)["odd"]
        assert columns["steps"] == points.steps.tobytes()
        assert columns["times"] == points.times.tobytes()
        assert columns["values"] == points.values.tobytes()
        services.compact_run(run_id=run.pk)


def test_a_summary_merged_over_batches_equals_one_over_all(make_run, write):
    run = make_run()
    write(run, steps=[3, 1], loss=[2.0, math.nan])
    write(run, steps=[2, 0], loss=[-1.0, 7.0])
    write(run, steps=[3], loss=[math.nan])

    summary = selectors.metric_summaries(run)["loss"]

    assert (summary.count, summary.last, summary.last_step) == (5, None, 3)
    assert (summary.min, summary.min_step, summary.max, summary.max_step) == (-1.0, 2, 7.0, 0)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("series?key=nothing", 404, "no metric 'nothing'"),
        ("series/raw?key=nothing", 404, "no metric 'nothing'"),
        ("series", 422, "Name 1 to 100 metrics"),
        ("series?" + "&".join(f"key=m{i}" for i in range(101)), 422, "Name 1 to 100 metrics"),
        ("series?key=loss&max_points=3", 422, "max_points"),
        ("series?key=loss&max_points=many", 422, "max_points"),
        ("series?key=loss&after_step=soon", 422, "after_step"),
        ("series?key=loss&after_step=0&first_step=0", 422, "after_step"),
        ("series?key=loss&after_step=0&last_step=9", 422, "not for both"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_clearly(make_run, write, get, path, status, words):
    run = make_run()
    write(run, loss=[1.0])

    response = get(run, path)

    assert response.status_code == status
    assert words in response.content.decode()


def test_a_page_of_runs_takes_as_many_queries_as_one_run(make_run, write, django_assert_max_num_queries):
    runs = [make_run(params={"lr": i}, tags={"t": "x"}) for i in range(12)]
    for run in runs:
        write(run, loss=[1.0], acc=[0.5])
    listed = list(Run.objects.select_related("experiment", "parent", "environment").order_by("id"))

    with django_assert_max_num_queries(6):
        rows = selectors.run_rows(listed)

    assert [row.params["lr"] for row in rows] == list(range(12))
    assert all(set(row.metrics) == {"loss", "acc"} for row in rows)
