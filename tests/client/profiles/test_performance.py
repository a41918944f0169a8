"""How good predictions were: the counts and sums are those of scikit-learn on the rows themselves, in one pass or in parts."""

from functools import reduce

import lineal
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from lineal._profiles.making import late_labels
from sklearn import metrics

ROWS = 3_000
RNG = np.random.default_rng(0)
SCORES = RNG.random(ROWS)
LABELS = (RNG.random(ROWS) < SCORES).astype(np.int64)
PREDICTIONS = (SCORES > 0.5).astype(np.int64)
FEATURES = {"x": RNG.normal(size=ROWS)}


def performance(table=FEATURES, **options):
    return lineal.profile(table, **options).performance


def merge(parts):
    return reduce(lambda one, two: one.merge(two), parts)


# -- classes ----------------------------------------------------------------------------------------------------------


def test_the_confusion_matrix_and_log_loss_are_scikit_learn_s():
    found = performance(predictions=PREDICTIONS, labels=LABELS, scores=SCORES)

    assert (found.kind, found.predicted, found.labelled, found.scored) == ("classification", ROWS, ROWS, ROWS)
    assert found.classes == ("0", "1")
    assert found.confusion.tolist() == metrics.confusion_matrix(LABELS, PREDICTIONS).tolist()
    assert found.log_loss == pytest.approx(metrics.log_loss(LABELS, SCORES, normalize=False))


def auc(scores):
    """From the bins: a pair in one bin counts half."""
    below = np.concatenate(([0], np.cumsum(scores.miss)[:-1]))
    return float(np.sum(scores.hit * (below + scores.miss / 2)) / (scores.hit.sum() * scores.miss.sum()))


def test_the_area_under_the_curve_is_near_scikit_learn_s():
    found = performance(predictions=PREDICTIONS, labels=LABELS, scores=SCORES)

    assert list(found.scores) == ["1"]
    assert auc(found.scores["1"]) == pytest.approx(metrics.roc_auc_score(LABELS, SCORES), abs=0.00035)
    assert int(found.scores["1"].all.sum()) == ROWS


def test_scores_lie_in_equal_bins():
    scores = [0.0, 0.0009, 0.001, 0.5, 0.9999, 1.0]

    found = performance(
        {"x": np.zeros(6)}, predictions=[0, 0, 0, 1, 1, 1], labels=[0, 1, 0, 1, 1, None], scores=scores
    ).scores["1"]

    assert np.flatnonzero(found.all).tolist() == [0, 1, 500, 999]
    assert (found.all[0], found.all[999], found.hit[999], found.miss[0], found.hit[0]) == (2, 2, 1, 1, 1)


def test_parts_have_the_performance_of_the_whole():
    whole = lineal.profile(FEATURES, predictions=PREDICTIONS, labels=LABELS, scores=SCORES)
    parts = [
        lineal.profile({"x": FEATURES["x"][at]}, predictions=PREDICTIONS[at], labels=LABELS[at], scores=SCORES[at])
        for at in np.array_split(np.arange(ROWS), 7)
    ]

    merged = merge(parts).performance

    document, expected = merged.to_json(), whole.performance.to_json()
    assert document.pop("log_loss") == pytest.approx(expected.pop("log_loss"))
    assert document == expected


def test_a_part_that_lacks_a_class_meets_the_others():
    one = lineal.profile(None, predictions=["cat", "cat"], labels=["cat", "cat"])
    two = lineal.profile(None, predictions=["ant", "dog"], labels=["cat", "dog"])

    for merged in (one.merge(two).performance, two.merge(one).performance):
        assert merged.classes == ("ant", "cat", "dog")
        assert merged.confusion.tolist() == [[0, 0, 0], [1, 2, 0], [0, 0, 1]]


def test_three_classes_keep_the_scores_of_each():
    rng = np.random.default_rng(1)
    scores = rng.dirichlet(np.ones(3), 500)
    labels = rng.integers(0, 3, 500)

    found = performance({"x": np.zeros(500)}, predictions=scores.argmax(axis=1), labels=labels, scores=scores)

    assert list(found.scores) == ["0", "1", "2"]
    assert found.log_loss == pytest.approx(metrics.log_loss(labels, scores, normalize=False))
    for place, name in enumerate(found.scores):
        assert auc(found.scores[name]) == pytest.approx(
            metrics.roc_auc_score(labels == place, scores[:, place]), abs=0.0005
        )


