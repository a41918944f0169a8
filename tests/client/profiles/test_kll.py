"""Quantile sketches: near enough to the truth however they were put together, and Apache DataSketches in C++ has the same bytes."""

import struct

import datasketches
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineal._profiles import kll_bytes
from lineal._profiles.kll import K, Kll, capacity

SIZES = [0, 1, 2, 3, K - 1, K, K + 1, 100_000]


def sketch_of(values, k=K):
    return Kll.of_sorted(np.sort(np.asarray(values, np.float64)), k)


def merged(parts):
    total = parts[0]
    for part in parts[1:]:
        total = total.merged(part)
    return total


def numbers(n, seed=0):
    return np.random.default_rng(seed).lognormal(size=n)


def total_weight(sketch):
    return sum(len(level) << height for height, level in enumerate(sketch.levels))


def rank_error(sketch, values):
    """The largest difference between estimated and true share of values at or below any of a thousand values."""
    ordered = np.sort(values)
    asked = ordered[np.linspace(0, len(ordered) - 1, 1_001).astype(int)]
    kept, weights = sketch.weighted()
    estimated = np.concatenate(([0], np.cumsum(weights)))[np.searchsorted(kept, asked, side="right")] / sketch.n
    return np.abs(estimated - np.searchsorted(ordered, asked, side="right") / len(ordered)).max()


# -- by itself --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
def test_weights_add_up_and_the_sketch_stays_small(n):
    sketch = sketch_of(numbers(n))

    assert total_weight(sketch) == sketch.n == n
    assert sketch.retained <= capacity(K, len(sketch.levels))
    assert sketch.is_exact == (n <= K)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_any_tree_of_merges_keeps_the_weights_and_the_bound_on_ranks(sizes, random):
    """The bound is that of DataSketches for k = 400, 99 of 100 times; a sketch that is built at once stays far below it."""
    values = numbers(sum(sizes), seed=len(sizes))
    parts = [sketch_of(part) for part in np.split(values, np.cumsum(sizes)[:-1])]
    while len(parts) > 1:
        one = parts.pop(random.randrange(len(parts)))
        two = parts.pop(random.randrange(len(parts)))
        parts.append(one.merged(two))
        assert total_weight(parts[-1]) == parts[-1].n == one.n + two.n
    if len(values):
        assert rank_error(parts[0], values) <= 0.0068
        assert (parts[0].min, parts[0].max) == (values.min(), values.max())


@pytest.mark.parametrize(("k", "bound"), [(200, 0.0133), (400, 0.0068)])
def test_rank_errors_stay_below_the_bound(k, bound):
    rng = np.random.default_rng(k)
    for _ in range(12):
        values = rng.normal(size=int(rng.integers(1_000, 60_000)))
        parts = np.array_split(values, int(rng.integers(1, 100)))
        assert rank_error(merged([sketch_of(part, k) for part in parts]), values) <= bound


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 16, 100, 2_000])
def test_rank_errors_of_a_million_rows(parts):
    values = numbers(1_000_000)

    sketch = merged([sketch_of(part) for part in np.array_split(values, parts)])

    assert total_weight(sketch) == len(values)
    assert rank_error(sketch, values) <= 0.0068


def test_few_values_are_all_there():
    values = numbers(K)

    kept, weights = merged([sketch_of(part) for part in np.array_split(values, 7)]).weighted()

    assert kept.tolist() == sorted(values.tolist())
    assert set(weights.tolist()) == {1}


def test_the_order_of_two_makes_no_difference_and_the_same_again_gives_the_same_bytes():
    one, two = sketch_of(numbers(5_000)), sketch_of(numbers(7_000, seed=1))

    assert kll_bytes.to_bytes(one.merged(two)) == kll_bytes.to_bytes(two.merged(one))
    assert kll_bytes.to_bytes(one.merged(two)) == kll_bytes.to_bytes(sketch_of(numbers(5_000)).merged(two))


