"""Every client test has spool, cache and credentials of its own, and no server unless it starts one."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def client_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds all the client keeps, instead of the user's own."""
    home = tmp_path / "client-home"
    for name in ("LINEAL_URL", "LINEAL_TOKEN", "LINEAL_PROJECT", "LINEAL_SPOOL_MAX_BYTES", "LINEAL_FLUSH_INTERVAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(home / "spool"))
    monkeypatch.setenv("LINEAL_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("LINEAL_CREDENTIALS_FILE", str(home / "config" / "credentials.json"))
    monkeypatch.setenv("LINEAL_FINISH_TIMEOUT", "10")
    return home
