"""The second signature: ML-DSA-44 over a checkpoint, read by two implementations that share no code."""

from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa
from lineal._audit_verify import verify_export
from lineal._proofs import InvalidProof, NotSigned, parse_key
from lineal._proofs import verify_note as client_verify_note

from audit import keys
from audit.cosigning import Cosigner, cosigned_message, parse_cosigner, verify_cosignature
from audit.export import full_export
from audit.models import AuditCheckpoint
from audit.notes import (
    Checkpoint,
    InvalidCheckpoint,
    InvalidKey,
    InvalidNote,
    NotSignedBy,
    Signer,
    format_checkpoint,
    sign_note,
    verify_note,
)
from audit.testing import guards_lifted, sequence_now
from audit.verification import verify_ledger

ORIGIN = "log.example/audit/default"
HEAD = Checkpoint(ORIGIN, 10, bytes(range(32)))
TEXT = format_checkpoint(HEAD)
COSIGNER = Cosigner("cosigner.example", bytes(32))


@pytest.fixture
def note():
    return sign_note(TEXT, Signer(ORIGIN, bytes(32)), COSIGNER)


def test_the_message_is_laid_out_as_the_specification_says():
    assert cosigned_message("w", 5, HEAD).hex() == (
        "737562747265652f76310a00"  # "subtree/v1", a newline, a zero byte
         "01" + "77"
        + "0000000000000005"
        + f"{len(ORIGIN):02x}" + ORIGIN.encode().hex()
        + "0000000000000000" + "000000000000000a"
        + bytes(range(32)).hex()
    )  # fmt: skip


def test_the_signature_is_time_and_2420_bytes_under_the_key_of_fips_204(note):
    raw = b64decode(note.splitlines()[-1].split(" ")[2])
    public = mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32)).public_key()

    assert len(raw) == 4 + 8 + 2420
    public.verify(raw[12:], cosigned_message("cosigner.example", int.from_bytes(raw[4:12], "big"), HEAD))


def test_both_readers_accept_it_and_the_first_signature_stays_good(note):
    assert verify_cosignature(note, COSIGNER.vkey) > 1_700_000_000
    assert client_verify_note(note, parse_key(COSIGNER.vkey)) == TEXT
    assert verify_note(note, Signer(ORIGIN, bytes(32)).vkey) == TEXT


@pytest.mark.parametrize("changed", [replace(HEAD, size=11), replace(HEAD, root=bytes(32)), replace(HEAD, origin="x")])
def test_it_does_not_hold_for_another_head(note, changed):
    forged = format_checkpoint(changed) + note[len(TEXT) :]

    with pytest.raises(InvalidNote, match="wrong"):
        verify_cosignature(forged, COSIGNER.vkey)
    with pytest.raises(NotSigned, match="wrong"):
        client_verify_note(forged, parse_key(COSIGNER.vkey))


def test_another_key_has_not_signed_it(note):
    other = Cosigner("cosigner.example", bytes([1]) * 32).vkey

    with pytest.raises(NotSignedBy):
        verify_cosignature(note, other)
    with pytest.raises(NotSigned):
        client_verify_note(note, parse_key(other))


def test_it_signs_checkpoints_only():
    with pytest.raises(InvalidCheckpoint):
        sign_note("hello\n", COSIGNER)


def test_the_keys_are_read_back():
    assert Cosigner.from_skey(COSIGNER.to_skey()).vkey == COSIGNER.vkey == str(parse_cosigner(COSIGNER.vkey))
    assert repr(COSIGNER) == f"<Cosigner {'+'.join(COSIGNER.vkey.split('+')[:2])}>"


@pytest.mark.parametrize("bent", ["", "x", Signer(ORIGIN, bytes(32)).vkey, COSIGNER.vkey[:-8], "y" + COSIGNER.vkey])
def test_a_bent_key_is_refused(bent):
    with pytest.raises(InvalidKey):
        parse_cosigner(bent)
    with pytest.raises(InvalidKey):
        Cosigner.from_skey(bent)


def test_a_bent_key_is_refused_by_the_client():
    with pytest.raises(InvalidProof):
        parse_key("y" + COSIGNER.vkey)


# --- in the log ------------------------------------------------------------------------------------------------------


@pytest.fixture
def log(home, db, settings, make_event):
    """One event signed by the log's key alone, one by both."""
    make_event()
    sequence_now()
    settings.AUDIT_ML_DSA = True
    make_event()
    sequence_now()


def test_the_setting_adds_the_line_and_the_key_is_kept_secret(log, home):
    notes = list(AuditCheckpoint.objects.order_by("size").values_list("note", flat=True))

    assert [len(each.splitlines()) for each in notes] == [5, 6]
    assert (home / "keys" / "log.ml-dsa.key").stat().st_mode & 0o777 == 0o600
    verify_cosignature(notes[1], keys.find_cosigner_vkey())


def test_the_hourly_check_reads_the_line(log):
    assert verify_ledger().findings == []
    last = AuditCheckpoint.objects.order_by("-size").first()
    first, second = last.note.rstrip("\n").rsplit("\n", 1)
    bent = second[:-10] + ("A" if second[-10] != "A" else "B") + second[-9:]
    with guards_lifted():
        AuditCheckpoint.objects.filter(pk=last.pk).update(note=f"{first}\n{bent}\n")

    assert "is wrong" in " ".join(verify_ledger().findings)


def test_an_export_is_proven_by_the_second_key_where_all_its_checkpoints_have_it(
    home, db, settings, make_event, tmp_path
):
    settings.AUDIT_ML_DSA = True
    make_event()
    sequence_now()
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(full_export()))

    assert verify_export(path, keys.find_cosigner_vkey()).verdict == "proven"


def test_an_export_from_before_the_second_key_is_not_proven_by_it(log, tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(full_export()))

    assert verify_export(path, keys.find_vkey()).verdict == "proven"
    assert verify_export(path, keys.find_cosigner_vkey()).verdict == "failed"
