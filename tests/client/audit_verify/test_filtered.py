"""Filtered exports: chosen events, each with its proof under one checkpoint."""

import pytest
from lineal._audit_verify import render

from audit import merkle
from tests.client.audit_verify.exports import CHOSEN, KEEPER, Log, b64, kinds, only, rewritten


def test_a_filtered_export_is_proven(honest, verify):
    report = verify(honest.filtered_objects(CHOSEN), anchors=[honest.note(300)])

    assert report.findings == []
    assert (report.ok, report.filtered, report.events, report.size, report.anchored_to) == (True, True, 8, 300, 300)
    assert report.private_values == 2
    assert "that none was left out is not" in render(report)


def test_a_filtered_export_of_nothing_is_proven(honest, verify):
    assert verify(honest.filtered_objects([])).ok


def test_a_filtered_event_that_was_edited_is_named(honest, verify):
    objects = list(honest.filtered_objects(CHOSEN))
    objects[4] = objects[4] | {"body": objects[4]["body"].replace("holdout", "nothing")}

    assert only(verify(objects)).kind == "event-changed"


def test_a_filtered_event_that_was_never_logged_is_named(honest, verify):
    objects = list(honest.filtered_objects(CHOSEN))
    body = objects[4]["body"].replace("holdout", "nothing")
    objects[4] = objects[4] | {"body": body, "leaf_hash": b64(merkle.leaf_hash(body.encode()))}

    finding = only(verify(objects))

    assert (finding.kind, finding.seq, finding.line) == ("proof", objects[4]["seq"], 5)


@pytest.mark.parametrize("proof", [[], ["nonsense"], [""] * 9, [b64(b"\0" * 31)] * 9])
def test_a_bad_proof_is_noticed(honest, verify, proof):
    objects = list(honest.filtered_objects([5]))
    objects[2] = objects[2] | {"proof": proof}

    assert only(verify(objects)).kind == "proof"


def test_a_filtered_event_without_proof_or_in_wrong_order_is_noticed(honest, verify):
    header, checkpoint, *rest = honest.filtered_objects([4, 5])

    bare = {key: value for key, value in rest[0].items() if key != "proof"}
    assert only(verify([header, checkpoint, bare, rest[1]])).kind == "proof"
    assert only(verify([header, checkpoint, rest[1], rest[0]])).kind == "sequence"
    assert only(verify([header, checkpoint, rest[0], rest[0]])).kind == "sequence"


def test_a_filtered_export_needs_its_checkpoint_first(honest, verify):
    header, checkpoint, *rest = honest.filtered_objects([4, 5])

    assert only(verify([header, *rest])).kind == "uncovered"
    assert kinds(verify([header, *rest, checkpoint])) == {"uncovered", "checkpoint"}
    assert kinds(verify([header, checkpoint, checkpoint, *rest])) == {"checkpoint"}
    assert kinds(verify([header | {"size": 200}, checkpoint, *rest])) == {"size"}


def test_a_full_export_carries_no_proofs(honest, verify):
    objects = list(honest.objects())
    objects[1] = objects[1] | {"proof": []}

    assert only(verify(objects)).kind == "line"


def test_anchors_of_other_sizes_cannot_be_compared_with_a_filtered_export(honest, verify):
    older = verify(honest.filtered_objects(CHOSEN), anchors=[honest.note(100)])
    newer = verify(honest.filtered_objects(CHOSEN), anchors=[Log(events=301).note(301)])
    foreign = verify(honest.filtered_objects(CHOSEN), anchors=[rewritten(Log(), KEEPER).note(300)])

    assert "only a full export can be compared" in only(older).message
    assert (older.verdict, kinds(older)) == ("not proven", {"anchor-unchecked"})
    assert (newer.verdict, kinds(newer)) == ("failed", {"anchor"})
    assert (foreign.verdict, kinds(foreign)) == ("failed", {"anchor"})
