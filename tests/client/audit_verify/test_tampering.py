"""The ways to tamper: AUDIT.md's matrix, on 1,000 events with a checkpoint per 100 and one anchor at 500."""

from lineal._audit_verify import render

from audit import merkle
from tests.client.audit_verify.exports import KEEPER, MALLORY, Log, b64, body_of, kinds, only, rewritten


def test_an_edited_row_is_named(matrix, verify):
    objects = list(matrix.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 250)
    objects[at] = objects[at] | {"body": objects[at]["body"].replace("holdout", "nothing")}

    finding = only(verify(objects))

    assert (finding.kind, finding.line, finding.seq) == ("event-changed", at + 1, 250)
    assert (finding.action, finding.event_id[-3:]) == ("token.create", "0fa")


def test_an_edited_row_with_its_hash_edited_too_breaks_the_next_checkpoint(matrix, verify):
    objects = list(matrix.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 250)
    body = objects[at]["body"].replace("holdout", "nothing")
    objects[at] = objects[at] | {"body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    report = verify(objects)

    finding = only(report)
    assert finding.kind == "root"
    assert "events 200 to 299" in finding.message
    assert report.last_checkpoint.size == 200


def test_a_wrong_root_at_the_very_first_checkpoint_is_noticed(matrix, verify):
    objects = list(matrix.objects())
    body = objects[5]["body"].replace("holdout", "nothing")
    objects[5] = objects[5] | {"body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    report = verify(objects)

    assert "events 0 to 99" in only(report).message
    assert report.last_checkpoint is None


def test_swapped_bodies_under_kept_numbers_break_the_root(matrix, verify):
    log = list(matrix.objects())
    first, second = (next(i for i, each in enumerate(log) if each.get("seq") == seq) for seq in (310, 311))
    log[first], log[second] = log[second] | {"seq": 310}, log[first] | {"seq": 311}

    assert only(verify(log)).kind == "root"


def test_a_deleted_event_leaves_a_gap(matrix, verify):
    report = verify(each for each in matrix.objects() if each.get("seq") != 250)

    assert {"sequence", "checkpoint", "size"} == kinds(report)
    assert "Expected event 250, found 251: events 250 to 250 are missing" in report.findings[0].message
    assert report.last_checkpoint.size == 200


def test_reordered_events_are_noticed(matrix, verify):
    objects = list(matrix.objects())
    at = next(i for i, each in enumerate(objects) if each.get("seq") == 250)
    objects[at], objects[at + 1] = objects[at + 1], objects[at]

    report = verify(objects)

    assert {"sequence", "root"} == kinds(report)
    assert report.findings[0].line == at + 1


def test_a_deletion_with_renumbering_is_noticed(matrix, verify):
    log = Log(events=1_000, every=100, private_every=10_000)
    objects = [each for each in log.objects() if each.get("seq") != 250]
    objects = [each | {"seq": each["seq"] - 1} if each.get("seq", 0) > 250 else each for each in objects]

    report = verify(objects)

    assert {"checkpoint", "size"} == kinds(report)
    assert "size 300 stands after 299 events" in report.findings[0].message


def test_a_forged_event_at_the_end_is_not_covered(matrix, verify):
    body, _ = body_of(1_000)
    forged = {"type": "event", "seq": 1_000, "body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    report = verify([*matrix.objects(), forged])

    assert {"uncovered", "size"} == kinds(report)
    assert "events 1000 to 1000" in report.findings[0].message


def test_an_export_without_checkpoints_proves_nothing(matrix, verify):
    report = verify(each for each in matrix.objects() if each["type"] != "checkpoint")

    assert only(report).kind == "uncovered"
    assert report.last_checkpoint is None


def test_a_log_rewritten_under_another_key_is_not_signed(matrix, verify):
    forged = rewritten(matrix, MALLORY)

    report = verify(forged.objects())

    assert {"signature", "uncovered", "header"} == kinds(report)
    assert report.last_checkpoint is None


def test_a_log_rewritten_under_the_stolen_key_passes_without_an_anchor(matrix, verify):
    """Stated as it is: no file can prove itself against one who holds the key. This is what anchors are for."""
    report = verify(rewritten(matrix, KEEPER).objects())

    assert report.ok
    assert "would not show" in render(report)


def test_a_log_rewritten_under_the_stolen_key_fails_at_an_older_anchor(matrix, verify):
    finding = only(verify(rewritten(matrix, KEEPER).objects(), anchors=[matrix.note(500)]))

    assert finding.kind == "anchor"
    assert "size 500 is not the one of the anchor" in finding.message


def test_a_cut_tail_passes_without_a_newer_anchor_and_fails_with_it(matrix, verify):
    cut = Log(events=400, every=100, private_every=10_000)

    assert verify(cut.objects()).ok
    finding = only(verify(cut.objects(), anchors=[matrix.note(500)]))
    assert finding.kind == "anchor"
    assert "its tail was cut, or it is older" in finding.message
