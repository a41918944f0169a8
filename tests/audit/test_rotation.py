"""The log changes hands: one event, one checkpoint with both signatures, and every reader follows."""

import json

import pytest

from audit import keys, notes
from audit.keyring import Keyring, Rotation, open_rotation, rotation_in
from audit.keys import WrongKey
from audit.models import AuditCheckpoint, AuditEvent, AuditPending
from audit.notes import Checkpoint, InvalidCheckpoint, InvalidNote, Signer, format_checkpoint, sign_note
from audit.rotation import ask_for_rotation, rotations
from audit.sequencer import Sequencer
from audit.services import vkey
from audit.testing import guards_lifted, sequence_now
from audit.verification import verify_ledger
from core.errors import Invalid

ORIGIN = "log.example/audit/default"


@pytest.fixture
def log(home, db, make_event):
    """A log of three events."""
    for _ in range(3):
        make_event()
    sequence_now()


def rotated(make_event):
    """Rotate between an event before and one after, all in one step; old and new key."""
    make_event()
    handover = ask_for_rotation(reason="yearly")
    make_event()
    sequence_now()
    return handover


# --- the sequencer ---------------------------------------------------------------------------------------------------


def test_one_checkpoint_has_both_signatures_and_names_both_keys(log, make_event):
    handover = rotated(make_event)

    checkpoint, rotation = open_rotation(rotations()[0])

    assert rotation == Rotation(handover.old, handover.new)
    assert checkpoint.size == 5  # three, one before, and the event of the rotation itself


def test_the_checkpoint_ends_with_the_event_of_the_rotation(log, make_event):
    rotated(make_event)

    event = AuditEvent.objects.get(action="audit.rotate_key")

    assert open_rotation(rotations()[0])[0].size == event.leaf.seq + 1
    assert json.loads(event.body)["after"] == {"vkey": vkey()}


def test_what_comes_after_is_signed_by_the_new_key_alone(log, make_event):
    handover = rotated(make_event)
    last = AuditCheckpoint.objects.order_by("-size").first()

    assert (last.size, last.vkey) == (6, handover.new)
    notes.verify_note(last.note, handover.new)
    with pytest.raises(InvalidNote, match="no signature"):
        notes.verify_note(last.note, handover.old)


def test_the_new_key_takes_the_old_ones_place_on_disk(log, make_event, home):
    handover = rotated(make_event)

    assert keys.load_signer().vkey == handover.new == vkey()
    assert not (home / "keys" / "log.next.key").exists()
    assert (home / "keys" / "log.key").stat().st_mode & 0o777 == 0o600


def test_a_sequencer_goes_on_with_the_new_key_in_its_next_step(log, make_event):
    sequencer = Sequencer(keys.load_signer())
    ask_for_rotation(reason="yearly")
    sequencer.step()
    make_event()

    assert sequencer.step() == 1
    assert verify_ledger().findings == []


def test_a_second_sequencer_with_the_old_key_signs_nothing_more(log, make_event):
    old = Sequencer(keys.load_signer())
    rotated(make_event)
    make_event()

    with pytest.raises(WrongKey):
        old.step()


def test_asking_twice_is_one_request(log):
    assert ask_for_rotation(reason="yearly") == ask_for_rotation(reason="again")
    assert AuditEvent.objects.filter(action="audit.rotate_key").count() == 1


def test_a_request_whose_event_was_never_written_is_completed_by_asking_again(log):
    heir = keys.make_successor()

    ask_for_rotation(reason="yearly")
    sequence_now()

    assert vkey() == heir.vkey


def test_a_rotation_needs_a_reason(log):
    with pytest.raises(Invalid, match="reason"):
        ask_for_rotation(reason="  ")


def test_it_can_be_asked_for_only_where_the_secret_key_is(log, home):
    (home / "keys" / "log.key").unlink()

    with pytest.raises(WrongKey):
        ask_for_rotation(reason="yearly")


def test_an_event_that_names_a_key_nobody_has_hands_nothing_over(log, make_event):
    """Whoever can write to the tables can write such an event, and that must be worth nothing."""
    before = vkey()
    make_event(action="audit.rotate_key", after={"vkey": Signer.generate(ORIGIN).vkey})
    sequence_now()

    assert (vkey(), rotations()) == (before, [])


def test_an_event_that_names_another_key_than_the_waiting_one_hands_nothing_over(log, make_event):
    before, heir = vkey(), keys.make_successor()
    make_event(action="audit.rotate_key", after={"vkey": Signer.generate(ORIGIN).vkey})
    sequence_now()

    assert vkey() == before != heir.vkey


@pytest.mark.parametrize("settled", ["nothing", "the public half"])
def test_a_crash_after_the_commit_is_settled_at_the_next_start(log, make_event, monkeypatch, settled, home):
    ask_for_rotation(reason="yearly")
    heir = keys.find_successor()

    def die(found):
        if settled == "the public half":
            (home / "keys" / "log.vkey").write_text(found.vkey + "\n")
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "settle_successor", die)
    with pytest.raises(KeyboardInterrupt):
        sequence_now()
    monkeypatch.undo()
    make_event()

    assert sequence_now() == 1
    assert vkey() == heir.vkey == keys.load_signer().vkey
    assert verify_ledger().findings == []


