"""What anyone may send is a profile, or is refused with the place and what was expected there."""

import json
import zlib
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.profiles import InvalidProfile, Profile, envelope, profile_from_json, read_profile
from tests.monitoring.building import build_profile, build_regression
from tests.monitoring.conftest import make_table
from tests.monitoring.spoilt import COLUMN_SPOILT, EMBEDDING_SPOILT, PERFORMANCE_SPOILT, SPOILT


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_what_was_written_reads_back_to_the_same_bytes(table, privacy):
    profile = build_profile(table, privacy=privacy)

    read = read_profile(profile.to_bytes())

    assert read == profile
    assert read.to_bytes() == profile.to_bytes()
    assert profile_from_json(profile.to_json()) == profile


def test_performance_and_embeddings_read_back(whole_profile):
    read = read_profile(whole_profile.to_bytes())

    assert read.performance.confusion.sum() == 1_000
    assert read == whole_profile
    regression = Profile("strict", "0" * 16, 0, performance=build_regression(np.arange(5.0), np.ones(5)))
    assert read_profile(regression.to_bytes()).performance == regression.performance


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_small_tables_have_profiles(rows):
    profile = build_profile(make_table(rows))

    assert read_profile(profile.to_bytes()) == profile


def test_bytes_hold_canonical_json(whole_profile):
    text = zlib.decompress(whole_profile.to_bytes()[49:]).decode()

    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert "été" in text


def sealed(text: bytes) -> bytes:
    body = zlib.compress(text)
    return envelope.SIGNATURE + sha256(body).digest() + body


def damaged(whole: bytes) -> dict[str, bytes]:
    body = whole[49:]
    return {
        "another file": b"PK\x03\x04" + whole,
        "nothing": b"",
        "signature alone": envelope.SIGNATURE,
        "cut": whole[:-1],
        "longer": whole + b"\x00",
        "one bit": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        "no zlib": envelope.SIGNATURE + sha256(b"plain").digest() + b"plain",
        "unfinished stream": envelope.SIGNATURE + sha256(body[:-4]).digest() + body[:-4],
        "something after the stream": envelope.SIGNATURE + sha256(body + b"x").digest() + body + b"x",
        "no JSON": sealed(b"{"),
        "NaN": sealed(b'{"schema": NaN}'),
        "deep": sealed(b"[" * 100_000),
        "no UTF-8": sealed(b'{"schema": "\xff"}'),
        "lone surrogate": sealed(rb'{"schema": "\ud800"}'),
        "a list": sealed(b"[]"),
        "null": sealed(b"null"),
        "too large a number": sealed(b'{"rows": 1e999}'),
    }


@pytest.mark.parametrize("damage", list(damaged(b"x" * 60)))
def test_damaged_bytes_are_refused(whole_profile, damage):
    with pytest.raises(InvalidProfile):
        read_profile(damaged(whole_profile.to_bytes())[damage])


def test_a_bomb_is_not_inflated(monkeypatch):
    monkeypatch.setattr(envelope, "MOST_BYTES", 10_000)

    with pytest.raises(InvalidProfile, match="at most 10000 bytes"):
        read_profile(sealed(b" " * 10_000_000))


def refuse(document: dict, words: str) -> None:
    with pytest.raises(InvalidProfile, match=words) as caught:
        profile_from_json(document)
    assert str(caught.value).startswith(caught.value.place)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_document_is_refused(document, fault):
    change, words = SPOILT[fault]
    change(document)
    refuse(document, words)


@pytest.mark.parametrize("fault", COLUMN_SPOILT)
def test_a_spoilt_column_is_refused_by_name(document, fault):
    name, change, words = COLUMN_SPOILT[fault]
    change(document["columns"][name])
    refuse(document, words)


@pytest.mark.parametrize("fault", PERFORMANCE_SPOILT)
def test_spoilt_performance_is_refused(document, fault):
    change, words = PERFORMANCE_SPOILT[fault]
    change(document["performance"])
    refuse(document, words)


@pytest.mark.parametrize("fault", EMBEDDING_SPOILT)
def test_spoilt_embeddings_are_refused(document, fault):
    change, words = EMBEDDING_SPOILT[fault]
    change(document["embeddings"]["text"])
    refuse(document, words)


@pytest.mark.parametrize("member", ["values", "kll", "min", "max"])
def test_strict_profiles_with_values_are_refused(table, member):
    """A client that leaks by mistake is told so, and nothing of it is stored."""
    strict = build_profile(table, privacy="strict").to_json()
    strict["columns"]["amount"][member] = build_profile(table).to_json()["columns"]["amount"][member]

    refuse(strict, rf'columns\["amount"\].{member}: expected null')


def test_strict_classes_are_hashes(document, table):
    strict = build_profile(table, privacy="strict").to_json() | {"performance": document["performance"]}

    refuse(strict, "performance.classes: expected hashes")


def test_infinite_sums_are_spelt_as_text(document):
    document["columns"]["amount"]["m2"] = "Infinity"

    assert profile_from_json(document).columns["amount"].m2 == np.inf
    assert profile_from_json(document).to_json()["columns"]["amount"]["m2"] == "Infinity"


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_document_does_more_than_be_refused(whole_profile, data):
    """Any value at any place: the reader answers with a profile or with InvalidProfile, and what it takes it can write."""
    document = json.loads(json.dumps(whole_profile.to_json()))
    strange = st.sampled_from(
        [None, True, -1, 0, 2**63, 1.5, 1e308, "", "Infinity", "x" * 300, [], {}, [[1, 2]], "AAAA", float("nan")]
    )
    node, key = document, None
    while isinstance(node, dict | list) and node and data.draw(st.integers(0, 5)):
        parent, key = node, data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        node = parent[key]
    if key is not None:
        parent[key] = data.draw(strange)
    try:
        profile = profile_from_json(document)
    except InvalidProfile:
        return
    assert read_profile(profile.to_bytes()) == profile
