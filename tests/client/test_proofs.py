"""The auditor's checker against the published vectors and, proof by proof, against the server's own."""

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineal import _proofs as proofs

from audit import merkle, notes

VECTORS = Path(__file__).parents[1] / "audit" / "vectors"
TREE = json.loads((VECTORS / "rfc6962.json").read_text())
NOTES = json.loads((VECTORS / "notes.json").read_text())
LEAVES = [proofs.leaf_hash(bytes.fromhex(each)) for each in TREE["inputs"]]
ROOTS = [bytes.fromhex(each) for each in TREE["roots"]]
MANY = [proofs.leaf_hash(str(number).encode()) for number in range(70)]
MANY_ROOTS = [merkle.root(MANY[:size]) for size in range(len(MANY) + 1)]
PETER = proofs.parse_key(NOTES["peter"]["vkey"])
NOTE = NOTES["text"] + "\n" + NOTES["peter"]["line"]
SIGNER = notes.Signer("example.org/audit/acme", b"\x07" * 32)


def head(size, roots=MANY_ROOTS):
    return proofs.Checkpoint("log", size, roots[size])


def tree_of(leaves):
    tree = proofs.Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


@pytest.mark.parametrize("size", range(9))
def test_streamed_roots_are_the_published_ones(size):
    tree = tree_of(LEAVES[:size])

    assert (tree.size, tree.root()) == (size, ROOTS[size])


def test_a_copied_tree_grows_alone():
    tree = tree_of(LEAVES[:7])

    twin = tree.copy()
    twin.add(LEAVES[7])

    assert (tree.root(), twin.root()) == (ROOTS[7], ROOTS[8])


@pytest.mark.parametrize("case", TREE["inclusion"], ids=lambda case: f"{case['index']} of {case['size']}")
def test_published_inclusion_proofs_hold(case):
    proof = [bytes.fromhex(each) for each in case["proof"]]

    assert proofs.verify_inclusion(LEAVES[case["index"]], case["index"], case["size"], proof, ROOTS[case["size"]])


@pytest.mark.parametrize("case", TREE["consistency"], ids=lambda case: f"{case['old']} to {case['new']}")
def test_published_consistency_proofs_hold(case):
    proof = [bytes.fromhex(each) for each in case["proof"]]

    assert proofs.verify_consistency(head(case["old"], ROOTS), head(case["new"], ROOTS), proof)


def test_every_proof_the_server_makes_holds():
    for new in range(1, len(MANY) + 1):
        for old in range(1, new + 1):
            inclusion = merkle.inclusion_proof(MANY[:new], old - 1)
            assert proofs.verify_inclusion(MANY[old - 1], old - 1, new, inclusion, MANY_ROOTS[new])
            consistency = merkle.consistency_proof(MANY[:new], old)
            assert proofs.verify_consistency(head(old), head(new), consistency)


@given(
    st.integers(-2, 40),
    st.integers(-2, 40),
    st.data(),
)
@settings(deadline=None, max_examples=400)
def test_both_checkers_answer_alike(index, size, data):
    """Honest, bent and invented claims: two programs written apart agree on every one."""
    honest = merkle.inclusion_proof(MANY[:size], index) if 0 <= index < size else []
    proof = data.draw(bent(honest))
    leaf, root = data.draw(st.sampled_from(MANY[:40])), data.draw(st.sampled_from(MANY_ROOTS[:40]))
    for claim in ((leaf, index, size, proof, root), (MANY[index], index, size, proof, MANY_ROOTS[size])):
        assert proofs.verify_inclusion(*claim) == merkle.verify_inclusion(*claim)

    grown = merkle.consistency_proof(MANY[:size], index) if 0 < index <= size else []
    proof = data.draw(bent(grown))
    for old_root, new_root in ((root, MANY_ROOTS[size]), (MANY_ROOTS[index], MANY_ROOTS[size])):
        old, new = proofs.Checkpoint("log", index, old_root), proofs.Checkpoint("log", size, new_root)
        expected = merkle.verify_consistency(index, size, old_root, new_root, proof)
        assert proofs.verify_consistency(old, new, proof) == expected


def bent(proof):
    """The proof itself, or with one hash gone, doubled, exchanged or cut short."""
    others = st.sampled_from(MANY_ROOTS[:40] + MANY[:40])
    at = st.integers(0, max(len(proof) - 1, 0))
    return st.one_of(
        st.just(proof),
        at.map(lambda i: proof[:i] + proof[i + 1 :]),
        at.map(lambda i: proof[: i + 1] + proof[i:]),
        st.tuples(at, others).map(lambda pair: [*proof[: pair[0]], pair[1], *proof[pair[0] + 1 :]]),
        at.map(lambda i: [*proof[:i], *(each[:31] for each in proof[i : i + 1]), *proof[i + 1 :]]),
        st.lists(others, max_size=8),
    )


def test_consistency_from_an_empty_log_is_refused():
    assert not proofs.verify_consistency(head(0), head(8), [])
    assert not proofs.verify_consistency(head(0), head(0), [])


def test_the_published_note_verifies():
    assert proofs.verify_note(NOTE, PETER) == NOTES["text"]


def test_what_the_server_signs_verifies():
    checkpoint = notes.Checkpoint("example.org/audit/acme", 70, MANY_ROOTS[70])
    note = notes.sign_note(notes.format_checkpoint(checkpoint), SIGNER, notes.Signer.generate("witness"))

    text = proofs.verify_note(note, proofs.parse_key(SIGNER.vkey))

    assert proofs.parse_checkpoint(text) == ("example.org/audit/acme", 70, MANY_ROOTS[70], ())


