"""Embeddings are summed up over random directions that everybody draws alike: distances of the sums are distances of the sets."""

import lineal
import numpy as np
import pyarrow as pa
import pytest
from lineal._profiles.embeddings import median_distance
from lineal._profiles.reference import Projection
from scipy.spatial.distance import pdist
from sklearn import datasets

DIGITS = datasets.load_digits().data
HALVES = DIGITS[::2], DIGITS[1::2]


def embedding(rows, reference=None, **options):
    return lineal.profile({"x": np.zeros(len(rows))}, reference, embeddings=rows, **options).embeddings["embedding"]


def distance(one, two):
    """Squared distance of the mean features: an estimate of the maximum mean discrepancy."""
    means = [np.concatenate((each.cos, each.sin)) / each.n for each in (one, two)]
    return float(np.sum((means[0] - means[1]) ** 2) / 256)


def test_sums_are_those_of_the_formula():
    rows = DIGITS[:50]
    found = embedding(rows)

    directions = np.random.Generator(np.random.PCG64(7)).standard_normal((256, 64)) / np.median(pdist(rows))
    assert (found.n, found.projection.dim, found.projection.seed) == (50, 64, 7)
    assert found.projection.sigma == pytest.approx(np.median(pdist(rows)))
    assert found.cos == pytest.approx(np.cos(rows @ directions.T).sum(axis=0))
    assert found.sin == pytest.approx(np.sin(rows @ directions.T).sum(axis=0))


def test_another_set_is_further_away_than_another_half():
    reference = lineal.profile(None, predictions=np.zeros(len(HALVES[0])), embeddings=HALVES[0]).reference()
    baseline, same, noisy = (
        embedding(rows, reference)
        for rows in (*HALVES, HALVES[1] + np.random.default_rng(0).normal(0, 3, HALVES[1].shape))
    )

    assert distance(baseline, noisy) > 5 * distance(baseline, same)


def exact_discrepancy(one, two, sigma):
    def kernel(a, b):
        return np.exp(-(np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None] - 2 * a @ b.T) / (2 * sigma**2)).mean()

    return kernel(one, one) + kernel(two, two) - 2 * kernel(one, two)


def test_distances_track_the_exact_discrepancy():
    rng = np.random.default_rng(0)
    reference = lineal.profile(None, predictions=np.zeros(len(HALVES[0])), embeddings=HALVES[0]).reference()
    baseline = embedding(HALVES[0], reference)
    sets = [
        HALVES[1] * scale + rng.normal(0, noise, HALVES[1].shape) for scale in (1.0, 0.9, 0.7) for noise in (0.5, 2, 4)
    ]

    ours = [distance(baseline, embedding(rows, reference)) for rows in sets]
    exact = [exact_discrepancy(HALVES[0], rows, baseline.projection.sigma) for rows in sets]

    assert np.corrcoef(ours, exact)[0, 1] > 0.97


def test_parts_have_the_sums_of_the_whole():
    reference = lineal.profile(None, predictions=np.zeros(len(DIGITS)), embeddings=DIGITS).reference()
    profiles = [
        lineal.profile({"x": np.zeros(len(rows))}, reference, embeddings=rows) for rows in (DIGITS[:700], DIGITS[700:])
    ]

    merged, whole = profiles[0].merge(profiles[1]).embeddings["embedding"], embedding(DIGITS, reference)

    assert merged.n == whole.n
    assert merged.cos == pytest.approx(whole.cos)
    assert merged.sin == pytest.approx(whole.sin)


def test_other_projections_do_not_merge():
    one = lineal.profile({"x": np.zeros(50)}, embeddings=DIGITS[:50])
    two = lineal.profile({"x": np.zeros(50)}, embeddings=DIGITS[50:100])

    assert one.embeddings["embedding"].projection != two.embeddings["embedding"].projection
    assert one.merge(two).embeddings == {}


FORMS = {
    "an array": lambda rows: rows,
    "by name": lambda rows: {"embedding": rows},
    "lists": lambda rows: rows.tolist(),
    "single precision": lambda rows: rows.astype(np.float32),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_come_in_many_forms(form):
    found = lineal.profile({"x": np.zeros(60)}, embeddings=FORMS[form](DIGITS[:60])).embeddings["embedding"]

    assert found.cos == pytest.approx(embedding(DIGITS[:60]).cos)


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 64), pa.large_list(pa.float64())])
def test_columns_of_lists_are_named(kind):
    table = pa.table({"x": np.zeros(60), "pixels": pa.array(DIGITS[:60].tolist(), kind)})

    found = lineal.profile(iter(table.to_batches(max_chunksize=25)), embeddings="pixels")

    assert found.columns["pixels"].family == "other"
    assert found.embeddings["pixels"].cos == pytest.approx(embedding(DIGITS[:60]).cos)


def test_rows_that_are_missing_or_not_finite_are_not_counted():
    rows = DIGITS[:60].copy()
    rows[3, 5], rows[4, 5] = np.nan, np.inf
    lists = pa.array([None if at == 7 else row.tolist() for at, row in enumerate(rows)])

    assert embedding(rows).n == 58
    assert lineal.profile({"e": lists}, embeddings="e").embeddings["e"].n == 57
    assert lineal.profile({"e": pa.nulls(3, pa.list_(pa.float64()))}, embeddings="e").embeddings == {}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros(5), "rows of numbers are expected"),
        (np.zeros((5, 0)), "rows of numbers are expected"),
        (np.zeros((4, 2)), "4 rows beside 5"),
        ("x", "lists of numbers are expected"),
        ("ragged", "different lengths"),
        ("absent", "there is no column 'absent'"),
    ],
)
def test_what_are_no_rows_of_numbers_is_refused(given, words):
    table = {"x": np.zeros(5), "ragged": pa.array([[1.0], [1.0, 2.0], [], [1.0], None])}

    with pytest.raises(ValueError, match=words):
        lineal.profile(table, embeddings=given)


def test_the_width_is_the_median_distance():
    rows = np.random.default_rng(0).normal(size=(200, 3))

    assert median_distance(rows) == pytest.approx(np.median(pdist(rows)))
    assert median_distance(np.full((10, 3), 1e6 / 3)) == 1.0
    assert median_distance(rows[:1]) == 1.0


def test_another_dimension_is_projected_anew():
    reference = lineal.profile({"x": np.zeros(50)}, embeddings=DIGITS[:50]).reference()

    assert embedding(DIGITS[:50, :8], reference).projection == Projection(
        8, 7, pytest.approx(np.median(pdist(DIGITS[:50, :8])))
    )
