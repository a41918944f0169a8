"""`lineal audit`: taking the log away, and proving the file with the public key alone."""

import json
import socket
from base64 import b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lineal._proofs import Tree, leaf_hash

from tests.cli.conftest import VKEY

ORIGIN = "localhost/audit/default"


class Log:
    """A log of our own: signs checkpoints, writes exports."""

    def __init__(self):
        self._private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        raw = b"\x01" + self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._id = sha256(ORIGIN.encode() + b"\n" + raw).digest()[:4]
        self.vkey = f"{ORIGIN}+{self._id.hex()}+{b64encode(raw).decode()}"

    def checkpoint(self, bodies):
        tree = Tree()
        for body in bodies:
            tree.add(leaf_hash(body.encode()))
        text = f"{ORIGIN}\n{tree.size}\n{b64encode(tree.root()).decode()}\n"
        signature = b64encode(self._id + self._private.sign(text.encode())).decode()
        return f"{text}\n— {ORIGIN} {signature}\n"

    def export(self, path, count=3):
        bodies = [_line({"action": "run.seal", "id": f"event-{at}", "v": 1}).decode().strip() for at in range(count)]
        lines = [
            {
                "type": "header",
                "schema": "lineal-audit-export/1",
                "origin": ORIGIN,
                "vkey": self.vkey,
                "from": 0,
                "size": count,
                "generated_at": "2026-11-21T03:14:27.123456Z",
                "filtered": False,
            },
            *(
                {
                    "type": "event",
                    "seq": seq,
                    "body": body,
                    "leaf_hash": b64encode(leaf_hash(body.encode())).decode(),
                }
                for seq, body in enumerate(bodies)
            ),
            {"type": "checkpoint", "size": count, "note": self.checkpoint(bodies)},
            {"type": "end", "events": count},
        ]
        path.write_bytes(b"".join(_line(line) for line in lines))
        return bodies


def _line(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def export(log, tmp_path):
    log.export(tmp_path / "export.jsonl")
    return tmp_path / "export.jsonl"


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def test_an_untouched_export_is_proven_without_a_network(lineal, log, export, no_network):
    result = lineal("audit", "verify", str(export), "--key", log.vkey)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("PROVEN: 3 events")


def test_one_flipped_byte_is_found_and_the_event_named(lineal, log, export):
    export.write_bytes(export.read_bytes().replace(b"event-1", b"event-7"))

    result = lineal("audit", "verify", str(export), "--key", log.vkey)

    assert result.exit_code == 1
    assert "event 1" in result.stdout
    assert "Traceback" not in result.output


def test_an_anchor_from_elsewhere_is_checked(lineal, log, export, tmp_path):
    bodies = log.export(tmp_path / "again.jsonl")
    (tmp_path / "good").write_text(log.checkpoint(bodies[:2]))
    (tmp_path / "bad").write_text(log.checkpoint(["x", "y"]))

    good = lineal("audit", "verify", str(export), "--key", log.vkey, "--anchor", str(tmp_path / "good"))
    bad = lineal("audit", "verify", str(export), "--key", log.vkey, "--anchor", str(tmp_path / "bad"))

    assert (good.exit_code, bad.exit_code) == (0, 1)


def test_the_report_is_there_for_programs(lineal, log, export):
    report = json.loads(lineal("audit", "verify", str(export), "--key", log.vkey, "--json").stdout)

    assert (report["verdict"], report["events"]) == ("proven", 3)


def test_the_key_may_be_in_a_file(lineal, log, export, tmp_path):
    (tmp_path / "log.vkey").write_text(log.vkey + "\n")

    assert lineal("audit", "verify", str(export), "--key", str(tmp_path / "log.vkey")).exit_code == 0


@pytest.mark.parametrize("key", ["nonsense", "a+b+c", "/no/such/file"])
def test_a_key_that_is_none_is_usage(lineal, export, key):
    """1 would read as: the log was tampered with."""
    result = lineal("audit", "verify", str(export), "--key", key)

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_without_a_key_nothing_is_believed(lineal, export):
    """The key inside the file is a claim of whoever wrote it."""
    result = lineal("audit", "verify", str(export))

    assert result.exit_code == 2
    assert "--key" in result.stderr


def test_the_key_that_login_pinned_is_the_default(lineal, log, export, cli_home):
    file = cli_home / "config" / "credentials.json"
    file.parent.mkdir(parents=True)
    origins = {"http://127.0.0.1:1": {"token": "t", "user": "alice", "vkey": log.vkey}}
    file.write_text(json.dumps({"schema": "lineal-credentials/1", "default": "http://127.0.0.1:1", "origins": origins}))
    file.chmod(0o600)

    assert lineal("audit", "verify", str(export)).exit_code == 0


def test_an_export_is_written_whole_or_not_at_all(signed_in, lineal, tmp_path):
    signed_in.answer("GET", "/audit/export", b'{"type":"header"}\n')

    result = lineal("audit", "export", "--out", str(tmp_path / "e.jsonl"))

    assert result.exit_code == 0
    assert (tmp_path / "e.jsonl").read_bytes() == b'{"type":"header"}\n'
    assert [path.name for path in tmp_path.glob("e.jsonl*")] == ["e.jsonl"]


def test_a_checkpoint_that_the_pinned_key_did_not_sign_is_refused(signed_in, lineal, log, tmp_path):
    """The fake server's pinned key is another one."""
    signed_in.answer("GET", "/server", {"name": "lineal", "version": "1", "vkey": log.vkey, "origin": ORIGIN})
    good = log.checkpoint(["a"])
    signed_in.answer("GET", "/audit/checkpoint", good.encode(), good.replace("\n1\n", "\n2\n").encode())

    kept = lineal("audit", "checkpoint", "--out", str(tmp_path / "anchor"))
    forged = lineal("audit", "checkpoint")

    assert kept.exit_code == 0
    assert (tmp_path / "anchor").read_text() == good
    assert forged.exit_code == 1
    assert VKEY not in forged.output
