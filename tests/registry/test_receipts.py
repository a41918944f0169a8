"""Receipts: in-toto statements in DSSE envelopes that anybody checks with a public key."""

import hashlib
import json
from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.notes import parse_vkey
from audit.testing import sequence_now
from registry import selectors, services
from registry.models import Receipt
from registry.result import result_document

pytestmark = pytest.mark.django_db


def pae(kind, payload):
    """DSSE v1.0, written from its text a second time."""
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(payload)).encode(), payload])


@pytest.fixture
def receipt(home, make_version, promote):
    """Of a promotion whose ledger entry is numbered."""
    promotion = promote(make_version(inputs=[("train", "sha256:" + "1" * 64, "content")], commit="1a2b3c"))
    sequence_now()
    return services.issue_receipt(promotion_id=promotion.pk)


def test_receipt_is_signed_and_speaks_of_the_manifest(receipt):
    envelope = json.loads(receipt.envelope)
    payload = b64decode(envelope["payload"])
    key = Ed25519PublicKey.from_public_bytes(parse_vkey(receipt.vkey).public)
    message = pae(envelope["payloadType"], payload)

    key.verify(b64decode(envelope["signatures"][0]["sig"]), message)
    with pytest.raises(InvalidSignature):
        key.verify(b64decode(envelope["signatures"][0]["sig"]), message + b" ")

    statement = json.loads(payload)
    promotion = receipt.promotion
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["digest"]["sha256"] == promotion.version.digest.removeprefix("sha256:")
    assert statement["predicate"]["decision"] == "promoted"
    assert statement["predicate"]["audit"]["seq"] >= 0
    assert statement["predicate"]["lineage"]["code"] == "git:1a2b3c"


def test_result_document_points_at_the_bytes_of_the_receipt(receipt, api, bob):
    document = result_document(selectors.get_promotion(project=receipt.promotion.project, uuid=receipt.promotion.uuid))

    answer = api(bob).get(document["receipt"]["uri"])

    assert hashlib.sha256(answer.content).hexdigest() == document["receipt"]["sha256"]
    assert answer.headers["Content-Type"] == "application/vnd.in-toto+dsse"
    assert api(bob).get("receipts/key").json() == {"vkey": receipt.vkey}


def test_receipt_waits_for_the_ledger(home, make_version, promote, run_jobs):
    """No number, no receipt: it would prove less than it says. The job asks to come again."""
    from core.models import Job

    promotion = promote(make_version())

    assert services.issue_receipt(promotion_id=promotion.pk) is None
    assert Job.objects.filter(name="registry.issue_receipt", done_at=None).count() == 2
    assert result_document(promotion)["receipt"]["status"] == "pending"


def test_receipt_is_made_once(receipt, home, recorded_actions):
    before = recorded_actions()

    again = services.issue_receipt(promotion_id=receipt.promotion_id)

    assert again.pk == receipt.pk
    assert recorded_actions() == before
    assert recorded_actions().count("receipt_key.create") == 1


def test_key_is_nobody_elses_to_read(receipt, home):
    assert (home / "keys" / "receipt.key").stat().st_mode & 0o777 == 0o600


def test_nothing_but_a_promotion_gets_a_receipt(home, make_version, promote, alice):
    version = make_version()
    services.retire_version(version=version, reason="old", actor=alice)
    promotion = promote(version)
    sequence_now()

    assert services.issue_receipt(promotion_id=promotion.pk) is None
    assert not Receipt.objects.exists()


def test_mallory_gets_no_receipt(receipt, api, mallory):
    assert api(mallory).get(f"receipts/{receipt.uuid}").status_code == 404
    assert api(None).get(f"receipts/{receipt.uuid}").status_code == 401