def test_quantiles_of_few_values_are_those_of_the_values():
    assert sketch_of(np.arange(1, 11)).quantiles(10) == list(range(1, 10))
    assert sketch_of([5.0]).quantiles(4) == [5.0, 5.0, 5.0]
    assert Kll.empty().quantiles(4) == []


def test_infinities_have_ranks_too():
    sketch = sketch_of([-np.inf, 0.0, 1.0, np.inf])

    assert (sketch.min, sketch.max) == (-np.inf, np.inf)
    assert kll_bytes.from_bytes(kll_bytes.to_bytes(sketch)).weighted()[0].tolist() == [-np.inf, 0.0, 1.0, np.inf]


def columns_of_the_world():
    """49 numeric columns of real data, from two values to hundreds, resampled to 100,000 rows."""
    from sklearn import datasets

    rng = np.random.default_rng(5)
    for load, columns in (
        (datasets.load_iris, range(4)),
        (datasets.load_wine, range(13)),
        (datasets.load_diabetes, range(10)),
        (datasets.load_breast_cancer, range(10)),
        (datasets.load_digits, range(18, 30)),
    ):
        data = load().data
        for place in columns:
            yield rng.choice(data[:, place], 100_000)


def test_parities_do_not_lean_to_one_side():
    """Were they taken from n, equal parts would compact in step, and the error add up: its median was 0.006 then, and is 0.002 now."""
    errors = []
    for column in columns_of_the_world():
        kept, weights = merged([sketch_of(part) for part in np.array_split(column, 20)]).weighted()
        errors.append(wasserstein(kept, weights, column) / column.std())

    assert np.median(errors) < 0.004


def wasserstein(kept, weights, values):
    """Between the sketch and the values: the area between the two distribution functions."""
    ordered = np.sort(values)
    points = np.sort(np.concatenate((kept, ordered)))
    estimated = (
        np.concatenate(([0], np.cumsum(weights)))[np.searchsorted(kept, points[:-1], side="right")] / weights.sum()
    )
    true = np.searchsorted(ordered, points[:-1], side="right") / len(ordered)
    return float(np.sum(np.abs(estimated - true) * np.diff(points)))


# -- with DataSketches ------------------------------------------------------------------------------------------------


def cpp_of(values, k=K):
    sketch = datasketches.kll_doubles_sketch(k)
    sketch.update(np.asarray(values, np.float64))
    return sketch


