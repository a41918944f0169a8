"""Does the model still do what it did? Late labels, estimates meanwhile, and noise that is no alarm."""

import numpy as np
import pytest
from scipy.stats import norm

from monitoring.engine import Limits, evaluate
from monitoring.profiles import Profile, key_id, merge
from monitoring.profiles.hashing import DEFAULT_KEY
from tests.monitoring.building import build_classification, build_regression


def outcomes(rows: int, *, skill: float, seed: int):
    """Truth, and scores of a model that tells the classes apart by `skill` standard deviations."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.4).astype(int)
    return truth, norm.cdf(rng.normal(size=rows) + skill * (truth - 0.5))


def model(rows: int, *, skill: float = 3.0, seed: int = 0, labelled: float = 1.0):
    truth, scores = outcomes(rows, skill=skill, seed=seed)
    known = int(rows * labelled)
    return build_classification(truth[:known], (scores > 0.5).astype(int), scores, classes=("0", "1"))


def of(performance) -> Profile:
    return Profile("standard", key_id(DEFAULT_KEY), 0, performance=performance)


def judged(before, now, **limits):
    return evaluate(baseline=of(before), window=of(now), limits=Limits(**limits)).performance


def test_a_model_that_holds_is_said_to_hold():
    found = judged(model(5_000), model(1_000, seed=1))

    assert (found.state, found.coverage, found.estimate) == ("ok", 1.0, None)
    assert found.message.startswith("Performance held: accuracy was 0.9")
    accuracy = found.metrics["accuracy"]
    assert accuracy["low"] < accuracy["current"] < accuracy["high"]
    assert set(found.metrics) == {"accuracy", "auc", "log_loss"}
    assert found.metrics["log_loss"]["low"] is None


def test_a_model_that_fell_is_an_alarm():
    found = evaluate(baseline=of(model(5_000)), window=of(model(1_000, skill=1.0, seed=1)), limits=Limits())

    assert (found.state, found.performance.state) == ("critical", "critical")
    assert found.performance.message.startswith("Performance fell: accuracy was 0.9")


def test_noise_is_no_alarm():
    """200 windows of 100 labelled rows: accuracy scatters by 3 points, and hardly any is called a fall."""
    baseline = model(2_000)

    states = [judged(baseline, model(100, seed=seed)).state for seed in range(1, 201)]

    assert states.count("ok") >= 196


def test_a_fall_that_is_certain_and_too_small_to_matter_is_no_alarm():
    found = judged(model(200_000, skill=3.0), model(200_000, skill=2.95, seed=1))

    assert found.state == "ok"


def test_too_few_labels_give_no_verdict_but_an_estimate():
    baseline = model(5_000)

    found = judged(baseline, model(1_000, seed=1, labelled=0.12))

    truth, scores = outcomes(1_000, skill=3.0, seed=1)
    assert (found.state, found.coverage, found.labelled) == ("not_enough_data", 0.12, 120)
    assert found.estimate["accuracy"] == pytest.approx(np.mean((scores > 0.5) == truth), abs=0.03)
    assert (
        "Labels are known for 12 % of 1,000 predictions, too few for a verdict; estimate from the scores: "
        in found.message
    )


def test_labels_without_predictions_wait_for_them():
    late = build_classification([0, 1] * 50, [0, 1] * 50, late=True)

    found = judged(model(5_000), late)

    assert (found.state, found.coverage) == ("not_enough_data", None)
    assert found.message == "100 labels came for predictions that this window has not counted: no verdict."


def test_labels_that_come_late_make_the_verdict():
    truth, scores = outcomes(1_000, skill=1.0, seed=1)
    predicted = (scores > 0.5).astype(int)
    first = of(build_classification(None, predicted, scores))
    labels = of(build_classification(truth, predicted, scores, late=True))

    waiting = evaluate(baseline=of(model(5_000)), window=first, limits=Limits())
    known = evaluate(baseline=of(model(5_000)), window=merge(first, labels), limits=Limits())

    assert (waiting.performance.state, known.performance.state) == ("not_enough_data", "critical")


def test_a_baseline_without_performance_compares_with_nothing():
    found = judged(None, model(1_000))

    assert found.state == "no_reference"
    assert found.message.startswith("The baseline has no performance to compare with; accuracy is 0.9")
    assert found.metrics["accuracy"]["baseline"] is None
    assert judged(build_regression(np.arange(50.0), np.arange(50.0)), model(1_000)).state == "no_reference"


def test_windows_without_predictions_have_no_performance():
    assert judged(model(1_000), None) is None


def regression(rows: int, noise: float, seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.normal(100, 20, rows)
    return build_regression(truth, truth + rng.normal(0, noise, rows))


def test_errors_that_grew_are_an_alarm():
    baseline = regression(5_000, 5, 0)

    assert judged(baseline, regression(500, 5, 1)).state == "ok"
    assert judged(baseline, regression(500, 5.8, 1)).state == "warn"
    grown = judged(baseline, regression(500, 9, 1))
    assert grown.state == "critical"
    assert grown.message.startswith("Performance fell: mean absolute error was 3.9")
    assert set(grown.metrics) == {"mae", "rmse", "bias", "r2"}


def test_a_perfect_baseline_can_only_be_fallen_from():
    perfect = build_regression(np.arange(50.0), np.arange(50.0))

    assert judged(perfect, perfect).state == "ok"
    assert judged(perfect, regression(500, 1, 0)).state == "critical"


def test_smaller_errors_are_no_alarm():
    assert judged(regression(5_000, 5, 0), regression(500, 2, 1)).state == "ok"
    assert judged(model(5_000, skill=2.0), model(1_000, skill=4.0, seed=1)).state == "ok"


def test_many_classes_are_judged_by_accuracy():
    rng = np.random.default_rng(0)
    truth = rng.choice(list("abc"), 3_000)
    good = np.where(rng.random(3_000) < 0.9, truth, "a")
    poor = np.where(rng.random(3_000) < 0.6, truth, "a")

    found = judged(build_classification(truth, good), build_classification(truth, poor))

    assert (found.state, list(found.metrics)) == ("critical", ["accuracy"])
