"""Signed notes against Go's published example, RFC 8032 and every misspelling we could think of."""

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.notes import (
    Checkpoint,
    InvalidCheckpoint,
    InvalidKey,
    InvalidNote,
    Signer,
    VerifierKey,
    fingerprint,
    format_checkpoint,
    parse_checkpoint,
    parse_vkey,
    sign_note,
    verify_note,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "notes.json").read_text())
TEXT, PETER, ENOCH = VECTORS["text"], VECTORS["peter"], VECTORS["enoch"]
NOTE = TEXT + "\n" + PETER["line"]
ROOT = bytes(range(32))
ROOT_TEXT = b64encode(ROOT).decode()


@pytest.fixture
def peter():
    return Signer.from_skey(PETER["skey"])


def test_the_published_note_verifies():
    assert verify_note(NOTE, PETER["vkey"]) == TEXT


def test_signing_the_published_text_gives_the_published_note(peter):
    assert sign_note(TEXT, peter) == NOTE
    assert peter.vkey == PETER["vkey"]
    assert peter.key_id == "c74f20a3"
    assert peter.to_skey() == PETER["skey"]


@pytest.mark.parametrize("case", VECTORS["ed25519"], ids=lambda case: case["message"] or "empty")
def test_keys_are_those_of_rfc_8032(case):
    seed, message, signature = (bytes.fromhex(case[key]) for key in ("seed", "message", "signature"))

    key = parse_vkey(Signer("rfc8032", seed).vkey)

    assert key.public.hex() == case["public"]
    assert key.verifies(message, signature)
    assert not key.verifies(message + b"\0", signature)
    assert not key.verifies(message, signature[:-1])


def test_signatures_are_those_of_rfc_8032():
    case = VECTORS["ed25519"][1]

    line = Signer("rfc8032", bytes.fromhex(case["seed"])).signature_line(bytes.fromhex(case["message"]).decode())

    assert b64decode(line.split(" ")[2])[4:].hex() == case["signature"]


def test_a_generated_key_survives_its_text_form():
    signer = Signer.generate("example.org/audit/acme")
    again = Signer.from_skey(signer.to_skey())

    assert again.vkey == signer.vkey
    assert verify_note(sign_note("hello\n", again), signer.vkey) == "hello\n"
    assert Signer.generate("example.org/audit/acme").vkey != signer.vkey


def test_a_signer_keeps_its_seed_out_of_its_repr(peter):
    assert repr(peter) == "<Signer PeterNeumann+c74f20a3>"


def test_signatures_of_strangers_are_allowed_beside_ours():
    for lines in (ENOCH["line"] + PETER["line"], PETER["line"] + ENOCH["line"], "— witness AAAAAAA=\n" + PETER["line"]):
        assert verify_note(TEXT + "\n" + lines, PETER["vkey"]) == TEXT
    assert verify_note(TEXT + "\n" + ENOCH["line"] + PETER["line"], ENOCH["vkey"]) == TEXT


def test_a_key_of_our_name_with_another_id_is_a_stranger():
    stranger = PETER["line"].replace("x08go", "x08gq")

    assert verify_note(TEXT + "\n" + stranger + PETER["line"], PETER["vkey"]) == TEXT
    with pytest.raises(InvalidNote, match=r"no signature of PeterNeumann\+c74f20a3"):
        verify_note(TEXT + "\n" + stranger, PETER["vkey"])


def test_a_note_signed_by_strangers_only_is_refused():
    with pytest.raises(InvalidNote, match="no signature of PeterNeumann"):
        verify_note(TEXT + "\n" + ENOCH["line"], PETER["vkey"])


def test_one_wrong_signature_of_our_key_fails_the_note():
    """Also beside a right one: something signed as us that was not us, and the reader should hear of it."""
    wrong = PETER["line"].replace("ZJkuBS", "ZJkuBT")

    for lines in (wrong, wrong + PETER["line"], PETER["line"] + wrong):
        with pytest.raises(InvalidNote, match="is wrong"):
            verify_note(TEXT + "\n" + lines, PETER["vkey"])


def test_a_changed_text_fails():
    with pytest.raises(InvalidNote, match="is wrong"):
        verify_note(NOTE.replace("cryptography", "Cryptography"), PETER["vkey"])


def test_both_keys_of_a_rotation_may_sign(peter):
    successor = Signer.generate("PeterNeumann")

    note = sign_note(TEXT, peter, successor)

    assert verify_note(note, peter.vkey) == verify_note(note, successor.vkey) == TEXT


def test_a_text_may_hold_empty_lines(peter):
    for text in ("\n", "a\n\n", "a\n\nb\n", "\n\n\n", "é sera\n"):
        assert verify_note(sign_note(text, peter), peter.vkey) == text