SCORED = {
    "one array": SCORES,
    "a series": pd.Series(SCORES),
    "an array for each class": np.column_stack((1 - SCORES, SCORES)),
    "by class": {0: 1 - SCORES, 1: SCORES},
    "by class as text": {"1": SCORES},
    "a frame": pd.DataFrame({"0": 1 - SCORES, "1": SCORES}),
    "single precision": SCORES.astype(np.float32),
}


@pytest.mark.parametrize("given", SCORED)
def test_scores_in_any_form_are_those_of_the_second_class(given):
    found = performance(predictions=PREDICTIONS, labels=LABELS, scores=SCORED[given])

    assert list(found.scores) == ["1"]
    assert found.log_loss == pytest.approx(metrics.log_loss(LABELS, SCORES, normalize=False), rel=1e-5)
    assert auc(found.scores["1"]) == pytest.approx(metrics.roc_auc_score(LABELS, SCORES), abs=0.0005)


def test_labels_that_are_missing_are_not_known_yet():
    labels = pd.Series(LABELS, dtype="Int64").mask(np.arange(ROWS) % 3 == 0)
    known = np.arange(ROWS) % 3 != 0

    for given in (labels, np.where(known, LABELS, np.nan), pa.array(LABELS, mask=~known)):
        found = performance(predictions=PREDICTIONS, labels=given, scores=SCORES)

        assert (found.predicted, found.labelled, found.scored) == (ROWS, known.sum(), known.sum())
        assert found.classes == ("0", "1")
        assert found.confusion.tolist() == metrics.confusion_matrix(LABELS[known], PREDICTIONS[known]).tolist()


def test_late_labels_complete_what_was_counted_before():
    """First the predictions of the day, then their outcomes: together as if they had been known at once."""
    first = lineal.profile(FEATURES, predictions=PREDICTIONS, scores=SCORES)
    late = late_labels(PREDICTIONS, LABELS, SCORES)
    at_once = lineal.profile(None, predictions=PREDICTIONS, labels=LABELS, scores=SCORES).performance

    assert (late.rows, late.performance.predicted, int(late.performance.scores["1"].all.sum())) == (0, 0, 0)
    assert first.merge(late).performance.to_json() == at_once.to_json()
    assert first.merge(late).rows == ROWS


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([True, False], ("0", "1")),
        ([1.0, 0.0], ("0", "1")),
        ([3, 11], ("11", "3")),
        (pd.Categorical(["b", "a"]), ("a", "b")),
        (pa.array([b"b", b"a"]), ("a", "b")),
    ],
)
def test_classes_are_texts_in_order(values, classes):
    assert performance(None, predictions=values, labels=values).classes == classes


def test_an_impossible_class_costs_no_more_than_a_bound():
    found = performance(None, predictions=[0, 1], labels=[1, 1], scores=[0.0, 1.0])

    assert found.log_loss == pytest.approx(-np.log(1e-15))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scores": SCORES * 3}, "probabilities between 0 and 1"),
        ({"scores": ["a"] * ROWS}, "numbers are expected"),
        ({"scores": np.zeros((ROWS, 2, 2))}, "3 dimensions"),
        ({"scores": SCORES[:-1]}, "2999 rows beside 3000"),
        ({"scores": SCORES, "task": "regression"}, "a regression has none"),
        ({"task": "ranking"}, "'classification' or 'regression'"),
        ({"predictions": "absent"}, "there is no column 'absent'"),
        ({"labels": "absent"}, "there is no column 'absent'"),
        ({"labels": "x", "label_column": "y"}, "name one"),
        ({"predictions": np.arange(ROWS), "task": "classification"}, "more than 256 classes"),
        ({"predictions": ["a"] * ROWS, "task": "regression"}, "numbers are expected"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(options, words):
    with pytest.raises(ValueError, match=words):
        performance(**{"predictions": PREDICTIONS, "labels": LABELS, **options})


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_sums_of_errors_are_those_of_the_rows():
    rng = np.random.default_rng(2)
    actual, predicted = rng.normal(5, 2, ROWS), rng.normal(5, 2, ROWS)

    found = performance(predictions=predicted, labels=actual)

    assert (found.kind, found.labelled) == ("regression", ROWS)
    assert found.squared / ROWS == pytest.approx(metrics.mean_squared_error(actual, predicted))
    assert found.absolute / ROWS == pytest.approx(metrics.mean_absolute_error(actual, predicted))
    assert found.error / ROWS == pytest.approx((predicted - actual).mean())
    assert 1 - found.squared / (found.y2 - found.y**2 / ROWS) == pytest.approx(metrics.r2_score(actual, predicted))


def test_errors_that_are_no_numbers_are_left_out():
    found = performance(None, predictions=[1.5, np.inf, 2.5, np.nan], labels=[1.0, 1.0, np.nan, 1.0])

    assert (found.predicted, found.labelled, found.error, found.absolute) == (3, 1, 0.5, 0.5)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(ROWS) / 7, "regression"),
        (np.arange(ROWS), "regression"),
        (np.arange(ROWS) % 64, "classification"),
        (np.arange(ROWS) % 2 * 1.0, "classification"),
        ([str(n % 3) for n in range(ROWS)], "classification"),
    ],
)
def test_what_is_predicted_is_seen_from_the_values(values, kind):
    assert performance(predictions=values, labels=values).kind == kind


