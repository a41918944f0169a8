"""The release before this one, as its code stands in git, works on a database that this one has migrated; and what it wrote
there this one reads.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from tests.config.expand_contract import LAST_RELEASE
from tests.installation import installation, wait_for
from tests.server import free_port

pytestmark = [pytest.mark.server, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
UP = "from config.up import up; up()"
STEPS = 300

WORK = textwrap.dedent(
    """
    import json, pathlib, sys, tempfile
    import lineal

    name = sys.argv[1]
    model = pathlib.Path(tempfile.mkdtemp()) / "model.bin"
    model.write_text(name)
    with lineal.start_run(name, params={"lr": 0.1}) as run:
        for step in range(300):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.log_artifact(model)
    version = lineal.register(name, run, artifact="model.bin")
    promotion = lineal.promote(name, version.digest, to="dev", reason="upgrade")
    print(json.dumps({"run": run.id, "digest": version.digest, "decision": promotion.decision, "client": lineal.__file__}))
    """
)


@pytest.fixture(scope="module")
def last_release(tmp_path_factory):
    """The folder of its code."""
    commit = LAST_RELEASE["commit"]
    tree = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
    if tree.returncode:
        pytest.skip(f"the commit of release {LAST_RELEASE['release']} is not in this clone: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("last-release")
    with tarfile.open(fileobj=io.BytesIO(tree.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def parts(tmp_path):
    with installation(tmp_path) as made:
        yield made


def as_of(folder, env):
    """An environment in which Python finds that release's server and client before the installed ones."""
    return env | {"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "client" / "src")])}


def start_old(parts, folder):
    """Its `lineal up`, which was its only command."""
    port = free_port()
    env = as_of(folder, parts.env)
    with (parts.logs / "old.log").open("ab") as log:
        parts.processes["old"] = subprocess.Popen(
            [sys.executable, "-c", UP, "--port", str(port), "--no-browser"],
            env=env,
            cwd=folder,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    parts.ports["old"] = port
    wait_for(lambda: "SDK and CLI" in parts.log("old"), "the old server to start")
    assert parts.ready("old")[0] == 404, "it is the old code that answers: its release had no /readyz"


def work(parts, name, url, folder=None):
    """Trains, registers and promotes with the client of that folder's release, or of this one."""
    env = {**parts.env, "LINEAL_URL": url, "LINEAL_TOKEN": parts.token, "LINEAL_FINISH_TIMEOUT": "60"}
    done = subprocess.run(
        [sys.executable, "-c", WORK, name],
        env=as_of(folder, env) if folder else env,
        cwd=folder or parts.folder,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["decision"] == "promoted"
    assert found["client"].startswith(str(folder or ROOT))
    return found


def assert_reads(parts, url, name, made, monkeypatch):
    import lineal

    monkeypatch.setenv("LINEAL_CREDENTIALS_FILE", parts.env["LINEAL_CREDENTIALS_FILE"])
    client = lineal.Client(url=url, token=parts.token)
    steps, _, values = client.history(made["run"], "loss")
    assert (list(steps), list(values)) == (list(range(STEPS)), [1 / (step + 1) for step in range(STEPS)])
    env = {"LINEAL_URL": url, "LINEAL_TOKEN": parts.token}
    found = json.loads(parts.run("runs", "search", "params.lr = '0.1'", "--json", **env).stdout)
    assert made["run"] in json.dumps(found)
    assert made["digest"] in parts.run("models", "versions", name, "--json", **env).stdout


def assert_ledger_is_whole(parts, url):
    wait_for(lambda: parts.rows("SELECT COUNT(*) FROM audit_pending") == [(0,)], "every event to have its place")
    export, vkey = parts.folder / "ledger.export", (parts.home / "keys" / "log.vkey").read_text().strip()
    parts.run("audit", "export", "--out", export, LINEAL_URL=url, LINEAL_TOKEN=parts.token)
    assert "proven" in parts.run("audit", "verify", export, "--key", vkey, "--json").stdout


def test_the_last_release_works_on_the_new_schema_and_this_one_reads_what_it_wrote(parts, last_release, monkeypatch):
    start_old(parts, last_release)
    by_old = work(parts, "by-old", parts.url("old"), last_release)
    by_new_client = work(parts, "by-new-client", parts.url("old"))
    wait_for(lambda: not due_jobs(parts), "the old worker to do what there is to do")
    assert parts.stop("old") == 0

    parts.start_all(serve="serve", worker="worker", beat="beat", sequencer="sequencer")
    by_old_client = work(parts, "by-old-client", parts.url(), last_release)

    for name, made in (("by-old", by_old), ("by-new-client", by_new_client), ("by-old-client", by_old_client)):
        assert_reads(parts, parts.url(), name, made, monkeypatch)
    assert_ledger_is_whole(parts, parts.url())


def test_two_releases_serve_one_database_while_an_upgrade_rolls(parts, last_release, monkeypatch):
    """Each reads what the other wrote, and jobs of both are done by workers of both."""
    if not parts.is_postgresql:
        pytest.skip("SQLite serves one installation at a time")
    start_old(parts, last_release)
    parts.start_all(serve="serve", worker="worker", beat="beat", sequencer="sequencer")

    by_old = work(parts, "by-old", parts.url("old"), last_release)
    by_new = work(parts, "by-new", parts.url())

    for url in (parts.url("old"), parts.url()):
        assert_reads(parts, url, "by-old", by_old, monkeypatch)
        assert_reads(parts, url, "by-new", by_new, monkeypatch)
    wait_for(lambda: not due_jobs(parts), "all jobs to be done")
    assert parts.rows("SELECT name, last_error FROM core_job WHERE failed_at IS NOT NULL") == []
    assert_ledger_is_whole(parts, parts.url())


def due_jobs(parts):
    """What is not done, but for what is only begun in half an hour or later."""
    soon = "datetime('now', '+1 minute')" if not parts.is_postgresql else "now() + interval '1 minute'"
    return parts.rows(f"SELECT name FROM core_job WHERE done_at IS NULL AND failed_at IS NULL AND due_at < {soon}")