@pytest.mark.parametrize("n", [*SIZES, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_cpp_reads_ours(n):
    values = numbers(n)
    ours = sketch_of(values)

    read = datasketches.kll_doubles_sketch.deserialize(kll_bytes.to_bytes(ours))

    assert (read.n, read.num_retained, read.is_estimation_mode()) == (n, ours.retained, n > K)
    if n:
        assert (read.get_min_value(), read.get_max_value()) == (values.min(), values.max())
        asked = np.quantile(values, [0.1, 0.5, 0.9])
        kept, weights = ours.weighted()
        assert [read.get_rank(value, True) for value in asked] == pytest.approx(
            [weights[kept <= value].sum() / n for value in asked]
        )


@pytest.mark.parametrize("n", [*SIZES, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_we_read_cpp_s(n):
    values = numbers(n)
    theirs = cpp_of(values)

    read = kll_bytes.from_bytes(theirs.serialize())

    assert (read.n, total_weight(read), read.retained) == (n, n, theirs.num_retained)
    if n:
        assert (read.min, read.max) == (values.min(), values.max())
        assert rank_error(read, values) <= 0.0068


@pytest.mark.parametrize("n", SIZES)
def test_the_bytes_come_back_as_they_were(n):
    data = kll_bytes.to_bytes(sketch_of(numbers(n)))

    assert kll_bytes.to_bytes(kll_bytes.from_bytes(data)) == data
    assert datasketches.kll_doubles_sketch.deserialize(data).serialize() == data


@pytest.mark.parametrize("n", [1, 2, K, K + 1, 30_000])
def test_each_merges_the_other_s(n):
    values, more = numbers(n), numbers(20_000, seed=1)
    both = np.concatenate((values, more))

    theirs = datasketches.kll_doubles_sketch.deserialize(kll_bytes.to_bytes(sketch_of(values)))
    theirs.merge(cpp_of(more))
    ours = sketch_of(values).merged(kll_bytes.from_bytes(cpp_of(more).serialize()))

    for sketch in (kll_bytes.from_bytes(theirs.serialize()), ours):
        assert total_weight(sketch) == len(both)
        assert rank_error(sketch, both) <= 0.0100


def test_cpp_goes_on_with_ours():
    values = numbers(30_000)

    theirs = datasketches.kll_doubles_sketch.deserialize(kll_bytes.to_bytes(sketch_of(values[:10_000])))
    theirs.update(values[10_000:])

    assert rank_error(kll_bytes.from_bytes(theirs.serialize()), values) <= 0.0100


def test_sketches_of_another_k_meet_at_the_lesser():
    """Spark's have k = 200 unless told otherwise."""
    values = numbers(40_000)

    both = sketch_of(values[:20_000]).merged(kll_bytes.from_bytes(cpp_of(values[20_000:], k=200).serialize()))

    assert both.k == both.least_k == 200
    assert rank_error(both, values) <= 0.0180
    assert datasketches.kll_doubles_sketch.deserialize(kll_bytes.to_bytes(both)).n == 40_000


@given(st.integers(8, 2_000), st.integers(2, 60_000))
@settings(max_examples=40, deadline=None)
def test_capacities_are_those_of_cpp(k, n):
    """Offsets in the bytes count from the capacity, so one of another size would shift every level."""
    theirs = cpp_of(np.arange(n), k)

    assert kll_bytes.from_bytes(theirs.serialize()).retained == theirs.num_retained


# -- bytes that are none ----------------------------------------------------------------------------------------------

FULL = kll_bytes.to_bytes(sketch_of(numbers(5_000)))


def patched(data, at, layout, value):
    patch = struct.pack(layout, value)
    return data[:at] + patch + data[at + len(patch) :]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too few"),
        (FULL[:12], "within its preamble"),
        (FULL[:-8], "levels hold"),
        (FULL + bytes(8), "levels hold"),
        (patched(FULL, 2, "B", 7), "not a KLL sketch"),
        (patched(FULL, 6, "B", 9), "not a KLL sketch"),
        (patched(FULL, 4, "<H", 3), "not a KLL sketch"),
        (patched(FULL, 1, "B", 3), "unknown form"),
        (patched(FULL, 0, "B", 2), "unknown form"),
        (patched(FULL, 3, "B", 1), "unknown form"),
        (patched(FULL, 8, "<Q", 4_999), "add up"),
        (patched(FULL, 18, "B", 0), "levels"),
        (patched(FULL, 18, "B", 200), "levels"),
        (patched(FULL, 16, "<H", 999), "least k"),
        (patched(FULL, 24, "<I", 1 << 31), "levels hold"),
        (patched(FULL, len(FULL) - 8, "<d", float("nan")), "not a number"),
        (patched(FULL, len(FULL) - 8, "<d", 1e-9), "not ascending"),
        (patched(FULL, len(FULL) - 8, "<d", 1e9), "outside"),
    ],
)
def test_bytes_that_are_no_sketch_are_refused(data, why):
    with pytest.raises(kll_bytes.NoSketch, match=why):
        kll_bytes.from_bytes(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    try:
        read = kll_bytes.from_bytes(data)
    except kll_bytes.NoSketch:
        return
    assert total_weight(read) == read.n


@given(st.integers(0, len(FULL) - 1), st.integers(0, 255))
@settings(max_examples=300)
def test_a_changed_byte_gives_a_sketch_or_a_refusal(at, byte):
    try:
        read = kll_bytes.from_bytes(FULL[:at] + bytes([byte]) + FULL[at + 1 :])
    except kll_bytes.NoSketch:
        return
    assert total_weight(read) == read.n