def test_a_batch_over_a_reference_is_what_the_baseline_was():
    """Ten whole predictions of a regression look like classes; the reference knows better."""
    baseline = lineal.profile(FEATURES, predictions=np.arange(ROWS) / 4, labels=np.arange(ROWS) / 4)
    batch = {"x": FEATURES["x"][:10]}

    found = lineal.profile(batch, baseline.reference(), predictions=np.arange(10.0), labels=np.arange(10.0))

    assert found.performance.kind == "regression"
    assert (
        lineal.profile(batch, predictions=np.arange(10.0), labels=np.arange(10.0)).performance.kind == "classification"
    )


def test_classes_and_numbers_do_not_merge():
    one = lineal.profile(None, predictions=["a"], labels=["a"])
    two = lineal.profile(None, predictions=[0.5], labels=[0.25])

    with pytest.raises(lineal.IncompatibleProfiles, match="classification, of the other regression"):
        one.merge(two)


def test_more_classes_together_than_are_counted_do_not_merge():
    parts = [lineal.profile(None, predictions=[f"{side}{k}" for k in range(200)]) for side in "ab"]

    with pytest.raises(lineal.IncompatibleProfiles, match="400 classes"):
        parts[0].merge(parts[1])


# -- columns ----------------------------------------------------------------------------------------------------------


def test_predictions_and_labels_are_columns_with_a_role():
    found = lineal.profile(FEATURES, predictions=PREDICTIONS, labels=LABELS, scores=SCORES)

    assert {name: column.role for name, column in found.columns.items()} == {
        "x": "feature",
        "prediction": "prediction",
        "label": "label",
    }


def test_columns_of_the_table_are_named_instead():
    table = pa.table({"x": FEATURES["x"], "said": PREDICTIONS, "was": LABELS, "p": SCORES})

    named = lineal.profile(table, predictions="said", labels="was", scores="p")
    streamed = lineal.profile(
        iter(table.to_batches(max_chunksize=500)), predictions="said", label_column="was", scores={"1": "p"}
    )

    assert {name: column.role for name, column in named.columns.items()} == {
        "x": "feature",
        "said": "prediction",
        "was": "label",
        "p": "prediction",
    }
    assert named.performance.to_json() == performance(predictions=PREDICTIONS, labels=LABELS, scores=SCORES).to_json()
    assert streamed.performance.to_json() == named.performance.to_json()


def test_a_label_alone_has_a_role_and_no_performance():
    found = lineal.profile({"x": [1.0], "y": [1]}, label_column="y")

    assert (found.columns["y"].role, found.performance) == ("label", None)


def test_arrays_beside_a_stream_are_refused():
    with pytest.raises(TypeError, match="name columns of it"):
        lineal.profile(iter([pa.table(FEATURES)]), predictions=PREDICTIONS)


def test_an_array_does_not_take_the_name_of_a_column():
    with pytest.raises(ValueError, match="a column 'prediction' already"):
        lineal.profile({"prediction": [1]}, predictions=[1])
