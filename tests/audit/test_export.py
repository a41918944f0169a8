"""What leaves the server as a file is proven by the client's own verifier, which shares no code with the server."""

import json

import pytest
from lineal._audit_verify import verify_export

from audit import export, keys
from audit.events import Target
from audit.models import AuditEvent, AuditPrivate
from audit.selectors import Filter, list_events
from audit.services import record
from audit.testing import guards_lifted, sequence_now

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def trail(project, alice, bob):
    """Some forty events, under several checkpoints."""
    for number in range(10):
        record(
            action="audit.verify", target=Target("thing", str(number), f"thing {number}"), actor=alice, project=project
        )
        if number % 3 == 0:
            sequence_now()
    sequence_now()


@pytest.fixture
def exported(tmp_path):
    """`exported(lines)`: those lines as a file."""

    def write(lines):
        path = tmp_path / "trail.jsonl"
        path.write_bytes(b"".join(lines))
        return path

    return write


def test_a_full_export_is_proven_with_the_key_alone(trail, exported):
    report = verify_export(exported(export.full_export()), keys.find_vkey())

    assert report.verdict == "proven", report.findings
    assert report.events == AuditEvent.objects.count()


def test_a_filtered_export_is_proven_event_by_event(trail, exported, alice):
    chosen = list_events(visible_to=alice, only=Filter(target_type="thing"))

    report = verify_export(exported(export.filtered_export(chosen)), keys.find_vkey())

    assert report.verdict == "proven", report.findings
    assert report.events == 10


def test_one_changed_byte_is_found_and_its_event_named(trail, exported):
    path = exported(export.full_export())
    raw = path.read_bytes()
    at = raw.index(b"thing 4")
    path.write_bytes(raw[:at] + b"thonk" + raw[at + 5 :])

    report = verify_export(path, keys.find_vkey())

    assert report.verdict == "failed"
    assert any("audit.verify" in str(finding) for finding in report.to_dict()["findings"])


def test_erased_values_leave_the_proof_whole(trail, exported):
    with guards_lifted():
        AuditPrivate.objects.all().delete()

    report = verify_export(exported(export.full_export()), keys.find_vkey())

    assert report.verdict == "proven", report.findings


def test_another_key_proves_nothing(trail, exported):
    from audit.notes import Signer

    report = verify_export(exported(export.full_export()), Signer.generate(keys.origin()).vkey)

    assert report.verdict != "proven"


def test_events_after_the_last_checkpoint_wait_for_the_next_export(trail, exported, project, alice):
    record(action="audit.verify", target=Target("thing", "late", "late"), actor=alice, project=project)

    lines = [json.loads(line) for line in exported(export.full_export()).read_text().splitlines()]

    bodies = [json.loads(line["body"]) for line in lines if line["type"] == "event"]
    assert "thing 9" in [body["target"]["label"] for body in bodies]
    assert "late" not in [body["target"]["label"] for body in bodies]
