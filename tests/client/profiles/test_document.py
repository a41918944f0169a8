"""A profile written down is the profile that comes back, and what is no profile is refused in words that name the fault."""

import base64
import json
import zlib
from hashlib import sha256

import lineal
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineal._profiles import envelope
from lineal._profiles.making import late_labels

from tests.client.profiles import vectors

PROFILE = lineal.profile(
    {"x": np.arange(500.0), "s": [f"k{k % 70}" for k in range(500)]},
    predictions=np.arange(500) % 2,
    labels=np.arange(500) % 3 % 2,
    scores=np.linspace(0, 1, 500),
    embeddings=np.arange(1_000.0).reshape(500, 2),
)
DATA = PROFILE.to_bytes()


def read(name):
    return json.loads((vectors.FOLDER / name).read_text(encoding="utf-8"))


# -- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("privacy", ["standard", "strict"])
def test_bytes_and_json_come_back_as_they_were(privacy):
    for part in vectors.parts(privacy):
        assert lineal.Profile.from_bytes(part.to_bytes()) == part
        assert lineal.Profile.from_bytes(part.to_bytes()).to_bytes() == part.to_bytes()
        assert lineal.Profile.from_json(json.loads(json.dumps(part.to_json()))) == part


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(-5, 5).map(float)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_whatever_doubles_a_column_holds_they_come_back(values):
    profile = lineal.profile({"x": np.array([np.nan if value is None else value for value in values], np.float64)})

    assert lineal.Profile.from_bytes(profile.to_bytes()) == profile


@given(st.lists(st.text(max_size=4), max_size=20), st.text(min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_whatever_texts_and_names_there_are_they_come_back(values, name):
    profile = lineal.profile({name: np.array(values, object)} if values else {name: np.array([], "U1")})

    assert lineal.Profile.from_bytes(profile.to_bytes()) == profile


def test_floats_read_back_to_the_same_bits():
    odd = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 2.0**-1074 * 3, 123456789.12345679]
    found = lineal.Profile.from_json(json.loads(json.dumps(lineal.profile({"x": odd}).to_json()))).columns["x"]

    assert sorted(value for value, _ in found.values.items) == sorted(odd)
    assert found.kll.weighted()[0].tolist() == sorted(odd)


def test_profiles_with_the_same_document_are_equal():
    same = lineal.Profile.from_bytes(DATA)

    assert same == PROFILE
    assert hash(same) == hash(PROFILE)
    assert same != lineal.profile({"x": [1.0]})
    assert same != "a profile"


def test_the_bytes_begin_with_what_they_are_and_their_hash():
    assert DATA[:17] == b"lineal-profile/1\n"
    assert sha256(DATA[49:]).digest() == DATA[17:49]
    assert json.loads(zlib.decompress(DATA[49:]))["schema"] == "lineal-profile/1"


# -- the shared vectors -----------------------------------------------------------------------------------------------


def same(found, expected, place="", *, exact=True):
    """Equal, but for the last digits of sums that another machine adds in another order."""
    if isinstance(expected, float) and isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), place
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), place
        for name, value in expected.items():
            same(found[name], value, f"{place}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for at, value in enumerate(expected):
            same(found[at], value, f"{place}[{at}]")
    elif place.endswith((".cos", ".sin")):
        one, two = (np.frombuffer(base64.b64decode(text), "<f8") for text in (found, expected))
        assert one == pytest.approx(two, rel=1e-9, abs=1e-7), place
    elif place != ".merged.bytes":
        assert found == expected, place


@pytest.mark.parametrize("name", vectors.FILES)
def test_the_vectors_are_what_this_client_writes(name):
    expected = read(name)
    found = json.loads(json.dumps(vectors.FILES[name]()))

    if name == "broken.json":
        assert [case["why"] for case in found["documents"]] == [case["why"] for case in expected["documents"]]
    else:
        same(found, expected)


@pytest.mark.parametrize("name", ["standard.json", "strict.json"])
def test_the_vectors_are_read_and_merged(name):
    found = read(name)
    one, two = (lineal.Profile.from_json(part) for part in found["parts"])
    baseline = lineal.Profile.from_json(found["baseline"])

    same(one.merge(two).to_json(), found["merged"]["document"])
    assert (
        lineal.Profile.from_bytes(base64.b64decode(found["merged"]["bytes"])).to_json() == found["merged"]["document"]
    )
    assert baseline.reference(base64.b64decode(found["key"])).to_json() == found["reference"]
    assert lineal.Reference.from_json(found["reference"]).to_json() == found["reference"]


@pytest.mark.parametrize("kind", ["regression", "classes", "late"])
def test_the_vectors_of_performance_are_read_and_merged(kind):
    one, two, merged = (lineal.Profile.from_json(part) for part in read("performance.json")[kind])

    same(one.merge(two).to_json(), merged.to_json())


@pytest.mark.parametrize("case", read("broken.json")["documents"], ids=lambda case: case["why"])
def test_documents_that_are_broken_are_refused(case):
    with pytest.raises(lineal.InvalidProfile) as refused:
        lineal.Profile.from_json(case["document"])

    assert str(refused.value).startswith("profile")


@pytest.mark.parametrize("case", read("broken.json")["bytes"], ids=lambda case: case["why"])
def test_bytes_that_are_broken_are_refused(case):
    with pytest.raises(lineal.InvalidProfile):
        lineal.Profile.from_bytes(base64.b64decode(case["bytes"]))


# -- refusals ---------------------------------------------------------------------------------------------------------


def packed(text):
    body = zlib.compress(text)
    return envelope.MAGIC + sha256(body).digest() + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DATA[:10], "10 bytes are too few"),
        (b"PK\x03\x04", "does not begin with lineal-profile/1"),
        (DATA.replace(b"/1\n", b"/2\n", 1), "of version 2: this client reads version 1"),
        (DATA[:-1], "changed or cut off"),
        (DATA + b"\0", "changed or cut off"),
        (DATA[:30] + bytes([DATA[30] ^ 1]) + DATA[31:], "changed or cut off"),
        (packed(b"not JSON"), "not a JSON document"),
        (packed(b'{"rows": NaN}'), "NaN is no JSON"),
        (packed(b'{"rows": 1, "rows": 2}'), "the same name twice"),
        (packed(b"[" * 100_000), "not a JSON document"),
        (packed(b"[]"), "not an object"),
        (packed(b"\xff"), "not a JSON document"),
    ],
)
def test_bytes_that_are_no_profile_are_refused_with_the_reason(data, words):
    with pytest.raises(lineal.InvalidProfile, match=words):
        lineal.Profile.from_bytes(data)


