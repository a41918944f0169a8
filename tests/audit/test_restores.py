"""Heads that a restore gave up are told from heads of a log that somebody cut or rewrote."""

import pytest
from django.db import transaction

from audit import anchors
from audit.models import AuditCheckpoint, AuditEvent, Verification
from audit.restores import given_up_heads, is_recorded, record_restore
from audit.testing import guards_lifted, sequence_now
from audit.verification import verify_ledger


@pytest.fixture
def log(home, db, make_event):
    """A log of three events."""
    for _ in range(3):
        make_event()
    sequence_now()


def cut_to(size):
    """What a restore of an old backup does to the log, without its entry."""
    with guards_lifted():
        AuditCheckpoint.objects.filter(size__gt=size).delete()
        gone = AuditEvent.objects.filter(leaf__seq__gte=size)
        ids = list(gone.values_list("pk", flat=True))
        for event in AuditEvent.objects.filter(pk__in=ids):
            event.leaf.delete()
            event.private.all().delete()
            event.delete()


def grow(make_event, count):
    for _ in range(count):
        make_event()
        sequence_now()


def lost_heads(make_event, size):
    """Two more events and a head over them kept elsewhere, then the log is back at `size`; the head."""
    grow(make_event, 2)
    head = AuditCheckpoint.objects.order_by("-size").first()
    anchors.places()[0].put(head)
    cut_to(size)
    return [(head.size, bytes(head.root).hex())]


def restore(given_up, position=3):
    record_restore(name="b", position=position, given_up=given_up, by="root", reason="the disk died", facts={})


def findings():
    result = verify_ledger()
    assert (result.outcome == Verification.Outcome.OK) == (not result.findings)
    return result.findings


def test_without_an_entry_a_later_head_shows_a_cut(log, make_event):
    lost_heads(make_event, 3)

    assert "its tail was cut off" in findings()[0]


def test_a_head_that_the_entry_names_is_explained_at_once_and_for_ever(log, make_event):
    """Before the log reaches that size again, and after."""
    restore(lost_heads(make_event, 3))

    assert findings() == []
    sequence_now()
    grow(make_event, 4)
    assert findings() == []


def test_a_head_that_the_entry_does_not_name_is_not_explained(log, make_event):
    lost = lost_heads(make_event, 3)
    restore([(lost[0][0], "00" * 32)])
    sequence_now()
    grow(make_event, 4)

    assert "was signed over another log" in findings()[0]


def test_an_entry_explains_nothing_from_before_its_place(log, make_event):
    """Who rewrites the log cannot give up what stood before the restore, by naming it."""
    lost = lost_heads(make_event, 3)
    restore(lost, position=5)

    assert given_up_heads() == frozenset()
    assert findings() != []


def test_an_entry_that_claims_a_place_far_away_explains_nothing(log, make_event, monkeypatch):
    monkeypatch.setattr("audit.restores.MOST_WAITING", 1)
    restore(lost_heads(make_event, 3), position=0)
    sequence_now()

    assert given_up_heads() == frozenset()


def test_hundreds_of_heads_take_several_entries(log):
    heads = [(10 + number, f"{number:064x}") for number in range(900)]

    with transaction.atomic():
        restore(heads)

    assert AuditEvent.objects.filter(action="store.restore").count() == 3
    assert given_up_heads() == frozenset(heads)


def test_a_restore_is_known_by_its_backup(log):
    assert not is_recorded("b")
    restore([])
    assert is_recorded("b")
    assert not is_recorded("another")
