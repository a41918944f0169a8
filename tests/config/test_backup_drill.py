"""The drill: a server under load is backed up, killed and lost with all it had, and comes back on either database."""

import atexit
import contextlib
import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import lineal
import pytest

from tests.config import drill
from tests.postgresql import start_postgresql

pytestmark = [pytest.mark.server, pytest.mark.slow]

HERE = "postgresql" if os.environ.get("LINEAL_DATABASE_URL") else "sqlite"
OTHER = {"postgresql": "sqlite", "sqlite": "postgresql"}[HERE]
DURING, LATER = "0193" + "b2" * 14, "0193" + "c3" * 14
STEPS = 3_000


@pytest.fixture(scope="module")
def postgresql():
    """Its files lie outside of pytest's folders, which the user that PostgreSQL runs as may not enter."""
    if HERE == "postgresql":
        yield os.environ["LINEAL_DATABASE_URL"]
        return
    folder = Path(tempfile.mkdtemp(prefix="lineal-drill-"))
    atexit.register(
        shutil.rmtree, folder, ignore_errors=True
    )  # done after the server's own end, which is registered later
    yield start_postgresql(folder)


@pytest.fixture
def server(tmp_path, postgresql):
    """The server that will be lost."""
    with drill.database(HERE, postgresql) as url:
        lost = drill.server_on(tmp_path, url)
        lost.start()
        yield lost
        lost.stop()


@pytest.fixture(params=[HERE, OTHER])
def restored(request, tmp_path, postgresql, server):
    """The server that takes its place, on an empty home and database; not started."""
    with drill.database(request.param, postgresql) as url:
        found = drill.server_on(tmp_path, url, home="new-home", port=server.port)
        yield found
        found.stop()


def lose(server):
    """Everything that the server had on its machine is gone at once, without a last word."""
    server.stop(signal.SIGKILL)
    shutil.rmtree(server.home)


def newest_anchor(home: Path) -> int:
    return max((int(path.name) for path in (home / "anchors" / "checkpoints").glob("[0-9]*")), default=0)


def test_a_lost_server_comes_back(server, restored, tmp_path):
    """What was there at the backup reads the same, the ledger proves itself to who knew its key, and training goes on."""
    backups, elsewhere = tmp_path / "backups", tmp_path / "elsewhere"
    client = lineal.Client(url=server.url, token=server.token)
    run_id = drill.make_history(client, tmp_path)
    expected = drill.read_all(server, run_id, tmp_path / "seen")
    with contextlib.ExitStack() as trainings:
        training = trainings.enter_context(drill.training(server, DURING, STEPS))
        drill.wait_for_step(training, 300)
        made = json.loads(server.cli("backup", "--home", server.home, "--to", backups, "--json").stdout)
        again = json.loads(server.cli("backup", "--home", server.home, "--to", backups, "--json").stdout)
        drill.wait_for_step(training, 900)
        later = trainings.enter_context(drill.training(server, LATER, STEPS))
        drill.wait_for_step(later, 300)
        drill.promote(client, expected["versions"][0]["digest"], "staging")
        drill.wait_until(lambda: newest_anchor(server.home) > again["ledger"]["size"], "an anchor beyond the backups")
        last_head = newest_anchor(server.home)
        shutil.copytree(server.home / "anchors" / "checkpoints", elsewhere)
        lose(server)

        source = ("restore", "--from", backups / again["backup"], "--home", restored.home)
        refused = restored.cli(*source, "--anchors", elsewhere, code=5)
        shutil.copytree(elsewhere, restored.home / "anchors" / "checkpoints", dirs_exist_ok=True)
        accept = ("--accept-loss", "--reason", "the disk died", "--verify", "--json")
        done = json.loads(restored.cli(*source, *accept).stdout)
        restored.start()

        assert again["copied_objects"] == 0 < made["copied_objects"], "objects are copied once"
        assert f"events {again['ledger']['size']} to {last_head - 1}" in refused.stderr
        assert done["findings"] == []
        assert done["verified"]["events"] == again["ledger"]["size"]
        assert done["lost"][-1]["size"] == last_head
        assert drill.read_all(restored, run_id, tmp_path / "seen-again") == expected
        assert_training_ended_well(restored, training)
        assert_unknown_run_can_be_begun_anew(restored, later)
        assert_ledger_is_proven(restored, tmp_path)


def assert_training_ended_well(server, training):
    """The server asked for what it had not, and the client still had it in its spool."""
    _, complaints = training.communicate(timeout=180)
    assert training.returncode == 0, complaints
    assert "lineal sync" not in complaints, complaints
    assert drill.points(server, DURING, "twice") == (list(range(STEPS)), [2.0 * step for step in range(STEPS)])


def assert_unknown_run_can_be_begun_anew(server, training):
    """It was begun after the backup. The job is not stopped, and says how what it logged gets to the server."""
    _, complaints = training.communicate(timeout=180)
    assert training.returncode == 0, complaints
    assert "`lineal sync --recreate`" in complaints

    server.cli("sync", "--recreate")

    assert drill.points(server, LATER, "twice") == (list(range(STEPS)), [2.0 * step for step in range(STEPS)])


def assert_ledger_is_proven(server, folder):
    """With the key that was pinned before the loss."""
    server.cli("audit", "export", "--out", folder / "trail.jsonl", "--url", server.url)
    verified = server.cli("audit", "verify", folder / "trail.jsonl", "--url", server.url, "--json")
    assert json.loads(verified.stdout)["verdict"] == "proven"
    (entry,) = json.loads(
        server.cli("audit", "list", "--action", "store.restore", "--json", "--url", server.url).stdout
    )
    assert entry["reason"] == "the disk died"
