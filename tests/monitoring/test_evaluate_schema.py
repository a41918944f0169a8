"""Columns that went, came or changed their type are facts, and always told."""

import numpy as np

from monitoring.engine import Limits, evaluate
from monitoring.profiles import merge
from tests.monitoring.building import build_profile
from tests.monitoring.worlds import judge, window_of

AGES = np.random.default_rng(0).normal(40, 12, 5_000).round(1)


def test_columns_that_went_came_or_changed_are_always_an_alarm():
    before = {"went": AGES, "changed": AGES, "stays": AGES}
    now = {"came": AGES[:100], "changed": np.array(["a"] * 100, object), "stays": AGES[:100]}

    found = judge(before, now)

    assert found.state == "critical"
    assert [(each.column, each.kind, each.state) for each in found.schema] == [
        ("went", "dropped", "critical"),
        ("changed", "type_changed", "critical"),
        ("came", "added", "warn"),
    ]
    assert found.schema[0].message == "went: the feature is in the baseline (f64) and not in the window."
    assert found.schema[1].message == "changed: the type was f64 (number) and is now utf8 (text)."
    assert (found.schema[1].before, found.schema[1].after) == ("f64", "utf8")
    assert [each.column for each in found.columns] == ["stays"]


def test_schema_needs_no_rows_to_speak_of_but_some():
    assert judge({"a": AGES, "b": AGES}, {"a": AGES[:3]}).state == "critical"
    assert judge({"a": AGES, "b": AGES}, {}).state == "not_enough_data"


def test_values_of_several_types_in_one_window_are_said():
    baseline = build_profile({"x": AGES})
    mixed = merge(window_of({"x": AGES[:50]}, baseline), window_of({"x": np.array(["a"] * 50, object)}, baseline))

    found = evaluate(baseline=baseline, window=mixed, limits=Limits())

    assert found.schema[0].message == "x: the type was f64 (number) and is now values of several types."


def test_whole_numbers_that_became_floats_are_a_note():
    found = judge({"n": np.arange(2_000)}, {"n": np.arange(2_000.0)})

    assert (found.state, found.schema) == ("ok", ())
    assert "n: the type was i64 and is now f64; both are compared as number." in found.notes


def test_labels_and_predictions_may_come_later():
    """A baseline of training data has no predictions, and labels follow weeks after: neither is an alarm."""
    roles = {"y": "label", "score": "prediction"}

    found = judge({"x": AGES, "y": AGES}, {"x": AGES[:100], "score": AGES[:100]}, roles=roles)

    assert found.schema == ()
    assert "score: the baseline has no predictions, so their drift is not judged." in found.notes
    back = judge({"x": AGES, "score": AGES}, {"x": AGES[:100]}, roles=roles)
    assert [(each.kind, each.state) for each in back.schema] == [("dropped", "warn")]
