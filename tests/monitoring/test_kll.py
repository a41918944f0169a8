"""Quantile sketches: DataSketches' own library is the judge of the bytes, sorted data the judge of the ranks."""

import struct

import datasketches
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from monitoring.profiles import InvalidSketch, Kll
from monitoring.profiles.kll import level_capacity, merge, total_capacity
from tests.monitoring.building import build_kll

SIZES = (0, 1, 2, 3, 399, 400, 401, 5_000, 100_000)


def data_of(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(size=n)


def theirs(values: np.ndarray, k: int = 400) -> datasketches.kll_doubles_sketch:
    sketch = datasketches.kll_doubles_sketch(k)
    sketch.update(values)
    return sketch


def rank_error(sketch: Kll, values: np.ndarray) -> float:
    kept, weights = sketch.weighted()
    ranks = np.searchsorted(np.sort(values), kept, side="right")
    return float(abs(ranks - np.cumsum(weights)).max()) / len(values)


@pytest.mark.parametrize("n", SIZES)
def test_datasketches_reads_what_we_write(n):
    values = data_of(n)

    read = datasketches.kll_doubles_sketch.deserialize(build_kll(values).to_bytes())

    assert (read.n, read.k) == (n, 400)
    if n:
        assert (read.get_min_value(), read.get_max_value()) == (values.min(), values.max())
        assert read.get_rank(float(np.median(values))) == pytest.approx(0.5, abs=0.0068 + 1 / n)


@pytest.mark.parametrize("n", SIZES)
def test_we_read_what_datasketches_writes(n):
    sketch = Kll.from_bytes(theirs(data_of(n)).serialize())

    assert (sketch.n, sketch.k, sketch.is_exact) == (n, 400, n <= 400)
    assert sketch.weighted()[1].sum() == n
    assert Kll.from_bytes(sketch.to_bytes()).to_bytes() == sketch.to_bytes()
    if n:
        assert rank_error(sketch, data_of(n)) <= 0.0068 * 2


def test_sketches_of_both_makers_merge_on_either_side():
    ours, other = build_kll(data_of(5_000, 1)), theirs(data_of(7_000, 2))
    together = np.concatenate((data_of(5_000, 1), data_of(7_000, 2)))

    here = merge(ours, Kll.from_bytes(other.serialize()))
    other.merge(datasketches.kll_doubles_sketch.deserialize(ours.to_bytes()))

    assert here.n == other.n == 12_000
    assert datasketches.kll_doubles_sketch.deserialize(here.to_bytes()).n == 12_000
    assert rank_error(here, together) <= 0.0068 * 2


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=12), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_ranks_stay_true_in_any_tree_of_merges(sizes, seed, balanced):
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=size) for size in sizes]
    sketches = [build_kll(part) for part in values]

    while len(sketches) > 1:
        right = sketches.pop() if balanced else sketches.pop(0)
        sketches[0] = merge(sketches[0], right)

    merged, together = sketches[0], np.concatenate(values)
    assert merged.n == len(together) == sum(len(level) << h for h, level in enumerate(merged.levels))
    assert sum(map(len, merged.levels)) <= total_capacity(400, len(merged.levels))
    assert all((np.diff(level) >= 0).all() for level in merged.levels)
    if merged.n:
        assert rank_error(merged, together) <= 0.0068 + 1 / merged.n


def test_up_to_k_values_are_all_kept():
    values = data_of(400)

    merged = merge(build_kll(values[:150]), build_kll(values[150:]))

    assert merged.is_exact
    assert merged.weighted()[0].tolist() == sorted(values)


def test_the_same_parts_give_the_same_bytes_in_either_order():
    a, b = build_kll(data_of(3_000, 1)), build_kll(data_of(2_000, 2))

    assert merge(a, b).to_bytes() == merge(b, a).to_bytes() == merge(a, b).to_bytes()


def test_twenty_equal_parts_leave_no_bias():
    """Always the same half, or one chosen by n, pushes every rank of equal parts the same way (W1 is 0.012 then); the CRC does not."""
    columns = [*load_breast_cancer().data.T, *load_wine().data.T, *load_diabetes().data.T]
    errors = []
    for seed, column in enumerate(columns):
        values = np.random.default_rng(seed).choice(column, 100_000)
        merged = build_kll(values[:5_000])
        for part in np.split(values[5_000:], 19):
            merged = merge(merged, build_kll(part))
        kept, weights = merged.weighted()
        errors.append(abs(np.repeat(kept, weights) - np.sort(values)).mean() / values.std())

    assert np.median(errors) < 0.004


