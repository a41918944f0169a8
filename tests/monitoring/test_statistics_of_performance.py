"""How a model did, from sums alone, with scikit-learn on the rows as the judge."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from monitoring.statistics import (
    accuracy,
    auc,
    bias,
    estimate,
    log_loss,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)
from tests.monitoring.building import build_classification, build_regression


@pytest.fixture(scope="module")
def cancer():
    """A model, and its scores on rows it has not seen: truth, scores of the second class, rows."""
    data = load_breast_cancer()
    train_x, rows, train_y, truth = train_test_split(data.data[:, :6], data.target, test_size=0.6, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y)
    return truth, model.predict_proba(rows)[:, 1]


def test_classification_measures_are_those_of_the_rows(cancer):
    truth, scores = cancer
    performance = build_classification(truth, (scores > 0.5).astype(int), scores)

    assert accuracy(performance).value == metrics.accuracy_score(truth, scores > 0.5)
    assert log_loss(performance) == pytest.approx(metrics.log_loss(truth, scores))
    area = auc(performance.scores["1"])
    assert abs(area.value - metrics.roc_auc_score(truth, scores)) <= area.bound < 0.001


def test_the_error_of_auc_is_the_scatter_of_resampled_ones():
    rng = np.random.default_rng(0)
    areas, errors = [], []
    for _ in range(200):
        truth = rng.random(300) < 0.4
        found = auc(build_classification(truth, truth, norm.cdf(rng.normal(size=300) + truth)).scores["True"])
        areas.append(found.value)
        errors.append(found.error)

    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.15)


def test_ties_count_half():
    area = auc(build_classification([0, 0, 1, 1], [0, 0, 1, 1], np.full(4, 0.3)).scores["1"])

    assert (area.value, area.bound) == (0.5, 0.5)


def test_nothing_is_measured_without_labels():
    unlabelled = build_classification(None, [0, 1], np.array([0.2, 0.8]))
    one_kind = build_classification([1, 1], [0, 1], np.array([0.2, 0.8]))

    assert (
        accuracy(unlabelled) is log_loss(unlabelled) is auc(unlabelled.scores["1"]) is auc(one_kind.scores["1"]) is None
    )
    empty = build_regression(np.empty(0), np.empty(0))
    assert {mean_absolute_error(empty), root_mean_squared_error(empty), bias(empty), r_squared(empty)} == {None}


def test_the_error_of_a_perfect_model_is_not_nothing():
    """All of 20 rows right does not mean that all rows are: the interval of Agresti and Caffo stays open."""
    found = accuracy(build_classification([0, 1] * 10, [0, 1] * 10))

    assert found.value == 1
    assert 0.03 < found.error < 0.1


def test_regression_measures_are_those_of_the_rows():
    rng = np.random.default_rng(0)
    truth = rng.normal(10, 3, 500)
    predicted = truth + rng.normal(0.5, 1, 500)
    performance = build_regression(truth, predicted)

    assert mean_absolute_error(performance).value == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert mean_absolute_error(performance).error == pytest.approx(abs(predicted - truth).std(ddof=1) / np.sqrt(500))
    assert root_mean_squared_error(performance) == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    assert bias(performance) == pytest.approx((predicted - truth).mean())
    assert r_squared(performance) == pytest.approx(metrics.r2_score(truth, predicted))


def test_a_target_that_does_not_vary_has_no_r_squared_and_infinite_sums_no_measures():
    assert r_squared(build_regression(np.ones(5), np.arange(5.0))) is None
    infinite = build_regression(np.array([1.0, 2.0]), np.array([np.inf, 2.0]))
    assert {mean_absolute_error(infinite), root_mean_squared_error(infinite), bias(infinite), r_squared(infinite)} == {
        None
    }


def test_accuracy_is_estimated_before_labels_come():
    """Breast cancer, 30 splits: the mean error is that of counting 200 rows twice (0.020), and harder rows are seen to be harder."""
    data = load_breast_cancer()
    errors, moves = [], []
    for seed in range(30):
        train_x, rows, train_y, truth = train_test_split(
            data.data[:, :6], data.target, test_size=0.7, random_state=seed
        )
        scores = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y).predict_proba(rows)[:, 1]
        reference = build_classification(truth[:200], (scores[:200] > 0.5).astype(int), scores[:200])
        late, late_scores = truth[200:], scores[200:]
        window = build_classification(None, (late_scores > 0.5).astype(int), late_scores)
        errors.append(abs(estimate(reference, window).accuracy - np.mean((late_scores > 0.5) == late)))
        unsure = abs(late_scores - 0.5) < 0.4
        hard = build_classification(None, (late_scores[unsure] > 0.5).astype(int), late_scores[unsure])
        moves.append(estimate(reference, window).accuracy - estimate(reference, hard).accuracy)

    assert np.mean(errors) < 0.023
    assert min(moves) > 0


def test_auc_is_estimated_too(cancer):
    truth, scores = cancer
    reference = build_classification(truth[:170], (scores[:170] > 0.5).astype(int), scores[:170])
    window = build_classification(None, (scores[170:] > 0.5).astype(int), scores[170:])

    assert estimate(reference, window).auc == pytest.approx(metrics.roc_auc_score(truth[170:], scores[170:]), abs=0.03)


@pytest.mark.slow
def test_of_many_classes_only_auc_is_estimated():
    data = load_digits()
    train_x, rows, train_y, truth = train_test_split(data.data, data.target, test_size=0.7, random_state=0)
    model = LogisticRegression(max_iter=5_000).fit(train_x[:, 2::5], train_y)
    scores, predicted = model.predict_proba(rows[:, 2::5]), model.predict(rows[:, 2::5])
    reference = build_classification(truth[:600], predicted[:600], scores[:600])

    found = estimate(reference, build_classification(None, predicted[600:], scores[600:]))

    assert found.accuracy is None
    assert found.auc == pytest.approx(metrics.roc_auc_score(truth[600:], scores[600:], multi_class="ovr"), abs=0.02)


def test_without_scores_there_is_no_estimate(cancer):
    truth, scores = cancer
    labelled = build_classification(truth, (scores > 0.5).astype(int), scores)
    plain = build_classification(truth, (scores > 0.5).astype(int))
    unlabelled = build_classification(None, (scores > 0.5).astype(int), scores)

    for reference, window in ((plain, labelled), (labelled, plain), (unlabelled, labelled)):
        assert estimate(reference, window) == (None, None)
