"""The hourly checks: quiet while all is well, exact when it is not."""

import pytest
from django.db import connection

from audit import anchors, verification
from audit.events import Target
from audit.models import Anchor, AuditCheckpoint, AuditEvent, AuditLeaf, Verification
from audit.services import record
from audit.testing import guards_lifted, sequence_now
from audit.verifiers import Checked

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def trail(project, alice):
    for number in range(5):
        record(
            action="audit.export", target=Target("thing", str(number), f"thing {number}"), actor=alice, project=project
        )
        sequence_now()


def test_an_honest_ledger_passes_and_the_check_is_itself_an_entry(trail, recorded_actions):
    result = verification.verify_ledger()

    assert (result.outcome, result.findings) == ("ok", [])
    assert result.checked == AuditLeaf.objects.count()
    assert recorded_actions()[-1] == "audit.verify"


def test_an_edited_event_is_named(trail):
    event = AuditEvent.objects.filter(target_id="2").get()
    with guards_lifted():
        AuditEvent.objects.filter(pk=event.pk).update(body=event.body.replace("thing 2", "thing 3"))

    result = verification.verify_ledger()

    assert result.outcome == "failed"
    assert any(str(event.uuid) in finding for finding in result.findings)


def test_a_missing_leaf_is_found(trail):
    with guards_lifted():
        AuditLeaf.objects.filter(seq=1).delete()

    assert "jumps from 0 to 2" in verification.verify_ledger().findings[0]


def test_a_replaced_leaf_hash_is_found_by_the_signatures(trail):
    """Whoever rewrites an event and its leaf still lacks the key that signed the root."""
    event = AuditEvent.objects.filter(target_id="2").get()
    from audit.merkle import leaf_hash

    body = event.body.replace("thing 2", "thing 3")
    with guards_lifted():
        AuditEvent.objects.filter(pk=event.pk).update(body=body)
        AuditLeaf.objects.filter(event=event).update(leaf_hash=leaf_hash(body.encode()))

    assert any("signed over another log" in finding for finding in verification.verify_ledger().findings)


def test_an_event_slipped_past_the_sequencer_is_found(trail):
    event = AuditEvent.objects.latest("id")
    with connection.cursor() as cursor:
        columns = [field.column for field in AuditEvent._meta.fields if field.column not in ("id", "uuid")]
        names = ", ".join(columns)
        cursor.execute(
            f"INSERT INTO audit_event (uuid, {names}) SELECT %s, {names} FROM audit_event WHERE id = %s",
            ["0" * 32 if connection.vendor == "sqlite" else "00000000-0000-0000-0000-000000000000", event.pk],
        )

    assert any("neither in the log" in finding for finding in verification.verify_ledger().findings)


def test_an_anchor_is_written_once_and_cannot_be_changed_unseen(trail, home):
    (anchor,) = anchors.anchor_latest()
    assert anchor.outcome == "ok"
    assert (home / "anchors" / "checkpoints").iterdir()

    path = next((home / "anchors" / "checkpoints").iterdir())
    path.chmod(0o644)
    path.write_text("another note")

    assert any("is not the checkpoint" in finding for finding in verification.verify_ledger().findings)


def test_a_tail_cut_off_is_found_by_the_anchor(trail):
    """Without a copy elsewhere, a log cut back to an older checkpoint looks whole."""
    anchors.anchor_latest()
    head = AuditCheckpoint.objects.order_by("-size").first()
    with guards_lifted():
        Anchor.objects.filter(checkpoint=head).update(checkpoint=AuditCheckpoint.objects.order_by("size").first())

    assert any("anchor" in finding for finding in verification.verify_ledger().findings)


def test_nothing_new_is_anchored_twice(trail):
    assert len(anchors.anchor_latest()) == 1
    assert anchors.anchor_latest() == []


def test_a_place_that_cannot_be_written_is_recorded_as_such(trail, home):
    (home / "anchors").write_text("in the way")

    (anchor,) = anchors.anchor_latest()

    assert anchor.outcome == "error"
    assert anchor.detail


def test_checks_of_other_rooms_run_and_are_kept(trail, monkeypatch):
    monkeypatch.setattr("audit.verifiers._verifiers", {"stored bytes": lambda: Checked(7, ["one is wrong"])})

    (result,) = verification.verify_registered()

    assert (result.subject, result.checked, result.outcome) == ("stored bytes", 7, "failed")
    assert Verification.objects.count() == 1
