"""The tree against published roots and proofs, against a second tree written from the definitions, and against lies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import merkle

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc6962.json").read_text())
LEAVES = [merkle.leaf_hash(bytes.fromhex(each)) for each in VECTORS["inputs"]]
ROOTS = [bytes.fromhex(each) for each in VECTORS["roots"]]
MANY = [merkle.leaf_hash(str(number).encode()) for number in range(41)]


# The definitions of RFC 6962, 2.1, read aloud: slow, recursive, sharing only the two hashes with the code under test.
def naive_root(leaves):
    if not leaves:
        return ROOTS[0]
    if len(leaves) == 1:
        return leaves[0]
    k = split_of(len(leaves))
    return merkle.node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split_of(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m, leaves, known):
    if m == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = split_of(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], known), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def split_of(size):
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def hexes(values):
    return [bytes.fromhex(each) for each in values]


def flip(value, bit=0):
    return bytes([value[0] ^ (1 << bit)]) + value[1:]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size):
    assert merkle.root(LEAVES[:size]) == ROOTS[size]


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: f"{case['index']} of {case['size']}")
def test_inclusion_proofs_are_the_published_ones(case):
    index, size, proof = case["index"], case["size"], hexes(case["proof"])

    assert merkle.inclusion_proof(LEAVES[:size], index) == proof
    assert merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: f"{case['old']} to {case['new']}")
def test_consistency_proofs_are_the_published_ones(case):
    old, new, proof = case["old"], case["new"], hexes(case["proof"])

    assert merkle.consistency_proof(LEAVES[:new], old) == proof
    assert merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)


def test_a_leaf_never_passes_for_a_node():
    left, right = LEAVES[:2]

    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


def test_every_inclusion_up_to_forty_agrees_with_the_definition():
    for size in range(1, len(MANY)):
        tree, root = MANY[:size], naive_root(MANY[:size])
        assert merkle.root(tree) == root
        for index in range(size):
            proof = merkle.inclusion_proof(tree, index)
            assert proof == naive_path(index, tree)
            assert merkle.verify_inclusion(tree[index], index, size, proof, root)


def test_every_consistency_up_to_forty_agrees_with_the_definition():
    roots = [naive_root(MANY[:size]) for size in range(len(MANY))]
    for new in range(1, len(MANY)):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(MANY[:new], old)
            assert proof == naive_subproof(old, MANY[:new], True)
            assert merkle.verify_consistency(old, new, roots[old], roots[new], proof)


def test_an_inclusion_proof_holds_for_no_other_claim():
    """Each part of the claim is bound: another leaf, index, size, root or path of any kind is refused."""
    for size in range(1, 34):
        tree, root = MANY[:size], merkle.root(MANY[:size])
        for index in range(size):
            leaf, proof = tree[index], merkle.inclusion_proof(tree, index)
            false_claims = [
                (flip(leaf), index, size, proof, root),
                (leaf, index, size, proof, flip(root, 7)),
                (leaf, index, size, [*proof, root], root),
                (leaf, index, size, [root, *proof], root),
                *((leaf, other, size, proof, root) for other in range(size) if other != index),
                *((leaf, index, size, [*proof[:i], flip(proof[i]), *proof[i + 1 :]], root) for i in range(len(proof))),
                *((leaf, index, size, proof[:i] + proof[i + 1 :], root) for i in range(len(proof))),
            ]
            assert not any(merkle.verify_inclusion(*claim) for claim in false_claims)


def test_an_inclusion_proof_of_another_shape_is_refused():
    """The path binds the shape of the climb. From leaf 5 sizes 7 and 8 are climbed alike: the root tells them apart."""
    proof = merkle.inclusion_proof(LEAVES, 5)

    assert [size for size in range(40) if merkle.verify_inclusion(LEAVES[5], 5, size, proof, ROOTS[8])] == [7, 8]
    assert not merkle.verify_inclusion(LEAVES[5], 5, 7, proof, ROOTS[7])


def test_a_consistency_proof_holds_for_no_other_claim():
    roots = [merkle.root(MANY[:size]) for size in range(34)]
    for new in range(2, 34):
        for old in range(1, new):
            proof = merkle.consistency_proof(MANY[:new], old)
            false_claims = [
                (old, new, flip(roots[old]), roots[new], proof),
                (old, new, roots[old], flip(roots[new]), proof),
                (old, new, roots[new], roots[old], proof),
                (old, new, roots[old], roots[new], [*proof, roots[old]]),
                (old, new, roots[old], roots[new], [roots[old], *proof]),
                (new, old, roots[new], roots[old], proof),
                (0, new, roots[0], roots[new], proof),
                (old + 1, new, roots[old], roots[new], proof),
                (old - 1, new, roots[old], roots[new], proof),
                *((old, new, roots[old], roots[new], proof[:i] + proof[i + 1 :]) for i in range(len(proof))),
                *(
                    (old, new, roots[old], roots[new], [*proof[:i], flip(proof[i]), *proof[i + 1 :]])
                    for i in range(len(proof))
                ),
            ]
            assert not any(merkle.verify_consistency(*claim) for claim in false_claims), (old, new)


def test_consistency_from_an_empty_tree_is_refused():
    """Every tree extends the empty one, so such a proof would let any log pass for a continuation."""
    assert not merkle.verify_consistency(0, 8, ROOTS[0], ROOTS[8], [])
    assert not merkle.verify_consistency(0, 0, ROOTS[0], ROOTS[0], [])
    with pytest.raises(ValueError, match="from size 0"):
        merkle.consistency_proof(LEAVES, 0)


def test_equal_sizes_need_equal_roots_and_no_proof():
    assert merkle.verify_consistency(8, 8, ROOTS[8], ROOTS[8], [])
    assert not merkle.verify_consistency(8, 8, ROOTS[8], ROOTS[7], [])
    assert not merkle.verify_consistency(8, 8, ROOTS[8], ROOTS[8], [ROOTS[8]])


@pytest.mark.parametrize("index", [-1, 8, 2**63, 2**64 + 5, True, None, "5", 5.0])
def test_a_malformed_index_is_false_and_no_error(index):
    assert not merkle.verify_inclusion(LEAVES[5], index, 8, merkle.inclusion_proof(LEAVES, 5), ROOTS[8])


def test_the_place_after_the_last_leaf_holds_nothing():
    assert not merkle.verify_inclusion(LEAVES[0], 1, 1, [], LEAVES[0])
    assert not merkle.verify_inclusion(LEAVES[0], 0, 0, [], LEAVES[0])


@pytest.mark.parametrize("bad", [b"", ROOTS[1][:31], ROOTS[1] + b"\0", "text", None, bytearray(ROOTS[1]), 7])
def test_a_malformed_hash_is_false_and_no_error(bad):
    inclusion, consistency = merkle.inclusion_proof(LEAVES, 5), merkle.consistency_proof(LEAVES, 6)

    assert not merkle.verify_inclusion(bad, 5, 8, inclusion, ROOTS[8])
    assert not merkle.verify_inclusion(LEAVES[5], 5, 8, inclusion, bad)
    assert not merkle.verify_inclusion(LEAVES[5], 5, 8, [*inclusion[:2], bad], ROOTS[8])
    assert not merkle.verify_inclusion(LEAVES[5], 5, 8, bad, ROOTS[8])
    assert not merkle.verify_consistency(6, 8, bad, ROOTS[8], consistency)
    assert not merkle.verify_consistency(6, 8, ROOTS[6], bad, consistency)
    assert not merkle.verify_consistency(6, 8, ROOTS[6], ROOTS[8], [bad, *consistency[1:]])
    assert not merkle.verify_consistency(6, 8, ROOTS[6], ROOTS[8], bad)


@pytest.mark.parametrize("index", [-1, 8, 100])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index):
    with pytest.raises(ValueError, match=f"No leaf {index}"):
        merkle.inclusion_proof(LEAVES, index)


def test_there_is_no_consistency_with_a_larger_old_tree():
    with pytest.raises(ValueError, match="from size 9 to size 8"):
        merkle.consistency_proof(LEAVES, 9)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=200), st.data())
@settings(deadline=None)
def test_whatever_is_logged_can_be_proved(entries, data):
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    index = data.draw(st.integers(0, len(leaves) - 1))
    old = index + 1
    root = merkle.root(leaves)

    assert merkle.verify_inclusion(leaves[index], index, len(leaves), merkle.inclusion_proof(leaves, index), root)
    assert merkle.verify_consistency(
        old, len(leaves), merkle.root(leaves[:old]), root, merkle.consistency_proof(leaves, old)
    )


@given(
    st.integers(-2, 70),
    st.integers(-2, 70),
    st.lists(st.sampled_from([*LEAVES, *ROOTS]), max_size=9),
    st.sampled_from(ROOTS),
    st.sampled_from(ROOTS),
)
def test_a_made_up_proof_never_raises(first, second, proof, old_root, new_root):
    honest_inclusion = 0 <= first < second < 9 and proof == merkle.inclusion_proof(LEAVES[:second], first)
    honest_consistency = 0 < first <= second < 9 and proof == merkle.consistency_proof(LEAVES[:second], first)

    included = merkle.verify_inclusion(LEAVES[0], first, second, proof, new_root)
    assert not included or honest_inclusion
    consistent = merkle.verify_consistency(first, second, old_root, new_root, proof)
    assert not consistent or honest_consistency or (first == second and old_root == new_root)


class StoredSubtrees:
    """Every complete subtree of a log, as a store of tiles would hold them."""

    def __init__(self, leaves):
        self.levels = [list(leaves)]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([merkle.node_hash(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)])
        self.reads = 0

    def __call__(self, level, index):
        self.reads += 1
        return self.levels[level][index]


def test_proofs_from_stored_subtrees_are_the_same_proofs():
    for size in range(1, len(MANY)):
        stored = StoredSubtrees(MANY[:size])
        for at in range(size):
            assert merkle.inclusion_proof_from(stored, at, size) == merkle.inclusion_proof(MANY[:size], at)
            assert merkle.consistency_proof_from(stored, at + 1, size) == merkle.consistency_proof(MANY[:size], at + 1)


def test_a_proof_from_stored_subtrees_reads_few_of_them():
    leaves = [index.to_bytes(32, "big") for index in range(50_001)]
    stored = StoredSubtrees(leaves)

    proof = merkle.inclusion_proof_from(stored, 31_337, len(leaves))

    assert merkle.verify_inclusion(leaves[31_337], 31_337, len(leaves), proof, merkle.root(leaves))
    assert stored.reads < 40


def test_a_frontier_knows_the_root_at_every_size():
    frontier = merkle.Frontier()
    for size, leaf in enumerate(MANY):
        assert (frontier.size, frontier.root()) == (size, naive_root(MANY[:size]))
        frontier.append(leaf)


def test_a_stored_frontier_goes_on_where_it_stopped():
    for size in range(len(MANY)):
        frontier = merkle.Frontier()
        frontier.extend(MANY[:size])

        resumed = merkle.Frontier.from_bytes(frontier.to_bytes())
        resumed.extend(MANY[size:])

        assert resumed.root() == merkle.root(MANY)
        assert len(frontier.to_bytes()) == 8 + 32 * size.bit_count()


def test_a_copied_frontier_grows_alone():
    frontier = merkle.Frontier()
    frontier.extend(LEAVES[:5])

    twin = frontier.copy()
    twin.append(LEAVES[5])

    assert (frontier.root(), twin.root()) == (ROOTS[5], ROOTS[6])
    assert frontier != twin
    assert frontier == merkle.Frontier.from_bytes(frontier.to_bytes())


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\0" * 7,
        b"\0" * 9,
        (3).to_bytes(8, "big") + b"\0" * 32,
        (3).to_bytes(8, "big") + b"\0" * 63,
        (2).to_bytes(8, "big") + b"\0" * 64,
        b"\xff" * 8 + b"\0" * 32 * 64,
    ],
)
def test_damaged_frontiers_are_refused(stored):
    with pytest.raises(ValueError, match="frontier"):
        merkle.Frontier.from_bytes(stored)


def test_a_frontier_takes_only_hashes():
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        merkle.Frontier().append(b"\0" * 31)


def test_a_tree_of_seventy_thousand_leaves_proves_its_ends_and_its_middle():
    leaves = [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]
    root = merkle.root(leaves)
    frontier = merkle.Frontier()
    frontier.extend(leaves)
    assert frontier.root() == root

    for index in (0, 1, 32_767, 65_535, 65_536, 69_999):
        proof = merkle.inclusion_proof(leaves, index)
        assert len(proof) <= 17
        assert merkle.verify_inclusion(leaves[index], index, 70_000, proof, root)
        assert not merkle.verify_inclusion(leaves[index], index ^ 1, 70_000, proof, root)
    for old in (1, 4_095, 65_536, 69_999):
        proof = merkle.consistency_proof(leaves, old)
        assert merkle.verify_consistency(old, 70_000, merkle.root(leaves[:old]), root, proof)


def test_the_proof_code_needs_no_framework():
    """Anyone may check our proofs with this file alone, so it must not drag in settings or a database."""
    listing = "[name for name in sys.modules if name.partition('.')[0] in ('django', 'core', 'config')]"
    code = f"import sys, audit.merkle, audit.notes, audit.canonical; print({listing})"
    root = Path(__file__).parents[2]

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)

    assert run.stdout.strip() == "[]"
