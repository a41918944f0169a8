"""Logs that most tests share, and the verifier on whatever lines are made of them."""

import pytest
from lineal._audit_verify import verify_export

from tests.client.audit_verify.exports import KEEPER, Log, encoded


@pytest.fixture
def verify(tmp_path):
    """Check some bytes, or the lines they are made of, with anchors given as notes."""

    def check(export, vkey=KEEPER.vkey, anchors=()):
        path = tmp_path / "export.jsonl"
        path.write_bytes(export if isinstance(export, bytes) else encoded(export))
        files = []
        for number, note in enumerate(anchors):
            files.append(tmp_path / f"anchor-{number}")
            files[-1].write_text(note, encoding="utf-8")
        return verify_export(path, vkey, files)

    return check


@pytest.fixture(scope="module")
def honest():
    return Log()


@pytest.fixture(scope="module")
def matrix():
    """AUDIT.md's matrix of tampering: 1,000 events with a checkpoint per 100."""
    return Log(events=1_000, every=100, private_every=10_000)
