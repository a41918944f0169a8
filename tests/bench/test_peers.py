"""A tool that cannot be installed leaves a word in the table and stops no bench."""

import sys

import pytest

from bench import peers
from bench.drift import speed
from bench.peers import WHYLOGS, Unavailable


@pytest.fixture
def no_environments(tmp_path, monkeypatch):
    """A machine on which no Python can be set up."""
    root = tmp_path / ".venv" / "peers"
    root.mkdir(parents=True)
    monkeypatch.setattr(peers, "ENVIRONMENTS", root)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))


def test_what_cannot_be_installed_is_said(no_environments):
    with pytest.raises(Unavailable, match=r"no environment for whylogs 1\.6\.4"):
        WHYLOGS.run(speed.HERE / "whylogs_speed.py")


def test_a_table_without_its_peer_says_so(no_environments, tmp_path, monkeypatch):
    import pyarrow as pa

    table = pa.table({name: [float(at) for at in range(100)] for name in [*speed.MIXED, *map(str, range(8))]})
    monkeypatch.setattr(speed, "mixed_table", lambda: table)
    monkeypatch.setattr(speed, "PROFILED", 50)
    monkeypatch.setattr(speed, "COMPARED", (50, 20))

    (sheet,) = speed.measure(tmp_path)

    assert [row[2] for row in sheet.rows] == ["not measured", "not measured", ""]
    assert "no environment for whylogs" in sheet.note
    assert "no environment for Evidently" in sheet.note