def test_a_note_carries_a_hundred_signatures_and_no_more():
    assert verify_note(TEXT + "\n" + PETER["line"] * 100, PETER["vkey"]) == TEXT
    with pytest.raises(InvalidNote, match="at most 100"):
        verify_note(TEXT + "\n" + PETER["line"] * 101, PETER["vkey"])


def with_signature(encoded):
    return f"{TEXT}\n— PeterNeumann {encoded}\n"


SIGNATURE = PETER["line"].split(" ")[2].strip()
MALFORMED = {
    "nothing": "",
    "no signatures": TEXT,
    "empty signature block": TEXT + "\n",
    "no final newline": NOTE[:-1],
    "no empty line": TEXT + PETER["line"],
    "carriage returns": NOTE.replace("\n", "\r\n"),
    "tab": NOTE.replace(" ", "\t", 1),
    "nul": NOTE.replace("If", "I\0", 1),
    "escape": "\x1b[2J" + NOTE,
    "lone surrogate": "\ud800" + NOTE,
    "hyphen for dash": NOTE.replace("—", "-"),
    "en dash": NOTE.replace("—", "–"),
    "no dash": NOTE.replace("— ", ""),
    "two spaces": NOTE.replace("— ", "—  "),
    "no name": NOTE.replace("PeterNeumann ", " "),
    "no signature": with_signature(""),
    "name with no-break space": NOTE.replace("PeterNeumann", "Peter\u00a0Neumann"),
    "name with ideographic space": NOTE.replace("PeterNeumann", "Peter\u3000Neumann"),
    "name with plus": NOTE.replace("PeterNeumann", "Peter+Neumann"),
    "trailing space": NOTE[:-1] + " \n",
    "third field": NOTE[:-1] + " more\n",
    "line after the signatures": NOTE + "more\n",
    "empty line after the signatures": NOTE + "\n",
    "base64 without padding": with_signature(SIGNATURE.rstrip("=")),
    "base64 with more padding": with_signature(SIGNATURE + "===="),
    "base64 not canonical": with_signature(SIGNATURE.replace("nAM=", "nAN=")),
    "base64 url alphabet": with_signature(SIGNATURE.replace("/", "_")),
    "base64 of the key id only": with_signature("x08gow=="),
    "a stranger's key id without signature": TEXT + "\n— stranger AAAAAA==\n" + PETER["line"],
    "not base64": with_signature("x08g!"),
    "base64 with full-width digits": with_signature(SIGNATURE.replace("9", "９")),
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_note_is_refused(note):
    with pytest.raises(InvalidNote):
        verify_note(note, PETER["vkey"])


def test_a_monstrous_note_is_refused_before_it_costs_anything():
    with pytest.raises(InvalidNote, match="at most 1000000 characters"):
        verify_note("a" * 1_000_001, PETER["vkey"])


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "\r\n", "\x7f\x01\n", "\ud800\n"])
def test_what_could_not_be_read_back_is_not_signed(peter, text):
    with pytest.raises(InvalidNote):
        sign_note(text, peter)


def test_a_note_without_signers_is_not_written():
    with pytest.raises(InvalidNote, match="1 to 100"):
        sign_note(TEXT)


@given(st.text(max_size=80).map(lambda text: text + "\n"))
@settings(deadline=None)
def test_every_signed_note_reads_back(text):
    signer = Signer("log", b"\x07" * 32)
    try:
        note = sign_note(text, signer)
    except InvalidNote:
        assert any(char < " " and char != "\n" for char in text)
    else:
        assert verify_note(note, signer.vkey) == text


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
@settings(deadline=None, max_examples=300)
def test_a_flipped_bit_in_a_note_is_noticed(at, bit):
    raw = bytearray(NOTE.encode())
    raw[at] ^= 1 << bit

    with pytest.raises((InvalidNote, UnicodeDecodeError)):
        verify_note(bytes(raw).decode(), PETER["vkey"])


def manglings(key):
    """Every true substring, and every character moved one up: as Go's own tests do it."""
    yield from (key[i:j] for i in range(len(key) + 1) for j in range(i + 1, len(key) + 1) if j - i < len(key))
    yield from (key[:i] + chr(ord(char) + 1) + key[i + 1 :] for i, char in enumerate(key))


def test_a_mangled_vkey_is_refused():
    for vkey in manglings(PETER["vkey"]):
        with pytest.raises(InvalidKey):
            parse_vkey(vkey)


def test_a_mangled_skey_is_refused_without_being_quoted():
    for skey in manglings(PETER["skey"]):
        with pytest.raises(InvalidKey) as refusal:
            Signer.from_skey(skey)
        assert PETER["skey"][-20:-4] not in str(refusal.value)


