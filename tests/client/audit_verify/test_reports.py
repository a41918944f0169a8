"""What people and programs see of a report."""

import json

from lineal._audit_verify import render

from audit import merkle
from tests.client.audit_verify.exports import KEEPER, ORIGIN, Log, b64


def test_findings_cannot_speak_to_the_terminal(verify):
    """An attacker writes the file; escape codes in it must not repaint the auditor's screen."""
    log = Log(events=2, every=2)
    log.bodies[1] = json.dumps({"id": "\x1b[2J\u202e", "action": "a\nPROVEN: all good"})
    leaf = log.leaves[1]
    log.reseal()
    log.leaves[1] = leaf

    text = render(verify(log.objects()))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nPROVEN" not in text


def test_a_finding_is_rendered_with_its_place(matrix, verify):
    objects = list(matrix.objects())
    objects[5] = objects[5] | {"body": objects[5]["body"].replace("holdout", "nothing")}

    text = render(verify(objects))

    assert text.startswith("FAILED: 1 finding in 1,000 events.\n")
    assert "line 6, event 3, project.member_add, 0192f0c1-7000-7000-8000-000000000003: This event was changed" in text


def test_the_report_is_plain_data(honest, verify):
    data = json.loads(json.dumps(verify(honest.objects(), anchors=[honest.note(100)]).to_dict()))

    assert data["ok"] is True
    assert data["verdict"] == "proven"
    assert data["last_checkpoint"] == {"origin": ORIGIN, "size": 300, "root": b64(merkle.root(honest.leaves))}
    assert (data["anchored_to"], data["keys"], data["findings"]) == (100, [KEEPER.vkey], [])
