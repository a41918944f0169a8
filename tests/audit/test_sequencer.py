import threading
from itertools import pairwise

import pytest
from django.db import connection

from audit import keys, merkle, notes, tiles
from audit.errors import LedgerBroken
from audit.keys import WrongKey
from audit.management.commands import audit_sequencer
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditPending, AuditTile
from audit.notes import Signer
from audit.sequencer import Sequencer
from audit.testing import guards_lifted, sequence_now


@pytest.fixture
def sequencer(home, db):
    return Sequencer(keys.load_signer())


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of four, so that a few leaves fill three levels."""
    monkeypatch.setattr(tiles, "WIDTH", 4)
    monkeypatch.setattr(tiles, "HEIGHT", 2)


def stored_hashes():
    return [bytes(each) for each in AuditLeaf.objects.order_by("seq").values_list("leaf_hash", flat=True)]


def forge(statement):
    with guards_lifted(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_events_get_numbers_without_gaps_in_the_order_of_writing(sequencer, make_event):
    events = [make_event() for _ in range(5)]

    assert sequencer.step() == 5

    assert list(AuditLeaf.objects.order_by("seq").values_list("seq", "event_id")) == list(
        enumerate(e.pk for e in events)
    )
    assert not AuditPending.objects.exists()


def test_a_leaf_is_the_hash_of_the_exact_body(sequencer, make_event):
    event = make_event(reason="größer")

    sequencer.step()

    assert bytes(event.leaf.leaf_hash) == merkle.leaf_hash(event.body.encode())


def test_each_step_signs_a_head_that_extends_the_last(sequencer, make_event):
    for count in (1, 3, 2):
        for _ in range(count):
            make_event()
        sequencer.step()

    checkpoints = list(AuditCheckpoint.objects.order_by("size"))
    assert [each.size for each in checkpoints] == [1, 4, 6]
    hashes = stored_hashes()
    for each in checkpoints:
        signed = notes.parse_checkpoint(notes.verify_note(each.note, keys.find_vkey()))
        assert (signed.origin, signed.size) == (keys.origin(), each.size)
        assert signed.root == bytes(each.root) == merkle.root(hashes[: each.size])
    for old, new in pairwise(checkpoints):
        proof = tiles.TileReader().consistency_proof(old.size, new.size)
        assert merkle.verify_consistency(old.size, new.size, bytes(old.root), bytes(new.root), proof)


def test_nothing_to_do_signs_nothing(sequencer):
    assert sequencer.step() == 0

    assert not AuditCheckpoint.objects.exists()


def test_a_long_queue_is_worked_off_in_steps(sequencer, make_event, monkeypatch):
    monkeypatch.setattr("audit.sequencer.STEP_EVENTS", 2)
    for _ in range(5):
        make_event()

    assert [sequencer.step() for _ in range(4)] == [2, 2, 1, 0]


def test_proofs_from_tiles_equal_proofs_from_all_leaves(sequencer, make_event, small_tiles):
    """For every leaf and every older size, over three levels of tiles and a ragged edge."""
    for count in (3, 1, 14, 5):
        for _ in range(count):
            make_event()
        sequencer.step()

    hashes, reader = stored_hashes(), tiles.TileReader()
    size = len(hashes)
    assert AuditTile.objects.values_list("level", "index").count() == 5 + 1
    for index in range(size):
        assert reader.inclusion_proof(index, size) == merkle.inclusion_proof(hashes, index)
    for old in range(1, size + 1):
        assert reader.consistency_proof(old, size) == merkle.consistency_proof(hashes, old)


def test_a_tile_holds_256_hashes_and_their_root(sequencer, make_event):
    event = make_event()
    sequencer.step()
    copies = AuditEvent.objects.bulk_create(_copy(event, n) for n in range(260))
    AuditPending.objects.bulk_create(AuditPending(event=each) for each in copies)

    sequencer.step()

    tile = AuditTile.objects.get()
    assert (tile.level, tile.index) == (0, 0)
    assert bytes(tile.hashes) == b"".join(stored_hashes()[:256])
    assert bytes(tile.root) == merkle.root(stored_hashes()[:256])


@pytest.mark.parametrize(
    "forgery",
    [
        "DELETE FROM audit_leaf WHERE seq = 2",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_checkpoint SET note = replace(note, 'audit', 'tidua')",
        "UPDATE audit_checkpoint SET frontier = (SELECT frontier FROM audit_checkpoint WHERE size = 1) WHERE size = 3",
    ],
)
def test_a_log_that_does_not_fit_its_checkpoint_is_not_continued(sequencer, make_event, forgery):
    """Signing on would give the forgery a signature."""
    make_event()
    sequencer.step()
    make_event(), make_event()
    sequencer.step()
    forge(forgery)
    make_event()

    with pytest.raises(LedgerBroken):
        sequencer.step()

    assert AuditPending.objects.count() == 1


def test_a_leaf_missing_in_the_middle_is_found_at_start(sequencer, make_event):
    for _ in range(3):
        make_event()
    sequencer.step()
    forge("DELETE FROM audit_leaf WHERE seq = 1")

    with pytest.raises(LedgerBroken, match="2 leaves"):
        sequencer.check_start()


def test_an_event_deleted_before_it_got_its_place_is_noticed(sequencer, make_event):
    event = make_event()
    forge(f"DELETE FROM audit_private WHERE event_id = {event.pk}")
    forge(f"DELETE FROM audit_event WHERE id = {event.pk}")

    with pytest.raises(LedgerBroken, match="gone"):
        sequencer.step()


def test_another_key_does_not_continue_the_log(sequencer, make_event):
    make_event()
    sequencer.step()
    make_event()

    with pytest.raises(WrongKey):
        Sequencer(Signer.generate(keys.origin())).step()


def _copy(event, number):
    from core.ids import uuid7

    return AuditEvent(
        uuid=uuid7(), at=event.at, org=event.org, action=event.action, outcome=event.outcome, actor_type="system",
        actor_id=event.actor_id, target_type="ledger", target_id=str(number), body=f'{{"n":{number}}}',
    )  # fmt: skip


def test_sequence_now_drains_what_waits(home, db, make_event):
    make_event()

    assert sequence_now() == 1
    assert sequence_now() == 0


@pytest.fixture
def stopped():
    stop = threading.Event()
    stop.set()
    return stop


def test_what_was_committed_before_the_stop_gets_its_place(home, db, make_event, monkeypatch, stopped):
    """More than fits into a step."""
    monkeypatch.setattr("audit.sequencer.STEP_EVENTS", 2)
    monkeypatch.setattr(audit_sequencer, "STEP_EVENTS", 2)
    events = [make_event() for _ in range(5)]

    audit_sequencer._run_connected(Sequencer(keys.load_signer()), stopped, lambda: None)

    assert list(AuditLeaf.objects.order_by("seq").values_list("event_id", flat=True)) == [each.pk for each in events]


def test_a_stopped_sequencer_ends_though_others_write_on(home, db, monkeypatch, stopped):
    class Flooded(Sequencer):
        def step(self):
            return audit_sequencer.STEP_EVENTS

    monkeypatch.setattr(audit_sequencer, "LAST_S", 0.05)

    audit_sequencer._run_connected(Flooded(keys.load_signer()), stopped, lambda: None)

    assert not AuditLeaf.objects.exists()
