"""Whatever a column holds, there is a defined result: never an exception, never NaN, and no alarm without a reason."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.engine import Limits, evaluate
from monitoring.profiles import Profile
from tests.monitoring.building import build_profile
from tests.monitoring.worlds import judge, window_of

ROWS = 200
RNG = np.random.default_rng(0)
COLUMNS = {
    "all null": [None] * ROWS,
    "all NaN": np.full(ROWS, np.nan),
    "constant": np.full(ROWS, 3.5),
    "all distinct": RNG.normal(size=ROWS),
    "infinite": np.where(RNG.random(ROWS) < 0.2, np.inf, RNG.normal(size=ROWS)),
    "all infinite": np.full(ROWS, -np.inf),
    "NaN among numbers": np.where(RNG.random(ROWS) < 0.2, np.nan, RNG.normal(size=ROWS)),
    "zeros of both signs": np.where(RNG.random(ROWS) < 0.5, -0.0, 0.0),
    "bool": RNG.random(ROWS) < 0.5,
    "all true": np.ones(ROWS, bool),
    "huge": RNG.choice([1.7e308, -1.7e308], ROWS),
    "tiny": RNG.normal(size=ROWS) * 5e-324,
    "texts": np.array([f"t{i}" for i in range(ROWS)], object),
    "one text": np.array(["same"] * ROWS, object),
    "empty texts": np.array([""] * ROWS, object),
    "dates": np.arange(ROWS).astype("datetime64[D]"),
    "heavy tail": RNG.pareto(0.5, ROWS),
    "nearly constant": np.append(np.zeros(ROWS - 1), 1.0),
}


def numbers_in(value):
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from numbers_in(each)
    elif isinstance(value, float):
        yield value


def check(evaluation) -> None:
    document = evaluation.to_json()
    json.dumps(document, allow_nan=False)
    assert all(map(math.isfinite, numbers_in(document)))
    assert evaluation.state in ("ok", "warn", "critical", "not_enough_data")
    for verdict in evaluation.columns:
        assert verdict.message.startswith(f"{verdict.column}: ")
        assert verdict.message.endswith(".")
        assert "nan" not in verdict.message.replace(verdict.column, "").lower()


@pytest.mark.parametrize("privacy", ["standard", "strict"])
@pytest.mark.parametrize("pin", [True, False])
@pytest.mark.parametrize("before", COLUMNS)
def test_any_column_meets_any_other(before, privacy, pin):
    limits = Limits(judge_dates=True)
    for now in COLUMNS.values():
        check(judge({"x": COLUMNS[before]}, {"x": now}, privacy=privacy, pin=pin, limits=limits))


@pytest.mark.parametrize("privacy", ["standard", "strict"])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_does_not_drift_from_itself(name, privacy):
    found = judge({name: COLUMNS[name]}, {name: COLUMNS[name]}, privacy=privacy, limits=Limits(judge_dates=True))

    assert found.state in ("ok", "not_enough_data")


@pytest.mark.parametrize("rows", [0, 1, 29])
def test_small_windows_have_no_verdict(rows):
    window = {name: values[:rows] for name, values in COLUMNS.items()}

    found = judge(COLUMNS, window)

    check(found)
    assert {verdict.state for verdict in found.columns if verdict.kind == "drift"} <= {
        "not_enough_data",
        "no_reference",
        "ok",
    }
    assert not [verdict for verdict in found.columns if verdict.state in ("warn", "critical")]


def test_an_empty_baseline_compares_with_nothing():
    found = judge({name: values[:0] for name, values in COLUMNS.items()}, COLUMNS)

    check(found)
    assert {verdict.state for verdict in found.columns if verdict.kind == "drift"} == {"no_reference"}


def test_profiles_of_nothing_meet():
    nothing = Profile("standard", build_profile({}).key, 0)

    found = evaluate(baseline=nothing, window=nothing, limits=Limits())

    check(found)
    assert (found.state, found.notes) == ("not_enough_data", ("The window has no rows.",))


@pytest.mark.parametrize("name", COLUMNS)
def test_windows_of_any_column_calibrate(name):
    baseline = build_profile({"x": COLUMNS[name]})
    windows = [window_of({"x": COLUMNS[name]}, baseline) for _ in range(14)]

    check(evaluate(baseline=baseline, window=windows[0], limits=Limits(), reference_windows=windows))


anything = st.lists(
    st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, 1.0, 1e308, -1e308, 5e-324])),
    min_size=1,
    max_size=120,
)


@given(anything, anything, st.sampled_from(["standard", "strict"]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_numbers_have_a_result(before, now, privacy, pin):
    check(judge({"x": before}, {"x": now}, privacy=privacy, pin=pin, limits=Limits(least_rows=1)))