def test_no_more_is_inflated_than_the_bound(monkeypatch):
    """A few kilobytes can inflate to gigabytes."""
    monkeypatch.setattr(envelope, "LARGEST_DOCUMENT", 10_000)

    with pytest.raises(lineal.InvalidProfile, match="inflates to more than 10000 bytes"):
        lineal.Profile.from_bytes(packed(b" " * 1_000_000))


def test_too_many_bytes_are_refused_before_they_are_hashed(monkeypatch):
    monkeypatch.setattr(envelope, "LARGEST_BYTES", 100)

    with pytest.raises(lineal.InvalidProfile, match="too many for a profile"):
        lineal.Profile.from_bytes(DATA)


def test_more_after_the_end_of_the_stream_is_refused():
    body = zlib.compress(b"{}") + b"more"

    with pytest.raises(lineal.InvalidProfile, match="does not end where the bytes do"):
        lineal.Profile.from_bytes(envelope.MAGIC + sha256(body).digest() + body)


DOCUMENT = PROFILE.to_json()


def paths(value, at=()):
    """Every place in a document."""
    yield at
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*at, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value[:2]):
            yield from paths(inner, (*at, place))


def replaced(document, path, value):
    copied = json.loads(json.dumps(document))
    place = copied
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return copied


@pytest.mark.parametrize("value", [None, True, -1, 1.5, "text", [], {}, [[[]]], {"a": 1}, 10**400, "\ud800"])
def test_anything_anywhere_gives_a_profile_or_a_refusal(value):
    """Whoever sends a profile may have written it by hand; nothing but InvalidProfile may come of it."""
    for path in list(paths(DOCUMENT))[1:]:
        try:
            found = lineal.Profile.from_json(replaced(DOCUMENT, path, value))
        except lineal.InvalidProfile:
            continue
        assert lineal.Profile.from_bytes(found.to_bytes()) == found
        assert found.merge(found).rows == 2 * found.rows


@pytest.mark.parametrize("member", ["schema", "privacy", "key", "rows", "columns", "performance", "embeddings"])
def test_every_member_is_owed(member):
    document = {name: value for name, value in DOCUMENT.items() if name != member}

    with pytest.raises(lineal.InvalidProfile):
        lineal.Profile.from_json(document)


def test_late_labels_come_back_too():
    late = late_labels([0, 1], [1, 1])

    assert lineal.Profile.from_bytes(late.to_bytes()) == late
    assert (late.rows, dict(late.columns)) == (0, {})
