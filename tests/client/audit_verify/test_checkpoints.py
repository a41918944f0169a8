"""Checkpoints that do not belong into the file they stand in."""

from tests.client.audit_verify.exports import KEEPER, Log, kinds, only, rewritten


def test_a_log_without_events_proves_nothing_unless_signed(verify):
    log = Log(events=0)
    header = log.header()

    assert only(verify([header])).kind == "uncovered"
    assert verify([header, {"type": "checkpoint", "size": 0, "note": log.note(0)}]).ok


def test_checkpoints_of_another_log_are_refused(honest, verify):
    log = Log()
    log.origin = "elsewhere.example/audit"
    log.reseal()
    mixed = Log()
    mixed.notes[150] = log.notes[150]

    assert only(verify(mixed.objects())).kind == "origin"
    assert kinds(verify(log.objects(), anchors=[honest.note(100)])) >= {"origin", "uncovered"}


def test_a_signed_checkpoint_of_another_history_is_noticed(verify):
    """The key's holder signed two logs under one name: the one thing a log must never do."""
    other = rewritten(Log(events=1_000, every=100), KEEPER)
    log = Log(events=1_000, every=100)
    log.notes[300] = other.notes[300]

    report = verify(log.objects())

    assert only(report).kind == "root"
    assert report.last_checkpoint.size == 1_000


def test_a_repeated_checkpoint_is_noticed(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each["type"] == "checkpoint")

    assert only(verify([*objects[: at + 1], *objects[at:]])).kind == "checkpoint"
