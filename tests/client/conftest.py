"""Every client test has spool, cache and credentials of its own, and no server unless it starts one."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.client.fake_monitors import FakeMonitors
from tests.client.fake_server import TOKEN, FakeServer


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


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A small server that the SDK is configured for, and impatience, so that no test waits for a back-off."""
    monkeypatch.setattr("lineal._sender.backoff_s", lambda attempt, longest_s=60.0: 0.01)
    monkeypatch.setattr("lineal._sync.backoff_s", lambda attempt, longest_s=60.0: 0.01)
    monkeypatch.setattr("lineal._git.capture", lambda folder: None)  # whatever state this repository is in
    with FakeServer() as server:
        monkeypatch.setenv("LINEAL_URL", server.url)
        monkeypatch.setenv("LINEAL_TOKEN", TOKEN)
        yield server


@pytest.fixture
def spool_dir(client_home: Path) -> Path:
    """Where records wait."""
    return client_home / "spool"


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMonitors]:
    """As `fake`, for what production reports."""
    monkeypatch.setattr("lineal._sync.backoff_s", lambda attempt, longest_s=60.0: 0.01)
    monkeypatch.setattr("lineal._monitors.courier.backoff_s", lambda attempt, longest_s=60.0: 0.01)
    with FakeMonitors() as server:
        monkeypatch.setenv("LINEAL_URL", server.url)
        monkeypatch.setenv("LINEAL_TOKEN", TOKEN)
        yield server


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Sentences that the user was told."""
    caplog.set_level(logging.WARNING, "lineal")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "lineal"]