def test_signatures_of_strangers_alone_are_not_enough():
    with pytest.raises(proofs.InvalidProof, match=r"not signed by PeterNeumann\+c74f20a3"):
        proofs.verify_note(NOTES["text"] + "\n" + NOTES["enoch"]["line"], PETER)
    assert proofs.verify_note(NOTE + NOTES["enoch"]["line"], PETER) == NOTES["text"]


def test_a_wrong_signature_beside_a_right_one_fails():
    with pytest.raises(proofs.InvalidProof, match="is wrong"):
        proofs.verify_note(NOTE + NOTES["peter"]["line"].replace("ZJkuBS", "ZJkuBT"), PETER)


def test_the_place_after_the_last_leaf_holds_nothing():
    assert not proofs.verify_inclusion(LEAVES[0], 1, 1, [], LEAVES[0])
    assert not proofs.verify_inclusion(LEAVES[0], 0, 0, [], LEAVES[0])


@pytest.mark.parametrize("bad", ["x" * 32, ROOTS[8][:31], ROOTS[8] + b"\0", b""], ids=repr)
def test_what_is_no_hash_proves_nothing(bad):
    proof = merkle.inclusion_proof(LEAVES, 5)

    assert not proofs.verify_inclusion(bad, 5, 8, proof, ROOTS[8])
    assert not proofs.verify_inclusion(LEAVES[5], 5, 8, [*proof[:2], bad], ROOTS[8])
    assert not proofs.verify_consistency(proofs.Checkpoint("log", 8, bad), proofs.Checkpoint("log", 8, bad), [])


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTES["text"],
        NOTE[:-1],
        NOTE + "more",
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("— ", ""),
        NOTE.replace("— ", "- "),
        NOTE.replace("If", "I\tf"),
        NOTE + "— stranger AAAAAA==\n",
        NOTE + "— stran+ger AAAAAAA=\n",
        NOTE + "stranger AAAAAAA=\n",
        NOTE + "— stranger AAAAAAB=\n",
        NOTE + "— stranger AAAA\u00e9AAA\n",
        NOTE.replace("nAM=", "nAM"),
        "a" * 1_000_001 + "\n" + NOTE,
    ],
    ids=lambda note: repr(note[-40:]),
)
def test_a_malformed_note_is_refused(note):
    with pytest.raises(proofs.InvalidProof, match="note"):
        proofs.verify_note(note, PETER)


@pytest.mark.parametrize(
    "text", ["", "log\n8\n", NOTES["checkpoint"][:-1], NOTES["checkpoint"] + "\n", "\n" + NOTES["checkpoint"]], ids=repr
)
def test_a_malformed_checkpoint_is_refused(text):
    with pytest.raises(proofs.InvalidProof):
        proofs.parse_checkpoint(text)


@given(st.data())
@settings(deadline=None, max_examples=500)
def test_both_note_readers_answer_alike(data):
    """One edit anywhere in a note, key or checkpoint: both readers take it, or both refuse."""
    edit = data.draw(st.sampled_from(["\n", " ", "+", "=", "0", "A", "—", "\t", "\u3000", "８", "", "\ud800", "\x85"]))

    def edited(text):
        at = data.draw(st.integers(0, len(text)))
        return text[:at] + edit + text[at + data.draw(st.integers(0, 1)) :]

    note, vkey, text = edited(NOTE), edited(NOTES["peter"]["vkey"]), edited(NOTES["checkpoint"])
    assert accepts(lambda: proofs.verify_note(note, PETER)) == accepts(
        lambda: notes.verify_note(note, NOTES["peter"]["vkey"])
    )
    assert accepts(lambda: proofs.parse_key(vkey)) == accepts(lambda: notes.parse_vkey(vkey))
    if not any((ord(char) < 32 and char != "\n") or "\ud800" <= char <= "\udfff" for char in text):  # a note has none
        assert accepts(lambda: proofs.parse_checkpoint(text)) == accepts(lambda: notes.parse_checkpoint(text))


REFUSALS = (proofs.InvalidProof, notes.InvalidNote, notes.InvalidKey, notes.InvalidCheckpoint)


def accepts(read):
    """Did it read? Only a refusal in words counts as a no; anything else is an error of the test run."""
    try:
        read()
    except REFUSALS:
        return False
    return True


@pytest.mark.parametrize("size", ["08", "+8", "-8", "1_0", "８", " 8", "", "9" * 19, str(2**63)])
def test_a_signed_but_odd_size_is_refused(size):
    text = f"log\n{size}\n{b64encode(ROOTS[8]).decode()}\n"
    signed = proofs.verify_note(notes.sign_note(text, SIGNER), proofs.parse_key(SIGNER.vkey))

    with pytest.raises(proofs.InvalidProof):
        proofs.parse_checkpoint(signed)


@pytest.mark.parametrize("root", [ROOTS[8][:31], ROOTS[8] + b"\0"])
def test_a_root_of_another_length_is_refused(root):
    with pytest.raises(proofs.InvalidProof, match="root of the checkpoint"):
        proofs.parse_checkpoint(f"log\n8\n{b64encode(root).decode()}\n")


def test_a_note_of_a_hundred_and_one_signatures_is_refused():
    assert proofs.verify_note(NOTES["text"] + "\n" + NOTES["peter"]["line"] * 100, PETER) == NOTES["text"]
    with pytest.raises(proofs.InvalidProof, match="more than 100"):
        proofs.verify_note(NOTES["text"] + "\n" + NOTES["peter"]["line"] * 101, PETER)


def test_importing_the_checker_imports_no_cryptography_and_no_server():
    listing = "[name for name in sys.modules if name.partition('.')[0] in ('cryptography', 'django', 'audit')]"

    run = subprocess.run(
        [sys.executable, "-c", f"import sys, lineal._proofs; print({listing})"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == "[]"
