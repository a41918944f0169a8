"""Statistics of drift: plain functions on counts and column profiles, each with its source."""

from monitoring.statistics.categories import NewCategories, new_categories, unseen_share
from monitoring.statistics.counts import chi_square, js_distance, l_infinity, psi, psi_limit
from monitoring.statistics.embeddings import embedding_distance, embedding_test
from monitoring.statistics.outcome import Outcome
from monitoring.statistics.performance import (
    Auc,
    Estimate,
    Measured,
    accuracy,
    auc,
    bias,
    estimate,
    log_loss,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)
from monitoring.statistics.proportions import compare_shares, fisher_exact, two_proportion_z
from monitoring.statistics.repeated import (
    LEAST_WINDOWS,
    benjamini_hochberg,
    calibrated,
    cusum_step,
    window_calibrated,
)
from monitoring.statistics.samples import SKETCH_ERROR, ks, wasserstein

__all__ = [
    "LEAST_WINDOWS",
    "SKETCH_ERROR",
    "Auc",
    "Estimate",
    "Measured",
    "NewCategories",
    "Outcome",
    "accuracy",
    "auc",
    "benjamini_hochberg",
    "bias",
    "calibrated",
    "chi_square",
    "compare_shares",
    "cusum_step",
    "embedding_distance",
    "embedding_test",
    "estimate",
    "fisher_exact",
    "js_distance",
    "ks",
    "l_infinity",
    "log_loss",
    "mean_absolute_error",
    "new_categories",
    "psi",
    "psi_limit",
    "r_squared",
    "root_mean_squared_error",
    "two_proportion_z",
    "unseen_share",
    "wasserstein",
    "window_calibrated",
]
