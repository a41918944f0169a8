"""Personal values beside the events that commit to them."""

from audit.canonical import commit, encode
from tests.client.audit_verify.exports import Log, b64, only


def test_a_changed_personal_value_is_named(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each["type"] == "private" and each["seq"] == 14)
    objects[at] = objects[at] | {"value": "Bob"}

    finding = only(verify(objects))

    assert (finding.kind, finding.seq, finding.line, finding.action) == ("private", 14, at + 1, "token.create")


def test_a_wrong_salt_fails(honest, verify):
    objects = list(honest.objects())
    at = next(i for i, each in enumerate(objects) if each["type"] == "private")
    objects[at] = objects[at] | {"salt": b64(b"\0" * 16)}

    assert only(verify(objects)).kind == "private"


def test_pointers_reach_into_lists_and_escaped_names(verify):
    log = Log(events=2, every=2)
    commitment, salt = commit({"n": [1, "ä"]})
    log.bodies[1] = encode({"id": "x", "action": "a.b", "before": {"a/b~c": [None, commitment]}}).decode()
    log.reseal()
    log.private = {1: {"path": "/before/a~1b~0c/1", "salt": b64(salt), "value": {"n": [1, "ä"]}}}

    assert verify(log.objects()).private_values == 1
