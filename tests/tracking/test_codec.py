"""Chunk bytes: every bit of every point survives, and damage is named, never guessed at."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.metrics.codec import ChunkCorrupt, decode, encode, pack, unpack
from tracking.metrics.points import EMPTY, STEP, Points, make_points

INT64 = st.integers(-(2**63), 2**63 - 1)
BITS = st.integers(0, 2**64 - 1)  # a float64 by its bits: NaN payloads, both zeros, infinities, subnormals
ODD_BITS = [0x7FF8_0000_0000_0001, 0xFFF0_DEAD_BEEF_0001, 0x8000_0000_0000_0000, 0x7FF0_0000_0000_0000, 1]


def from_bits(rows):
    steps, times, bits = zip(*rows, strict=True) if rows else ((), (), ())
    return Points(np.array(steps, STEP), np.array(times, STEP), np.array(bits, np.uint64).view(np.float64))


def same(a, b):
    columns = zip((a.steps, a.times, a.values), (b.steps, b.times, b.values), strict=True)
    return all(x.tobytes() == y.tobytes() for x, y in columns)


points = st.lists(st.tuples(INT64, INT64, BITS | st.sampled_from(ODD_BITS)), max_size=50).map(from_bits)


@given(points)
def test_every_bit_survives(some):
    assert same(decode(encode(some)), some)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=30), points), max_size=8))
def test_a_packed_batch_gives_its_series_back_in_order(series):
    found = unpack(pack(series))

    assert [key for key, _ in found] == [key for key, _ in series]
    assert all(same(a, b) for (_, a), (_, b) in zip(found, series, strict=True))


@given(points, st.data())
def test_damage_is_found_or_harmless(some, data):
    """One flipped bit gives an error or the very same points (zstd leaves a few header bits unused), never others."""
    chunk = bytearray(encode(some))
    at = data.draw(st.integers(0, len(chunk) * 8 - 1))
    chunk[at // 8] ^= 1 << at % 8

    try:
        found = decode(bytes(chunk))
    except ChunkCorrupt:
        return
    assert same(found, some)


def test_a_count_that_lost_its_only_bit_is_found():
    """The frame behind it still holds points, so nought is as wrong as any other number."""
    chunk = bytearray(encode(from_bits([(0, 0, 0)])))
    chunk[4:8] = bytes(4)

    with pytest.raises(ChunkCorrupt, match="24 bytes of points where the header promises 0"):
        decode(bytes(chunk))


@given(st.binary(max_size=80))
def test_any_other_bytes_are_refused(noise):
    with pytest.raises(ChunkCorrupt):
        decode(noise)
    with pytest.raises(ChunkCorrupt):
        unpack(noise)


@pytest.mark.parametrize("keep", [0, 5, 9, 10, 12, -1])
def test_a_cut_chunk_is_refused(keep):
    with pytest.raises(ChunkCorrupt):
        decode(encode(make_points(range(9), range(9), range(9)))[:keep])


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (struct.pack("<3sBIH", b"PNG", 1, 1, 0), "not a metric chunk"),
        (struct.pack("<3sBIH", b"LMC", 2, 1, 0), "version 2"),
        (struct.pack("<3sBIH", b"LMC", 1, 2**31, 0), "beyond the limit"),
    ],
)
def test_the_error_says_what_is_wrong(header, words):
    with pytest.raises(ChunkCorrupt, match=words):
        decode(header + encode(make_points([1], [1], [1.0]))[10:])


def test_a_header_that_promises_more_than_the_frame_holds_is_refused():
    """Else a small forged row could claim gigabytes."""
    chunk = encode(make_points([1], [1], [1.0]))

    with pytest.raises(ChunkCorrupt, match="promises"):
        decode(struct.pack("<3sBIH", b"LMC", 1, 9, 0) + chunk[10:])


def test_no_points_are_a_chunk_too():
    assert same(decode(encode(EMPTY)), EMPTY)
    assert unpack(pack([])) == []


def test_a_long_series_takes_at_most_ten_bytes_a_point():
    noise = np.random.default_rng(7)
    count = 4_000
    times = 1_760_000_000_000_000 + np.arange(count) * 1_000_000 + noise.integers(0, 2_000, count)
    series = Points(np.arange(count), times, noise.normal(size=count))

    assert len(encode(series)) <= 10 * count


def test_of_a_packed_batch_only_the_named_series_are_given():
    packed = pack([("loss", make_points([1], [1], [1.0])), ("acc", make_points([1, 2], [1, 2], [0.5, 0.6]))])

    ((key, points),) = unpack(packed, {"acc", "absent"})

    assert key == "acc"
    assert same(points, make_points([1, 2], [1, 2], [0.5, 0.6]))
    assert unpack(packed, {"absent"}) == []
