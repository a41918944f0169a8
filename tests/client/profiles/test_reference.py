"""Pinned histograms count exactly, so statistics on them are those of the raw values; a reference fixes their cells for everybody."""

import itertools
import json
import math

import lineal
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineal._profiles.histograms import Edges
from lineal._profiles.pinning import NORMAL_DECILES
from scipy import stats
from sklearn import datasets

# -- cells ------------------------------------------------------------------------------------------------------------


def test_many_values_get_deciles_and_few_get_categories():
    reference = lineal.profile(
        {
            "many": np.arange(65.0),
            "few": np.arange(65.0) % 64,
            "text": [f"k{k}" for k in range(65)],
            "none": pa.nulls(65),
        }
    ).reference()

    kinds = {name: (column.pin.kind, column.pin.size) for name, column in reference.columns.items()}
    assert kinds == {"many": ("bins", 10), "few": ("cells", 65), "text": ("cells", 65), "none": ("cells", 1)}


def test_deciles_are_those_of_the_values():
    edges = lineal.profile({"x": np.arange(1.0, 101.0)}).reference().columns["x"].pin.edges

    assert edges.tolist() == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]


def test_equal_deciles_make_one_edge():
    values = np.concatenate((np.zeros(900), np.arange(1.0, 101.0)))

    assert lineal.profile({"x": values}).reference().columns["x"].pin.edges.tolist() == [0.0]


def test_categories_are_the_most_frequent_and_the_rest_has_a_cell():
    values = [f"k{k}" for k in range(100) for _ in range(k + 1)]

    hist = lineal.profile({"s": values}).columns["s"].hist

    assert hist.counts.tolist() == [*range(100, 36, -1), sum(range(1, 37))]


@given(
    st.lists(st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, -0.0, math.inf, -math.inf])), max_size=60),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=9, unique=True),
)
@settings(max_examples=150)
def test_a_value_lies_in_the_cell_between_its_edges(values, edges):
    """Above the one, not above the other: as it is written, spelt out."""
    pin = Edges(np.unique(np.array(edges) + 0.0))
    ordered = np.sort(np.array(values, np.float64) + 0.0)
    distinct, counts = np.unique(ordered, return_counts=True)
    bounds = [-math.inf, *pin.edges.tolist(), math.inf]
    expected = [
        sum((low < value or (i == 0)) and (value <= high) for value in ordered)
        for i, (low, high) in enumerate(itertools.pairwise(bounds))
    ]

    assert pin.count(distinct, counts).tolist() == expected
    assert pin.count_unsorted(np.array(values[::-1], np.float64)).tolist() == expected


BLOCKS = 70_000  # more than one block, so that a second pass is needed


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_a_table_pins_its_own_cells_and_counts_over_them(privacy, tmp_path):
    """In memory or from a file, in one block or more: the counts are those of a second profile over the reference."""
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "x": rng.normal(size=BLOCKS),
            "i": rng.integers(0, 5_000, BLOCKS),
            "few": rng.integers(0, 9, BLOCKS),
            "s": pa.array([f"k{k}" for k in rng.zipf(1.3, BLOCKS) % 3_000]),
            "id": pa.array([f"id{k}" for k in range(BLOCKS)]),
            "list": [[k] for k in range(BLOCKS)],
        }
    )
    pq.write_table(table, tmp_path / "table.parquet")
    own = lineal.profile(table, privacy=privacy)

    again = lineal.profile(table, own.reference(), privacy)

    assert lineal.profile(tmp_path / "table.parquet", privacy=privacy) == own
    assert own.columns["list"].hist is None
    for name in ("x", "i", "few", "s", "id"):
        assert own.columns[name].hist.pin is not None
        assert again.columns[name].hist.pin is None
        assert again.columns[name].hist.id == own.columns[name].hist.id
        assert again.columns[name].hist.counts.tolist() == own.columns[name].hist.counts.tolist()
        assert int(own.columns[name].hist.counts.sum()) == BLOCKS


def test_a_stream_has_no_cells_until_a_reference_is_made_of_it():
    table = pa.table({"x": np.arange(1_000.0)})
    streamed = lineal.profile(iter([table]))

    assert streamed.columns["x"].hist is None
    assert lineal.profile(table, streamed.reference()).columns["x"].hist.counts.sum() == 1_000


def test_columns_that_the_reference_does_not_know_have_no_histogram():
    reference = lineal.profile({"x": np.arange(100.0)}).reference()

    found = lineal.profile({"x": np.arange(5.0), "new": [1, 2, 3, 4, 5]}, reference)

    assert found.columns["x"].hist is not None
    assert found.columns["new"].hist is None


def test_a_column_that_changed_its_family_has_no_histogram():
    """Its cells would count something else; that it changed is seen by its type."""
    reference = lineal.profile({"x": np.arange(100.0), "s": ["a"] * 100}).reference()

    found = lineal.profile({"x": ["1", "2"], "s": [1, 2]}, reference)

    assert (found.columns["x"].hist, found.columns["s"].hist) == (None, None)
    assert lineal.profile({"x": [1, 2]}, reference).columns["x"].hist is not None


# -- the document -----------------------------------------------------------------------------------------------------

REFERENCE = lineal.profile(
    {"x": np.arange(100.0), "s": ["a", "b"] * 50}, embeddings=np.arange(200.0).reshape(100, 2), key=bytes(range(16))
).reference()


