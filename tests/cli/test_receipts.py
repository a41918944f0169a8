"""`lineal verify`: only what the server's key signed, and only the very files, come through."""

import json
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cli.conftest import OTHER_DIGEST

PAYLOAD_TYPE = b"application/vnd.in-toto+json"
NAME = "localhost/audit/default/receipts"


class Signer:
    def __init__(self, seed=1):
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        raw = b"\x01" + self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = sha256(NAME.encode() + b"\n" + raw).digest()[:4].hex()
        self.vkey = f"{NAME}+{self.key_id}+{b64encode(raw).decode()}"

    def envelope(self, statement, *, payload_type=PAYLOAD_TYPE):
        payload = json.dumps(statement).encode()
        message = b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type, len(payload), payload)
        signature = b64encode(self._private.sign(message)).decode()
        return {
            "payload": b64encode(payload).decode(),
            "payloadType": payload_type.decode(),
            "signatures": [{"keyid": self.key_id, "sig": signature}],
        }


def make_statement(digest, **changes):
    predicate = {
        "decision": "promoted",
        "model": "fraud",
        "version": 42,
        "digest": digest,
        "environment": "production",
    }
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "default/fraud@42", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "urn:lineal:promotion:v1",
        "predicate": {**predicate, **changes},
    }


@pytest.fixture
def model_dir(tmp_path):
    """Two files, and the digest of their `sha256sum` manifest."""
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"weights")
    (folder / "sub" / "b.txt").write_bytes(b"card")
    manifest = f"{sha256(b'weights').hexdigest()}  a.bin\n{sha256(b'card').hexdigest()}  sub/b.txt\n"
    return folder, f"sha256:{sha256(manifest.encode()).hexdigest()}"


@pytest.fixture
def keep(tmp_path):
    """`keep(envelope)`: write it to a file."""

    def write(envelope):
        path = tmp_path / "receipt.json"
        path.write_text(json.dumps(envelope))
        return str(path)

    return write


def test_a_receipt_proves_the_promotion_and_the_files(lineal, keep, model_dir):
    folder, digest = model_dir
    signer = Signer()

    result = lineal("verify", keep(signer.envelope(make_statement(digest))), "--key", signer.vkey,
                    "--model-dir", str(folder), "--model", "fraud", "--env", "production")  # fmt: skip

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"PROVEN: fraud v42 {digest} was promoted to production")


@pytest.mark.parametrize("change", ["one byte", "one more file", "one file less"])
def test_other_files_than_the_promoted_are_not_proven(lineal, keep, model_dir, change):
    folder, digest = model_dir
    signer = Signer()
    if change == "one byte":
        (folder / "a.bin").write_bytes(b"weightz")
    elif change == "one more file":
        (folder / "extra.py").write_text("")
    else:
        (folder / "a.bin").unlink()

    receipt = keep(signer.envelope(make_statement(digest)))
    result = lineal("verify", receipt, "--key", signer.vkey, "--model-dir", str(folder))

    assert result.exit_code == 1
    assert result.stderr.startswith("lineal: NOT PROVEN")


def test_every_changed_byte_of_the_payload_is_found(lineal, keep, model_dir):
    signer = Signer()
    envelope = signer.envelope(make_statement(model_dir[1]))
    payload = bytearray(b64decode(envelope["payload"]))
    for at in range(0, len(payload), 37):
        changed = bytes(payload[:at]) + bytes([payload[at] ^ 1]) + bytes(payload[at + 1 :])

        receipt = keep({**envelope, "payload": b64encode(changed).decode()})
        assert lineal("verify", receipt, "--key", signer.vkey).exit_code == 1


SIGNER = Signer()
GOOD = SIGNER.envelope(make_statement(OTHER_DIGEST))
SPOILED = {
    "another key": Signer(2).envelope(make_statement(OTHER_DIGEST)),
    "no signature": {**GOOD, "signatures": []},
    "an empty signature": {**GOOD, "signatures": [{"keyid": SIGNER.key_id, "sig": ""}]},
    "signatures of another type": {**GOOD, "signatures": "none"},
    "another payload type": SIGNER.envelope(make_statement(OTHER_DIGEST), payload_type=b"text/plain"),
    "another statement": SIGNER.envelope({"_type": "other"}),
    "a promotion that failed": SIGNER.envelope(make_statement(OTHER_DIGEST, decision="gate_failed")),
    "no subject": SIGNER.envelope({**make_statement(OTHER_DIGEST), "subject": []}),
    "another subject": SIGNER.envelope(make_statement(OTHER_DIGEST) | {"predicate": {"decision": "promoted"}}),
    "no envelope": [],
}


@pytest.mark.parametrize("envelope", SPOILED.values(), ids=SPOILED)
def test_what_is_no_signed_promotion_is_not_proven(lineal, keep, envelope):
    """Each in one plain line: the file may be an attacker's."""
    result = lineal("verify", keep(envelope), "--key", SIGNER.vkey)

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("option", "value"), [("--model", "other"), ("--environment", "staging")])
def test_a_receipt_of_another_promotion_is_not_proven(lineal, keep, option, value):
    """A receipt for staging must not open production."""
    signer = Signer()

    result = lineal("verify", keep(signer.envelope(make_statement(OTHER_DIGEST))), "--key", signer.vkey, option, value)

    assert result.exit_code == 1


def test_a_receipt_is_kept_with_the_key_that_signed_it(signed_in, lineal, make_result, tmp_path):
    signed_in.answer("GET", "/promotions/p1", make_result(receipt={"uri": "/api/v1/receipts/1?project=default"}))
    signed_in.answer("GET", "/receipts/1", b'{"payload":""}')
    signed_in.answer("GET", "/receipts/key", {"vkey": "the-key"})

    result = lineal("promotions", "receipt", "p1", "--out", str(tmp_path / "r.json"))

    assert result.exit_code == 0, result.output
    assert (tmp_path / "r.json").read_bytes() == b'{"payload":""}'
    assert "--key the-key" in result.stderr
    assert signed_in.asked("GET", "/receipts/1")[0].query == {"project": "default"}
