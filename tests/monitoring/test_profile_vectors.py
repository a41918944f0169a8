"""Client and server have code of their own for one format. These files, written by the client's, hold them together."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from monitoring.profiles import InvalidProfile, Profile, merge, profile_from_json, read_profile, reference_of

VECTORS = Path(__file__).parents[1] / "vectors" / "profiles"
SUMS = {
    "mean",
    "m2",
    "log_loss",
    "cos",
    "sin",
    "error",
    "absolute",
    "squared",
    "y",
    "y2",
}  # of doubles: equal up to rounding


def vector(name: str) -> dict[str, Any]:
    return json.loads((VECTORS / f"{name}.json").read_bytes())


def plain(document: Any) -> Any:
    """The document with its sums of doubles rounded to what does not depend on their order."""
    if isinstance(document, dict):
        return {name: _rounded(each) if name in SUMS else plain(each) for name, each in document.items()}
    return [plain(each) for each in document] if isinstance(document, list) else document


def _rounded(value: Any) -> Any:
    return float(f"{value:.12g}") if isinstance(value, float) else plain(value)


@pytest.mark.parametrize("mode", ["standard", "strict"])
def test_what_the_client_writes_is_read_and_written_alike(mode):
    found = vector(mode)

    for document in (found["baseline"], *found["parts"], found["merged"]["document"]):
        assert profile_from_json(document).to_json() == document
    raw = b64decode(found["merged"]["bytes"])
    assert read_profile(raw).to_bytes() == raw
    assert read_profile(raw).to_json() == found["merged"]["document"]


@pytest.mark.parametrize("mode", ["standard", "strict"])
def test_both_merge_alike(mode):
    """Sketches, hashes, histograms and value counts to the bit."""
    found = vector(mode)
    a, b = map(profile_from_json, found["parts"])

    for merged in (merge(a, b), merge(b, a)):
        assert plain(merged.to_json()) == plain(found["merged"]["document"])


@pytest.mark.parametrize("mode", ["standard", "strict"])
def test_both_make_the_same_reference(mode):
    found = vector(mode)

    assert reference_of(profile_from_json(found["baseline"]), b64decode(found["key"])).to_json() == found["reference"]


@pytest.mark.parametrize("mode", ["standard", "strict"])
def test_the_reference_does_not_need_the_histograms_that_were_pinned(mode):
    """Edges and categories come out of the rest of the profile just the same."""
    found = vector(mode)
    baseline = profile_from_json(found["baseline"])
    for column in found["baseline"]["columns"].values():
        column["hist"] = None

    again = reference_of(profile_from_json(found["baseline"]), b64decode(found["key"]))

    assert again.id == reference_of(baseline, b64decode(found["key"])).id


@pytest.mark.parametrize("kind", ["classes", "late", "regression"])
def test_both_merge_performance_alike(kind):
    a, b, merged = map(profile_from_json, vector("performance")[kind])

    assert plain(merge(a, b).to_json()) == plain(merged.to_json())


@pytest.mark.parametrize("broken", vector("broken")["documents"], ids=lambda broken: broken["why"])
def test_what_the_client_refuses_is_refused_here(broken):
    with pytest.raises(InvalidProfile):
        profile_from_json(broken["document"])


@pytest.mark.parametrize("broken", vector("broken")["bytes"], ids=lambda broken: broken["why"])
def test_bytes_that_the_client_refuses_are_refused_here(broken):
    with pytest.raises(InvalidProfile):
        read_profile(b64decode(broken["bytes"]))


def test_the_vectors_show_what_they_should():
    """Sketches past their exact size and value counts past theirs, or the tests above say little."""
    merged: Profile = profile_from_json(vector("standard")["merged"]["document"])

    assert any(column.kll is not None and not column.kll.is_exact for column in merged.columns.values())
    assert any(column.counted is not None and column.counted.error for column in merged.columns.values())
    assert {column.family for column in merged.columns.values()} >= {"number", "bool", "text", "time"}