def test_a_reference_comes_back_as_it_was():
    again = lineal.Reference.from_json(json.loads(json.dumps(REFERENCE.to_json())))

    assert again == REFERENCE
    assert (again.id, again.key) == (REFERENCE.id, bytes(range(16)))
    assert again.to_json() == REFERENCE.to_json()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("schema",), "lineal-reference/2", "none of lineal-reference/1"),
        (("id",), "0" * 64, "not the id of these columns and embeddings"),
        (("key",), "AAAA", "not 16 bytes"),
        (("columns", "x", "edges"), [2.0, 1.0], "not ascending"),
        (("columns", "x", "id"), "0" * 64, "not the id of these edges"),
        (("columns", "x", "family"), "text", "of the family number"),
        (("columns", "s", "hashes"), ["0" * 16] * 2, "there twice"),
        (("columns", "s", "kind"), "trees", "none of bins, cells"),
        (("embeddings", "embedding", "sigma"), 0.0, "not above 0"),
        (("embeddings", "embedding", "dim"), 1_000_000, "no dimension"),
    ],
)
def test_what_is_no_reference_is_refused(path, value, words):
    document = REFERENCE.to_json()
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value

    with pytest.raises(lineal.InvalidProfile, match=words):
        lineal.Reference.from_json(document)


def test_the_key_is_asked_for_where_it_is_not_known():
    made = lineal.profile({"x": [1.0]}, key=bytes(range(16)))
    read = lineal.Profile.from_bytes(made.to_bytes())

    assert read.reference(bytes(range(16))) == made.reference()
    with pytest.raises(ValueError, match="not known here: give it"):
        read.reference()
    with pytest.raises(ValueError, match="another one"):
        read.reference(bytes(16))


def test_the_reference_brings_its_key():
    found = lineal.profile({"x": [1.0]}, REFERENCE)

    assert found.key == lineal.profile({"x": [1.0]}, key=bytes(range(16))).key
    with pytest.raises(ValueError, match="another key"):
        lineal.profile({"x": [1.0]}, REFERENCE, key=bytes(16))


def test_normal_deciles_are_those_of_the_normal_distribution():
    assert pytest.approx(stats.norm.ppf(np.arange(1, 10) / 10), abs=1e-15) == NORMAL_DECILES


# -- against the raw values -------------------------------------------------------------------------------------------


def real_columns():
    """Numeric columns of bundled data, cut into random halves, the second half shifted."""
    rng = np.random.default_rng(3)
    for load in (datasets.load_iris, datasets.load_wine, datasets.load_breast_cancer, datasets.load_diabetes):
        data = load().data
        for place in range(0, data.shape[1], 3):
            values = rng.permutation(data[:, place])
            yield values[: len(values) // 2], values[len(values) // 2 :] + 0.3 * values.std()


@pytest.mark.parametrize(("reference", "current"), list(real_columns()))
def test_ks_and_wasserstein_of_small_samples_are_those_of_the_raw_values(reference, current):
    """The sketch holds every value, so nothing is lost: 1e-12 and 1e-9."""
    one, two = (lineal.profile({"x": values}).columns["x"].kll for values in (reference, current))

    (u, u_weights), (v, v_weights) = one.weighted(), two.weighted()

    points = np.concatenate((u, v))
    ranks = [
        np.array([weights[values <= point].sum() for point in points]) / weights.sum()
        for values, weights in ((u, u_weights), (v, v_weights))
    ]
    assert one.is_exact
    assert np.abs(ranks[0] - ranks[1]).max() == pytest.approx(stats.ks_2samp(reference, current).statistic, abs=1e-12)
    assert stats.wasserstein_distance(u, v, u_weights, v_weights) == pytest.approx(
        stats.wasserstein_distance(reference, current), abs=1e-9
    )


@pytest.mark.parametrize(("reference", "current"), list(real_columns()))
def test_statistics_on_pinned_cells_are_exact(reference, current):
    """PSI, Jensen-Shannon and chi-square need counts over cells, and those are whole numbers that agree with numpy's own."""
    baseline = lineal.profile({"x": reference})
    pins = baseline.reference()
    parts = [lineal.profile({"x": part}, pins) for part in np.array_split(current, 5)]
    counted = parts[0].merge(parts[1]).merge(parts[2]).merge(parts[3]).merge(parts[4]).columns["x"].hist
    pin = pins.columns["x"].pin

    if pin.kind == "bins":
        expected = [
            np.histogram(-values, [-np.inf, *-pin.edges[::-1], np.inf])[0][::-1] for values in (reference, current)
        ]
    else:
        categories = [value for value, _ in baseline.columns["x"].values.items]
        expected = [
            np.array([*(np.sum(values == c) for c in categories), np.sum(~np.isin(values, categories))])
            for values in (reference, current)
        ]

    assert baseline.columns["x"].hist.counts.tolist() == expected[0].tolist()
    assert counted.counts.tolist() == expected[1].tolist()


def test_one_outlier_moves_no_edge():
    """One value of 1e9 must not hide that everything else has moved."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=10_000)
    reference = lineal.profile({"x": values}).reference()

    moved = lineal.profile({"x": np.append(values + 0.5, 1e9)}, reference).columns["x"].hist.counts

    shares, baseline = (moved + 0.5) / (moved + 0.5).sum(), np.full(10, 0.1)
    assert np.sum((shares - baseline) * np.log(shares / baseline)) == pytest.approx(0.27, abs=0.03)
