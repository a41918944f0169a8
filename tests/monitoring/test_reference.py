"""What production is pinned to: edges and categories of the baseline, and nothing of it that strict mode keeps."""

from hashlib import blake2b, sha256

import numpy as np
import pytest

from monitoring.profiles import DEFAULT_KEY, IncompatibleProfiles, key_id, merge, reference_of
from monitoring.profiles.hashing import hash_numbers, hash_text
from tests.monitoring.building import build_embedding, build_profile


def test_numbers_are_cut_at_their_inner_deciles():
    values = np.arange(1.0, 101.0)

    reference = reference_of(build_profile({"x": values}, pin=False), DEFAULT_KEY).to_json()

    assert reference["columns"]["x"]["kind"] == "bins"
    assert reference["columns"]["x"]["edges"] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]


def test_equal_deciles_are_one_edge():
    values = np.concatenate((np.zeros(500), np.arange(1.0, 101.0)))

    edges = reference_of(build_profile({"x": values}, pin=False), DEFAULT_KEY).columns["x"].cells.edges

    assert edges.tolist() == [0.0, 40.0]


def test_few_values_and_texts_get_a_cell_each():
    table = {"n": np.array([3, 3, 1]), "t": np.array(["b", "a", "b"], object)}

    reference = reference_of(build_profile(table, pin=False), DEFAULT_KEY).to_json()

    numbers = hash_numbers(np.array([3.0, 1.0]), DEFAULT_KEY)
    assert reference["columns"]["n"]["hashes"] == [f"{each:016x}" for each in numbers.tolist()]
    assert reference["columns"]["t"]["hashes"] == [f"{hash_text(each, DEFAULT_KEY):016x}" for each in "ba"]


def test_the_64_most_frequent_texts_have_cells():
    texts = np.array([f"t{i}" for i in range(100) for _ in range(100 - i)], object)

    cells = reference_of(build_profile({"t": texts}, pin=False), DEFAULT_KEY).columns["t"].cells

    assert cells.hashes.tolist() == [hash_text(f"t{i}", DEFAULT_KEY) for i in range(64)]


def test_cells_of_long_texts_are_of_the_whole_text():
    profile = build_profile({"t": np.array(["x" * 300, "x" * 300, "y"], object)}, pin=False)

    cells = reference_of(profile, DEFAULT_KEY).columns["t"].cells

    assert cells.hashes.tolist() == [hash_text("x" * 300, DEFAULT_KEY), hash_text("y", DEFAULT_KEY)]


def test_strict_edges_are_those_of_a_normal_column_and_show_no_value():
    values = np.random.default_rng(0).exponential(size=1_000)

    edges = (
        reference_of(build_profile({"x": values}, privacy="strict", pin=False), DEFAULT_KEY).columns["x"].cells.edges
    )

    assert edges[4] == pytest.approx(values.mean())
    assert edges[8] == pytest.approx(values.mean() + 1.2815515655446004 * values.std())
    assert not set(edges) & set(values)


def test_both_modes_pin_the_same_categories():
    """Equal counts aside, whose order is that of the values in one and of the hashes in the other."""
    table = {"t": np.array(list("abcaba"), object), "n": np.array([1, 2, 2, 7, 7, 7])}

    a, b = (reference_of(build_profile(table, privacy=privacy), DEFAULT_KEY) for privacy in ("standard", "strict"))

    assert a.id == b.id


def test_the_id_is_of_what_is_pinned_and_not_of_the_key(table):
    reference = reference_of(build_profile({"x": np.arange(100.0)}), DEFAULT_KEY)

    other = reference_of(build_profile({"x": np.arange(100.0)}, key=b"k" * 16), b"k" * 16)

    assert reference.id == other.id
    pinned = '{"columns":{"x":{"edges":[9.0,19.0,29.0,39.0,49.0,59.0,69.0,79.0,89.0],"family":"number","id":"ID","kind":"bins",'
    pinned += '"role":"feature","type":"f64"}},"embeddings":{}}'
    pinned = pinned.replace("ID", reference.columns["x"].cells.id)
    assert reference.id == sha256(pinned.encode()).hexdigest()
    assert reference.columns["x"].cells.id == sha256(b"lineal-edges/1\n" + np.arange(9.0, 99, 10).tobytes()).hexdigest()


def test_own_cells_are_passed_on(table):
    """A profile that pinned itself, and was merged since with others pinned to it, stays the same reference."""
    baseline = build_profile(table)
    reference = reference_of(baseline, DEFAULT_KEY)

    together = merge(
        baseline, build_profile({name: values[::-1] for name, values in table.items()}, reference=reference)
    )

    assert reference_of(together, DEFAULT_KEY).id == reference.id


def test_columns_without_values_have_no_cells_and_those_of_no_type_no_place():
    profile = merge(
        build_profile({"nothing": [None], "mixed": np.array(["a"], object)}, pin=False),
        build_profile({"nothing": [None], "mixed": np.array([1])}, pin=False),
    )

    columns = reference_of(profile, DEFAULT_KEY).to_json()["columns"]

    assert list(columns) == ["nothing"]
    assert (columns["nothing"]["kind"], columns["nothing"]["hashes"]) == ("cells", [])


def test_embeddings_hand_out_their_projection():
    embedding = build_embedding(np.random.default_rng(0).normal(size=(50, 4)))

    reference = reference_of(build_profile({}, embeddings={"e": embedding}), DEFAULT_KEY).to_json()

    assert reference["embeddings"] == {"e": {"dim": 4, "seed": 7, "sigma": embedding.sigma}}
    assert reference["schema"] == "lineal-reference/1"
    assert reference["key"] == "bGluZWFsLXByb2ZpbGUvMQ=="


def test_a_key_that_is_not_the_profiles_is_refused(table):
    with pytest.raises(IncompatibleProfiles, match="not under"):
        reference_of(build_profile(table), b"k" * 16)
    with pytest.raises(IncompatibleProfiles, match="16 bytes, not 3"):
        reference_of(build_profile(table), b"key")


def test_hashes_are_those_of_the_page():
    """Worked out from the page with plain integers."""
    mask = 2**64 - 1

    def mix(z: int) -> int:
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31

    key = bytes(range(200, 216))
    k0, k1 = (int.from_bytes(half, "little") for half in (key[:8], key[8:]))
    for value in (0.0, 1.0, -2.5, np.inf, 1e300):
        bits = int.from_bytes(np.float64(value).tobytes(), "little")
        assert hash_numbers(np.array([value]), key).tolist() == [mix(mix(bits ^ k0) + k1 & mask)]
    assert hash_numbers(np.array([-0.0]), key) == hash_numbers(np.array([0.0]), key)
    assert hash_text("é", key) == int.from_bytes(blake2b("é".encode(), digest_size=8, key=key).digest(), "little")
    assert key_id(key) == blake2b(digest_size=8, key=key).hexdigest()