def test_infinities_are_values_and_minus_zero_is_zero():
    merged = merge(build_kll(np.array([np.inf, -0.0])), build_kll(np.array([-np.inf, 0.0])))

    assert merged.weighted()[0].tolist() == [-np.inf, 0.0, 0.0, np.inf]
    assert b"\x00" * 7 + b"\x80" not in merged.to_bytes()  # the bytes of -0.0
    assert (merged.min, merged.max) == (-np.inf, np.inf)


def test_of_two_sizes_the_lesser_is_kept():
    merged = merge(build_kll(data_of(5_000)), build_kll(data_of(5_000), k=200))

    assert (merged.k, merged.n) == (200, 10_000)
    assert datasketches.kll_doubles_sketch.deserialize(merged.to_bytes()).k == 200


def test_merging_nothing_changes_nothing():
    some, none = build_kll(data_of(1_000)), build_kll(np.empty(0))

    assert merge(some, none).to_bytes() == merge(none, some).to_bytes() == some.to_bytes()
    assert merge(none, none).to_bytes() == none.to_bytes()


def test_capacities_are_those_of_datasketches():
    """964 items at four levels of k = 400: its own `to_string` says so."""
    assert "Capacity items : 964" in theirs(data_of(5_000)).to_string()
    assert total_capacity(400, 4) == 964
    assert [level_capacity(400, 12, h) for h in (0, 11)] == [8, 400]


def sketch_bytes(**changes) -> bytes:
    """A sketch of 1..401 with parts of its preamble written over, by offset: `n=5` and so on."""
    at = {
        "preamble": (0, "<B"),
        "version": (1, "<B"),
        "family": (2, "<B"),
        "flags": (3, "<B"),
        "k": (4, "<H"),
        "m": (6, "<B"),
    }
    at |= {"n": (8, "<Q"), "least_k": (16, "<H"), "levels": (18, "<B"), "first": (20, "<I"), "second": (24, "<I")}
    at |= {"min": (28, "<d"), "max": (36, "<d"), "item": (44, "<d")}
    raw = bytearray(build_kll(np.arange(1.0, 402.0)).to_bytes())
    for name, value in changes.items():
        struct.pack_into(at[name][1], raw, at[name][0], value)
    return bytes(raw)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "at least 8 bytes"),
        (sketch_bytes()[:19], "within its preamble"),
        (sketch_bytes()[:25], "within its levels"),
        (sketch_bytes()[:-1], "levels ask for"),
        (sketch_bytes() + b"\x00", "levels ask for"),
        (sketch_bytes(family=7), "Not a KLL sketch"),
        (sketch_bytes(k=7), "Not a KLL sketch"),
        (sketch_bytes(m=9), "Not a KLL sketch"),
        (sketch_bytes(flags=8), "Not a KLL sketch"),
        (sketch_bytes(flags=1), "with these flags"),
        (sketch_bytes(flags=4), "with these flags"),
        (sketch_bytes(version=3), "with these flags"),
        (sketch_bytes(n=402), "do not add up"),
        (sketch_bytes(least_k=200), "levels of one k"),
        (sketch_bytes(levels=0), "1 to 60 levels"),
        (sketch_bytes(levels=255), "1 to 60 levels"),
        (sketch_bytes(first=4_000_000_000), "do not fill"),
        (sketch_bytes(min=3.0), "outside of the least and the greatest"),
        (sketch_bytes(max=3.0), "outside of the least and the greatest"),
        (sketch_bytes(min=float("nan")), "outside of the least and the greatest"),
        (sketch_bytes(item=float("nan")), "no NaN"),
    ],
)
def test_bytes_that_datasketches_would_not_write_are_refused(data, words):
    with pytest.raises(InvalidSketch, match=words):
        Kll.from_bytes(data)


def _flipped(at: int, by: int) -> bytes:
    raw = bytearray(sketch_bytes())
    raw[at % len(raw)] ^= by
    return bytes(raw)


@given(st.binary(max_size=200) | st.builds(_flipped, st.integers(0, 1675), st.integers(1, 255)))
@settings(max_examples=300, deadline=None)
def test_no_bytes_do_more_than_be_refused(data):
    try:
        sketch = Kll.from_bytes(data)
    except InvalidSketch:
        return
    values, weights = sketch.weighted()
    assert weights.sum() == sketch.n
    assert not np.isnan(values).any()


@pytest.mark.parametrize("n", [0, 1, 2, 400])
def test_small_sketches_have_the_bytes_of_datasketches(n):
    """Exact ones leave no choice but the order of level 0, which we sort and say so in the flags."""
    values = data_of(n)

    ours, other = build_kll(values).to_bytes(), theirs(np.sort(values)[::-1]).serialize()

    assert len(ours) == len(other)
    assert ours[:3] + ours[4:20] == other[:3] + other[4:20]
    if n < 2:
        assert ours == other
    else:
        assert (ours[3], other[3]) == (2, 0)
