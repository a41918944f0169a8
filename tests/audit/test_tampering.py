"""What an attacker with the database in hand may try, and that the hourly check says so each time."""

import pytest

from audit import anchors, keys, merkle, verification
from audit.events import Target
from audit.models import Anchor, AuditCheckpoint, AuditEvent, AuditLeaf, AuditPrivate
from audit.notes import Checkpoint, format_checkpoint, sign_note
from audit.opened import ALTERED, opened
from audit.testing import guards_lifted, sequence_now

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def trail(db, make_event, place):
    """Five events of Carol's, a checkpoint after each."""
    events = []
    for number in range(5):
        events.append(make_event(target=Target("thing", str(number), f"thing {number}"), project=place, reason="why"))
        sequence_now()
    return events


def findings():
    return " ".join(verification.verify_ledger().findings)


def cut_to(size):
    """Take the log back to an older checkpoint, as if nothing had come after."""
    with guards_lifted():
        lost = list(AuditLeaf.objects.filter(seq__gte=size).values_list("event_id", flat=True))
        Anchor.objects.all().delete()
        AuditCheckpoint.objects.filter(size__gt=size).delete()
        AuditLeaf.objects.filter(seq__gte=size).delete()
        AuditPrivate.objects.filter(event__in=lost).delete()
        AuditEvent.objects.filter(pk__in=lost).delete()


def rewrite_with_stolen_key(event):
    """Change an event and sign every later head again, with the log's own key."""
    signer = keys.load_signer()
    body = event.body.replace("thing 2", "thing 9")
    with guards_lifted():
        AuditEvent.objects.filter(pk=event.pk).update(body=body, target_label="thing 9")
        AuditLeaf.objects.filter(event=event).update(leaf_hash=merkle.leaf_hash(body.encode()))
        frontier = merkle.Frontier()
        for leaf in AuditLeaf.objects.order_by("seq"):
            frontier.append(bytes(leaf.leaf_hash))
            note = sign_note(format_checkpoint(Checkpoint(signer.name, frontier.size, frontier.root())), signer)
            AuditCheckpoint.objects.filter(size=frontier.size).update(
                root=frontier.root(), frontier=frontier.to_bytes(), note=note
            )


def test_an_untouched_ledger_has_no_findings(trail):
    anchors.anchor_latest()

    assert findings() == ""


def test_dropping_all_checkpoints_is_found(trail):
    """Else a log without any signature would pass as one that has nothing wrong."""
    with guards_lifted():
        AuditCheckpoint.objects.all().delete()

    assert "last checkpoint is for 0" in findings()


def test_a_leaf_that_no_checkpoint_covers_is_found(trail):
    with guards_lifted():
        AuditCheckpoint.objects.filter(size=5).delete()

    assert "has 5 events, and its last checkpoint is for 4" in findings()


def test_a_tail_cut_off_is_found_by_the_copy_even_when_our_rows_of_it_are_gone(trail):
    anchors.anchor_latest()
    cut_to(3)

    assert "its tail was cut off" in findings()


def test_a_rewrite_signed_with_the_stolen_key_is_found_by_an_older_copy(trail, make_event):
    """Newer copies are of the rewritten log and agree with it; only the older one tells."""
    anchors.anchor_latest()
    rewrite_with_stolen_key(trail[2])
    with guards_lifted():
        Anchor.objects.all().delete()
    make_event(), make_event()
    sequence_now()
    anchors.anchor_latest()

    assert "was rewritten since" in findings()


def test_a_place_that_holds_another_note_already_is_no_anchor(trail, home):
    """A torn write or another log's note must not pass for a copy."""
    folder = home / "anchors" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / f"{5:012d}").write_text("")

    (anchor,) = anchors.anchor_latest()

    assert anchor.outcome == "error"
    assert "is not a checkpoint of this log" in findings()


def test_anchoring_again_after_a_crash_between_file_and_row_is_fine(trail):
    anchors.anchor_latest()
    with guards_lifted():
        Anchor.objects.all().delete()

    (anchor,) = anchors.anchor_latest()

    assert anchor.outcome == "ok"


def test_a_missing_guard_is_found(trail):
    with guards_lifted():
        assert "guard" in findings()


@pytest.mark.parametrize("change", [{"outcome": "denied"}, {"action": "audit.export"}, {"target_label": "thing 8"}])
def test_a_column_that_contradicts_the_body_is_found(trail, change):
    """Lists are searched by columns, so hiding an event there is as good as deleting it."""
    with guards_lifted():
        AuditEvent.objects.filter(pk=trail[2].pk).update(**change)

    assert "listed as something else" in findings()


def test_an_exchanged_personal_value_is_found_and_never_shown(trail):
    """Deleting and adding is all it takes, and the serving role may do both."""
    private = AuditPrivate.objects.get(event=trail[2], path="/reason")
    private.delete()
    AuditPrivate.objects.create(event=trail[2], path="/reason", salt=bytes(private.salt), value='"forged"')

    assert "altered personal values at /reason" in findings()
    assert opened([trail[2]])[trail[2].pk]["reason"] == ALTERED