def test_a_step_that_is_rolled_back_leaves_the_old_key_in_charge(log, make_event, monkeypatch):
    before, sequencer = vkey(), Sequencer(keys.load_signer())
    ask_for_rotation(reason="yearly")
    monkeypatch.setattr(AuditCheckpoint.objects, "bulk_create", lambda rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sequencer.step()
    monkeypatch.undo()

    assert (vkey(), AuditPending.objects.count()) == (before, 1)
    assert sequencer.step() == 1
    assert vkey() != before


# --- the hourly check ------------------------------------------------------------------------------------------------


def test_a_log_of_three_keys_is_found_whole(log, make_event):
    rotated(make_event)
    rotated(make_event)

    assert len(rotations()) == 2
    assert verify_ledger().findings == []


def test_a_checkpoint_signed_with_a_retired_key_is_found(log, make_event):
    old = keys.load_signer()
    rotated(make_event)
    last = AuditCheckpoint.objects.order_by("-size").first()
    text = format_checkpoint(Checkpoint(old.name, last.size, bytes(last.root)))
    with guards_lifted():
        AuditCheckpoint.objects.filter(pk=last.pk).update(note=sign_note(text, old))

    assert "was not the log's key at size 6" in " ".join(verify_ledger().findings)


def test_a_rotation_without_its_event_is_found(log, make_event):
    old, heir = keys.load_signer(), keys.make_successor()
    last = AuditCheckpoint.objects.order_by("-size").first()
    said = Rotation(old.vkey, heir.vkey).line()
    text = format_checkpoint(Checkpoint(old.name, last.size, bytes(last.root), (said,)))
    with guards_lifted():
        AuditCheckpoint.objects.filter(pk=last.pk).update(note=sign_note(text, old, heir))

    assert "no event there speaks of" in " ".join(verify_ledger().findings)


# --- which key may sign what -----------------------------------------------------------------------------------------


def note_at(size, *signers, extensions=()):
    return sign_note(format_checkpoint(Checkpoint(ORIGIN, size, b"\7" * 32, tuple(extensions))), *signers)


def rotation_at(size, old, new):
    return note_at(size, old, new, extensions=[Rotation(old.vkey, new.vkey).line()])


@pytest.fixture
def chain():
    """Three keys of one log, which changed hands at 10 and at 20."""
    first, second, third = (Signer.generate(ORIGIN) for _ in range(3))
    return (first, second, third), [rotation_at(10, first, second), rotation_at(20, second, third)]


@pytest.mark.parametrize("known", [0, 1, 2])
def test_any_key_of_the_log_leads_to_the_others(chain, known):
    signers, handed = chain

    ring = Keyring(signers[known].vkey, reversed(handed))

    assert ring.vkeys == tuple(each.vkey for each in signers)
    assert [ring.open(note_at(size, signers[at])).size for at, size in ((0, 3), (0, 10), (1, 10), (1, 15), (2, 99))]


@pytest.mark.parametrize(("at", "size"), [(0, 11), (1, 9), (1, 21), (2, 19)])
def test_a_key_signs_nothing_outside_its_time(chain, at, size):
    signers, handed = chain

    with pytest.raises(InvalidNote, match="was not the log's key"):
        Keyring(signers[1].vkey, handed).open(note_at(size, signers[at]))


def test_signatures_beside_each_other_are_no_rotation(chain):
    """Anybody can put a second signature under a note."""
    (first, second, _), _ = chain

    assert Keyring(first.vkey, [note_at(10, first, second)]).vkeys == (first.vkey,)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_rotation_without_one_of_the_signatures_leads_nowhere(chain, missing):
    signers, _ = chain
    note = note_at(10, signers[1 - missing], extensions=[Rotation(signers[0].vkey, signers[1].vkey).line()])

    assert Keyring(signers[0].vkey, [note]).vkeys == (signers[0].vkey,)


def test_a_key_that_hands_over_to_two_was_stolen_and_is_followed_to_neither(chain):
    (first, second, third), _ = chain

    assert Keyring(first.vkey, [rotation_at(10, first, second), rotation_at(12, first, third)]).vkeys == (first.vkey,)


def test_a_circle_of_rotations_ends(chain):
    (first, second, _), _ = chain

    assert set(Keyring(first.vkey, [rotation_at(10, first, second), rotation_at(20, second, first)]).vkeys) == {
        first.vkey,
        second.vkey,
    }


@pytest.mark.parametrize(
    "line",
    [
        "lineal-rotates",
        "lineal-rotates a b",
        f"lineal-rotates {Signer(ORIGIN, bytes(32)).vkey} {Signer(ORIGIN, bytes(32)).vkey}",
        f"lineal-rotates {Signer(ORIGIN, bytes(32)).vkey} {Signer('other.example/log', bytes(32)).vkey}",
    ],
)
def test_a_malformed_rotation_is_refused(line):
    with pytest.raises(InvalidCheckpoint):
        rotation_in(Checkpoint(ORIGIN, 1, b"\0" * 32, (line,)))
