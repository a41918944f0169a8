"""What an auditor with the public key alone finds in an honest export: nothing; and what the key and anchors add."""

from lineal._audit_verify import render

from audit import merkle
from audit.notes import Signer, sign_note
from tests.client.audit_verify.exports import KEEPER, ORIGIN, Log, b64, encoded, kinds, only


def test_an_honest_export_is_proven(honest, verify):
    report = verify(honest.objects())

    assert report.findings == []
    assert (report.ok, report.verdict) == (True, "proven")
    assert (report.events, report.size, report.checkpoints, report.private_values) == (300, 300, 6, 43)
    assert report.root == b64(merkle.root(honest.leaves))
    assert report.last_checkpoint.size == 300
    assert report.origin == ORIGIN
    assert report.anchored_to is None


def test_an_export_without_the_optional_digest_is_proven(honest, verify):
    assert verify(encoded(honest.objects(), digest=False)).ok


def test_personal_values_may_be_gone(honest, verify):
    """Erasing them breaks no proof."""
    report = verify(each for each in honest.objects() if each["type"] != "private")

    assert report.ok
    assert report.private_values == 0


def test_without_a_key_nothing_is_proven(honest, verify):
    """The header's key is the claim of whoever wrote the file, so it cannot vouch for the file."""
    report = verify(honest.objects(), vkey=None)

    assert (report.ok, report.verdict) == (False, "not proven")
    assert only(report).kind == "no-key"
    assert "NOT PROVEN" in render(report)


def test_a_mistyped_key_is_named(honest, verify):
    report = verify(honest.objects(), vkey=KEEPER.vkey[:-1])

    assert not report.ok
    assert report.findings[0].kind == "bad-key"
    assert KEEPER.vkey[:-1] in report.findings[0].message


def test_the_keys_of_a_rotation_are_given_together(honest, verify):
    successor = Signer.generate(ORIGIN)
    log = Log(events=40, every=10)
    log.notes[20] = sign_note(log.note(20).partition("\n\n")[0] + "\n", KEEPER, successor)
    log.notes |= {size: log.note(size, successor) for size in (30, 40)}

    assert verify(log.objects(), vkey=[KEEPER.vkey, successor.vkey]).ok
    assert "signature" in kinds(verify(log.objects(), vkey=KEEPER.vkey))
    assert "signature" in kinds(verify(log.objects(), vkey=successor.vkey))


def test_a_wrong_signature_beside_a_good_one_is_reported(verify):
    successor = Signer.generate(ORIGIN)
    log = Log(events=10, every=10)
    forged = log.note(10, successor).partition("\n\n")[2]
    bent = forged[:60] + ("A" if forged[60] != "A" else "B") + forged[61:]
    log.notes[10] += bent

    assert "signature" in kinds(verify(log.objects(), vkey=[KEEPER.vkey, successor.vkey]))
    assert verify(log.objects(), vkey=KEEPER.vkey).ok


def test_anchors_that_agree_are_counted(honest, verify):
    report = verify(honest.objects(), anchors=[honest.note(120), honest.note(50), honest.note(1)])

    assert report.ok
    assert report.anchored_to == 120
    assert "up to size 120" in render(report)
