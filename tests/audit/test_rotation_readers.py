"""Exports, pins and anchors of a log whose key was changed: readers who know one key of it follow to the others."""

import json

import pytest
from lineal import _credentials
from lineal._audit_verify import verify_export
from lineal._credentials import Target
from lineal._errors import ServerKeyChanged
from lineal._http import Transport
from lineal._keyring import latest_key, read_rotation
from lineal._proofs import InvalidProof

from audit import keys
from audit.export import filtered_export, full_export
from audit.keyring import Rotation
from audit.models import AuditCheckpoint, AuditEvent
from audit.notes import Checkpoint, Signer, format_checkpoint, sign_note
from audit.rotation import ask_for_rotation, rotations
from audit.testing import sequence_now

ORIGIN = "log.example/audit/default"
pytestmark = pytest.mark.django_db


@pytest.fixture
def vkeys(home, make_event):
    """A log that changed hands twice; its three public keys."""
    make_event()
    sequence_now()
    found = [keys.find_vkey()]
    for _ in range(2):
        make_event()
        found.append(ask_for_rotation(reason="yearly").new)
        make_event()
        sequence_now()
    return found


@pytest.fixture
def credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_CREDENTIALS_FILE", str(tmp_path / "config" / "credentials.json"))


@pytest.fixture
def exported(vkeys, tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(full_export()))
    return path


def kinds(report):
    return {finding.kind for finding in report.findings}


def rewritten(path, change):
    """The export with its lines changed, and no end line over them that would notice by itself."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines = change(lines) or lines
    lines[-1].pop("sha256")
    text = "".join(json.dumps(each, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" for each in lines)
    path.write_text(text)
    return path


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_full_export_is_proven_from_any_key_of_the_log(exported, vkeys, known):
    report = verify_export(exported, vkeys[known])

    assert (report.verdict, report.findings) == ("proven", [])
    assert set(report.keys) == set(vkeys)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_filtered_export_is_proven_from_any_key_of_the_log(vkeys, known, tmp_path):
    path = tmp_path / "filtered.jsonl"
    path.write_bytes(b"".join(filtered_export(AuditEvent.objects.filter(action="audit.rotate_key"))))

    assert verify_export(path, vkeys[known]).verdict == "proven"


@pytest.mark.parametrize("known", [0, 2])
def test_an_anchor_of_the_first_key_holds(exported, vkeys, known, tmp_path):
    anchor = tmp_path / "anchor"
    anchor.write_text(AuditCheckpoint.objects.order_by("size").first().note)

    report = verify_export(exported, vkeys[known], [anchor])

    assert (report.verdict, report.anchored_to) == ("proven", 1)


def test_a_strangers_key_proves_nothing(exported):
    assert verify_export(exported, Signer.generate(ORIGIN).vkey).verdict == "failed"


def test_a_rotation_that_is_missing_in_the_header_is_found(exported, vkeys):
    rewritten(exported, lambda lines: lines[0]["rotations"].pop() and None)

    assert "rotation" in kinds(verify_export(exported, vkeys))


def test_a_rotation_that_stands_in_the_header_alone_is_found(exported, vkeys):
    note = rotations()[0]
    rewritten(exported, lambda lines: [each for each in lines if each.get("note") != note])

    report = verify_export(exported, vkeys[0])

    assert any("do not stand in the file" in each.message for each in report.findings)


def test_a_rotation_that_the_event_before_it_does_not_speak_of_is_found(home, make_event, tmp_path):
    """Only who has the log's key could make one; it has to show all the same."""
    make_event()
    sequence_now()
    old, heir = keys.load_signer(), keys.make_successor()
    head = AuditCheckpoint.objects.get()
    said = Rotation(old.vkey, heir.vkey).line()
    note = sign_note(format_checkpoint(Checkpoint(old.name, head.size, bytes(head.root), (said,))), old, heir)
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(full_export()))

    def hand_over(lines):
        lines[0]["rotations"] = [note]
        next(each for each in lines if each["type"] == "checkpoint")["note"] = note

    report = verify_export(rewritten(path, hand_over), old.vkey)

    assert any("does not name" in each.message for each in report.findings)


@pytest.mark.parametrize(
    "given", ["x", [1], [["x"]], {"a": 1}, ["x"] * 1_001], ids=["text", "number", "nested", "object", "too many"]
)
def test_a_header_with_odd_rotations_is_a_finding_and_no_crash(exported, vkeys, given):
    rewritten(exported, lambda lines: lines[0].update(rotations=given))

    assert "header" in kinds(verify_export(exported, vkeys[0]))


def test_a_note_that_is_no_rotation_is_a_finding(exported, vkeys):
    rewritten(exported, lambda lines: lines[0]["rotations"].append("x"))

    assert "rotation" in kinds(verify_export(exported, vkeys[0]))


def test_an_export_from_before_rotations_needs_none(home, make_event, tmp_path):
    make_event()
    sequence_now()
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(full_export()))
    rewritten(path, lambda lines: lines[0].pop("rotations") and None)

    assert verify_export(path, keys.find_vkey()).verdict == "proven"


@pytest.mark.parametrize("note", ["", "x", "\n\n", "a\n1\n\n— a b\n"])
def test_what_is_no_note_is_no_rotation(note):
    with pytest.raises(InvalidProof):
        read_rotation(note)


# --- a server that was met before ------------------------------------------------------------------------------------


def test_the_pinned_key_leads_forward_only(vkeys):
    assert [latest_key(each, rotations()) for each in vkeys] == [vkeys[2]] * 3
    assert latest_key(vkeys[2], rotations()[:1]) == vkeys[2]


def test_a_client_that_knows_the_old_key_follows_and_pins_the_new_one(live_server, vkeys, credentials):
    target = Target(*_credentials.normalised(live_server.url), None, vkeys[0])

    transport = Transport(target)
    transport.request("GET", "/server")

    assert transport.target.vkey == vkeys[2]
    assert _credentials.read_credentials()["origins"][target.origin]["vkey"] == vkeys[2]


def test_a_client_that_knows_a_newer_key_does_not_go_back(live_server, vkeys, credentials):
    newer = Signer.generate(keys.origin())

    with pytest.raises(ServerKeyChanged):
        Transport(Target(*_credentials.normalised(live_server.url), None, newer.vkey)).request("GET", "/server")
