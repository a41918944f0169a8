"""In strict mode no value leaves the machine, in whatever form one looks for it."""

import base64
import contextlib
import json
import struct
import zlib

import lineal
import numpy as np
import pyarrow as pa
import pytest

CANARY = 1234567.890625
CANARY_TEXT = "canary-Øl-7f3a"
ROWS = 2_000


def table():
    """Values that would be told by name, as extremes, as quantiles, as frequent ones, as classes."""
    rng = np.random.default_rng(0)
    skewed = rng.lognormal(size=ROWS)
    return pa.table(
        {
            "top": np.where(np.arange(ROWS) == 7, CANARY, skewed),
            "bottom": np.where(np.arange(ROWS) == 7, -CANARY, -skewed),
            "middle": np.where(np.arange(ROWS) % 2, CANARY, rng.normal(2 * CANARY, 1, ROWS)),
            "few": np.where(np.arange(ROWS) % 2, CANARY, 1.0),
            "text": pa.array([CANARY_TEXT if k % 2 else f"t{k}" for k in range(ROWS)]),
            "rare": pa.array([CANARY_TEXT if k == 7 else "common" for k in range(ROWS)]),
            "raw": pa.array([CANARY_TEXT.encode() if k % 2 else b"x" for k in range(ROWS)]),
            "class": pa.array([CANARY_TEXT if k % 3 else "other" for k in range(ROWS)]),
        }
    )


def strings(value):
    """Every text in a document, names included, and what base64 hides."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value
        with contextlib.suppress(ValueError):
            yield base64.b64decode(value, validate=True).decode("latin-1")


def forms(value):
    """How a double may stand in bytes or in text."""
    yield from (struct.pack(layout, value).decode("latin-1") for layout in ("<d", ">d", "<f", ">f"))
    yield from (repr(value), f"{value:g}", f"{value:.3f}", str(int(value)))


def found_in(profile, *extra):
    text = zlib.decompress(profile.to_bytes()[49:]).decode()
    everything = [text, *strings(json.loads(text)), *(part for document in extra for part in strings(document))]
    needles = [*forms(CANARY), *forms(-CANARY), CANARY_TEXT, CANARY_TEXT.encode().decode("latin-1")]
    return sorted({needle for needle in needles if any(needle in part for part in everything)})


def profile(privacy, reference=None):
    return lineal.profile(table(), reference, privacy, predictions="class", labels=table()["class"].to_pylist())


def test_a_strict_profile_holds_no_value_of_the_rows():
    strict = profile("strict")

    assert found_in(strict, strict.reference().to_json()) == []


def test_nor_do_merged_ones_and_those_over_a_reference():
    strict = profile("strict")
    later = profile("strict", strict.reference())

    assert found_in(later.merge(later)) == []


def test_the_search_would_find_them():
    """The same search in a standard profile, which holds them all."""
    found = found_in(profile("standard"))

    assert struct.pack("<d", CANARY).decode("latin-1") in found
    assert repr(CANARY) in found
    assert CANARY_TEXT in found


def test_strict_parts_are_the_ones_that_hold_no_values():
    for name, column in profile("strict").columns.items():
        assert (column.min, column.max, column.values, column.kll) == (None, None, None, None), name
        assert column.kmv is not None
        assert column.hashes is not None


def test_strict_counts_are_those_of_standard():
    """What is exact in standard mode is exact in strict mode: distinct values, missing ones, histograms."""
    reference = profile("standard").reference()
    strict, standard = profile("strict", reference), profile("standard", reference)

    for name, column in strict.columns.items():
        other = standard.columns[name]
        assert column.kmv.tolist() == other.kmv.tolist(), name
        assert column.hist.counts.tolist() == other.hist.counts.tolist(), name
        assert (column.n, column.missing, column.mean, column.m2) == (other.n, other.missing, other.mean, other.m2), (
            name
        )


def test_classes_are_told_by_their_hashes():
    performance = profile("strict").performance

    assert all(len(name) == 16 and set(name) <= set("0123456789abcdef") for name in performance.classes)
    assert sorted(performance.confusion.sum(axis=1).tolist()) == sorted(
        profile("standard").performance.confusion.sum(axis=1).tolist()
    )


def test_another_key_gives_other_hashes():
    one = lineal.profile(table(), privacy="strict", key=bytes(16))
    two = lineal.profile(table(), privacy="strict", key=bytes([1]) * 16)

    assert one.key != two.key
    for name in one.columns:
        assert not set(one.columns[name].kmv.tolist()) & set(two.columns[name].kmv.tolist())


def test_the_key_itself_is_never_written_down():
    key = b"\x13secret-key-16-b"
    made = lineal.profile(table(), privacy="strict", key=key)

    assert made.secret == key
    assert not any(key.decode("latin-1") in part for part in strings(made.to_json()))
    assert "secret" not in repr(made)


def test_edges_of_a_strict_baseline_are_those_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(5.0, 2.0, 4_000)
    strict = lineal.profile({"x": values}, privacy="strict")

    edges = strict.columns["x"].hist.pin.edges
    assert edges == pytest.approx(
        values.mean()
        + values.std() * np.array([-1.28155, -0.84162, -0.5244, -0.25335, 0, 0.25335, 0.5244, 0.84162, 1.28155]),
        abs=1e-4,
    )
    assert strict.columns["x"].hist.counts.min() > 300