@pytest.mark.parametrize(
    "vkey",
    [
        *VECTORS["bad_vkeys"].values(),
        "",
        "+",
        "++",
        PETER["vkey"].replace("c74f20a3", "C74F20A3"),
        PETER["vkey"].replace("Peter", "Peter "),
        PETER["vkey"] + "\n",
        PETER["vkey"] + "=",
        PETER["vkey"].replace("Peter", "\ud800"),
        PETER["vkey"].replace("10TW", "10TX"),
    ],
)
def test_a_vkey_has_one_spelling(vkey):
    with pytest.raises(InvalidKey):
        parse_vkey(vkey)


def test_vkeys_of_others_are_read():
    for vkey in (ENOCH["vkey"], "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"):
        assert str(parse_vkey(vkey)) == vkey


def test_base64_with_a_plus_is_read():
    """The separator of a key occurs in base64 too, so a reader must split from the left."""
    vkey = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"

    assert str(parse_vkey(vkey)) == vkey


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x01b", "\ud800"])
def test_a_key_name_has_no_spaces_and_no_plus(name):
    with pytest.raises(InvalidKey):
        Signer.generate(name)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(size):
    with pytest.raises(InvalidKey, match=f"not {size}"):
        Signer("log", b"\0" * size)


def test_a_public_key_that_is_no_point_signs_nothing():
    assert not VerifierKey("log", b"\xff" * 32).verifies(b"hello", b"\0" * 64)


def test_the_fingerprint_is_what_sha256sum_says():
    assert fingerprint(PETER["vkey"]) == sha256(PETER["vkey"].encode()).hexdigest()
    with pytest.raises(InvalidKey):
        fingerprint("nonsense")


def test_the_specification_s_checkpoint_is_read_and_written():
    checkpoint = parse_checkpoint(VECTORS["checkpoint"])

    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.root == b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert format_checkpoint(checkpoint) == VECTORS["checkpoint"]


def test_extension_lines_are_kept():
    checkpoint = Checkpoint("log", 3, ROOT, ("first", "second"))

    assert format_checkpoint(checkpoint).endswith("\nfirst\nsecond\n")
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


def text_of(origin="log", size="8", root=ROOT_TEXT, end="\n"):
    return f"{origin}\n{size}\n{root}{end}"


@pytest.mark.parametrize(
    "size",
    [
        "",
        "08",
        "00",
        "+8",
        "-8",
        "-0",
        "1_0",
        "８",
        "٨",
        " 8",
        "8 ",
        "8.0",
        "1e3",
        "0x8",
        "eight",
        "9" * 19,
        str(2**63),
    ],
)
def test_a_size_has_one_spelling(size):
    """Signed or not: were a size readable in two ways, two readers would see two logs under one signature."""
    signer = Signer("log", b"\x07" * 32)
    text = verify_note(sign_note(text_of(size=size), signer), signer.vkey)

    with pytest.raises(InvalidCheckpoint):
        parse_checkpoint(text)


@pytest.mark.parametrize("size", [0, 1, 10, 2**53 + 1, 2**63 - 1])
def test_every_size_in_range_is_read(size):
    assert parse_checkpoint(text_of(size=str(size))).size == size


@pytest.mark.parametrize(
    "root",
    [
        "",
        b64encode(ROOT[:31]).decode(),
        b64encode(ROOT + b"\0").decode(),
        b64encode(ROOT).decode().rstrip("="),
        b64encode(ROOT).decode()[:-2] + "9=",
        b64encode(b"\xff" * 32).decode().replace("/", "_"),
        " " + b64encode(ROOT).decode(),
        ROOT.hex(),
        "！" * 44,
    ],
)
def test_a_root_is_the_base64_of_32_bytes(root):
    with pytest.raises(InvalidCheckpoint):
        parse_checkpoint(text_of(root=root))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n\n",
        "log\n8\n",
        text_of(end=""),
        text_of(end="\n\n"),
        text_of(end="\next"),
        text_of(end="\n\next\n"),
        text_of(origin=""),
        text_of(origin="lo\tg"),
        text_of(origin="lo\rg"),
        text_of(origin="\ud800"),
    ],
)
def test_a_malformed_checkpoint_is_refused(text):
    with pytest.raises(InvalidCheckpoint):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 1, ROOT),
        Checkpoint("lo\ng", 1, ROOT),
        Checkpoint("log\n1", 1, ROOT),
        Checkpoint("log", -1, ROOT),
        Checkpoint("log", 2**63, ROOT),
        Checkpoint("log", 1, ROOT[:31]),
        Checkpoint("log", 1, ROOT, ("",)),
        Checkpoint("log", 1, ROOT, ("a\nb",)),
    ],
)
def test_an_unreadable_checkpoint_is_not_written(checkpoint):
    with pytest.raises(InvalidCheckpoint):
        format_checkpoint(checkpoint)
