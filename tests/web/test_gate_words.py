"""What gates say of a metric's direction, how two versions compare, and signatures of any make as tables."""

import math
from types import SimpleNamespace

import pytest

from registry.policies import canonical_text
from web.comparing import signature_parts
from web.directions import Direction, direction_of, gated_metrics, questions_of, verdict
from web.gates import asked_by
from web.impacts import COLUMNS, Found, Impact, rows_of


def revision(*expressions, more=()):
    gates = [{"id": f"g{at}", "kind": "metric", "expr": text} for at, text in enumerate(expressions)] + list(more)
    return SimpleNamespace(text=canonical_text({"gate": gates}))


@pytest.mark.parametrize(
    ("expression", "key", "better"),
    [
        ("auc >= 0.9", "auc", "higher"),
        ("0.9 <= auc", "auc", "higher"),
        ("auc >= champion.auc - 0.002", "auc", "higher"),
        ("champion.auc - auc < 0.002", "auc", "higher"),
        ("p95 <= 120", "p95", "lower"),
        ("max(p95) < 120 and auc > 0.5", "p95", "lower"),
        ("max(p95) < 120 and auc > 0.5", "auc", "higher"),
        ("not p95 > 120", "p95", "lower"),
        ("score / 0 > 1", "score", None),
        ("weight == 3", "weight", None),
    ],
)
def test_a_gate_says_which_way_is_better_however_it_is_put(expression, key, better):
    found = direction_of(key, questions_of([revision(expression)]))
    by_gate = found if found is not None and found.source.startswith("gate") else None

    assert (by_gate.better if by_gate else None) == better


@pytest.mark.parametrize(
    ("key", "better"),
    [
        ("val_loss", "lower"), ("eval/rmse", "lower"), ("latency_ms", "lower"), ("accuracy", "higher"), ("f1", "higher"),
        ("test_auc", "higher"), ("accuracy_loss", None), ("epoch", None), ("gloss", None), ("mapping", None),
    ],
)  # fmt: skip
def test_without_a_gate_the_name_is_asked_and_may_say_nothing(key, better):
    found = direction_of(key, [])

    assert (found.better if found else None) == better


def test_a_gate_overrules_a_name():
    assert direction_of("loss", questions_of([revision("loss >= 3")])) == Direction("higher", "gate g0")


@pytest.mark.parametrize(
    ("value", "other", "direction", "said"),
    [
        (0.9, 0.8, Direction("higher", "x"), "better"),
        (0.9, 0.8, Direction("lower", "x"), "worse"),
        (0.8, 0.8, Direction("lower", "x"), "equal"),
        (0.9, 0.8, None, "differs"),
        (None, 0.8, Direction("lower", "x"), ""),
        (math.nan, 0.8, Direction("lower", "x"), ""),
        (math.inf, 0.8, Direction("lower", "x"), "worse"),
    ],
)
def test_a_verdict_needs_two_numbers_and_a_direction(value, other, direction, said):
    assert verdict(value, other, direction) == said


def test_the_metrics_that_gates_ask_about_are_named_once():
    questions = questions_of([revision("auc >= champion.auc", "auc > 0.5 and p95 < 9")])

    assert gated_metrics(questions) == ["auc", "p95"]


def test_a_policy_is_told_in_words():
    stage = {"id": "stage", "kind": "stage", "hours": 24}
    people = {"id": "people", "kind": "approval", "count": 2, "role": "maintainer"}
    words = {gate.id: gate.words for gate in asked_by(revision("auc > 1", more=[stage, people]))}

    assert words["people"] == "2 people of role maintainer or above approve"
    assert words["stage"] == "held the environment before for 24 h"


def names(part):
    return [(field.name, field.type, field.about) for field in part.fields]


def test_a_signature_as_mlflow_writes_it_becomes_tables():
    inputs = '[{"name": "age", "type": "double"}, {"name": "city", "type": "string", "required": false}]'
    outputs = '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]'
    first, second = signature_parts({"inputs": inputs, "outputs": outputs, "params": None})

    assert names(first) == [("age", "double", ""), ("city", "string", "optional")]
    assert names(second) == [("0", "tensor float32", "shape [-1,2]")]


def test_a_signature_of_names_and_types_becomes_a_table():
    [part] = signature_parts({"inputs": {"age": "double"}})

    assert names(part) == [("age", "double", "")]


@pytest.mark.parametrize(
    "signature", [[1, 2], "text", 7, {"inputs": "not json {"}, {"inputs": [1]}, {"other": {"a": 1}}]
)
def test_a_signature_of_any_other_make_is_shown_as_it_is(signature):
    [part] = signature_parts(signature)

    assert part.fields == ()
    assert part.raw


def test_no_signature_is_no_table():
    assert signature_parts(None) == []


def test_a_row_of_an_export_has_every_column():
    found = Found("run", "r", "k", "p", False, "/x", {}, 1)
    [row] = rows_of(Impact([found], False, 0), "https://o")

    assert tuple(row) == COLUMNS
    assert row["page"] == "https://o/x"
