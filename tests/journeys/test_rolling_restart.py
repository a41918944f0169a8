"""Two of everything on one PostgreSQL, and each is restarted in turn under load: nobody outside notices."""

import json
import subprocess
import sys
import textwrap
from contextlib import closing

import pytest

from tests import brokers
from tests.balancer import Balancer
from tests.installation import installation, wait_for
from tests.server import free_port

pytestmark = [pytest.mark.server, pytest.mark.slow]
ROUNDS = 2
FLEET = {"web1": "serve", "web2": "serve", "w1": "worker", "w2": "worker", "s1": "sequencer", "s2": "sequencer"}

TRAIN = textwrap.dedent(
    """
    import pathlib, sys, time
    import lineal

    stop = pathlib.Path(sys.argv[2])
    with lineal.start_run("rolling", run_id=sys.argv[1]) as run:
        step = 0
        while not stop.exists():
            run.log({"loss": 1 / (step + 1), "twice": 2 * step}, step=step)
            step += 1
            time.sleep(0.002)
    print(step)
    """
)
PROMOTE = textwrap.dedent(
    """
    import json, pathlib, sys, time
    import lineal

    digests, stop = sys.argv[2:], pathlib.Path(sys.argv[1])
    while not stop.exists():
        digests.reverse()
        done = lineal.promote("rolling", digests[0], to="dev", reason="the other one's turn")
        print(json.dumps({"id": done.id, "decision": done.decision, "digest": done.digest}), flush=True)
        time.sleep(0.05)
    """
)


@pytest.fixture
def parts(tmp_path):
    ports = {"web1": free_port(), "web2": free_port()}
    with (
        closing(Balancer(ports.values())) as balancer,
        brokers.running(brokers.Redis, tmp_path / "broker") as broker,
        installation(tmp_path, LINEAL_BROKER_URL=broker.url, LINEAL_PUBLIC_URL=balancer.url) as made,
    ):
        if not made.is_postgresql:
            pytest.skip("SQLite has one web process")
        made.ports |= ports
        made.start_all(**FLEET, beat="beat")
        made.env |= {"LINEAL_URL": balancer.url, "LINEAL_TOKEN": made.token, "LINEAL_FINISH_TIMEOUT": "60"}
        yield made


def python(parts, program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=parts.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_rolling_restart_under_load_loses_nothing(parts, monkeypatch):
    for name in ("LINEAL_URL", "LINEAL_TOKEN", "LINEAL_SPOOL_DIR", "LINEAL_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, parts.env[name])
    digests = [register(parts, f"weights {number}").digest for number in (1, 2)]
    run_id, stop = "0193" + "d4" * 14, parts.folder / "stop"
    training = python(parts, TRAIN, run_id, stop)
    promoting = python(parts, PROMOTE, stop, *digests)

    for _ in range(ROUNDS):
        for name, role in FLEET.items():
            assert parts.stop(name) == 0, parts.log(name)[-2000:]
            parts.start(role, name)
    stop.touch()
    (steps, train_words), (answers, promote_words) = (each.communicate(timeout=180) for each in (training, promoting))

    assert (training.returncode, promoting.returncode) == (0, 0), train_words + promote_words
    assert "lineal sync" not in train_words, "nothing stayed behind"
    assert_points(run_id, int(steps))
    assert_promotions(parts, [json.loads(line) for line in answers.splitlines()])
    assert_ledger_is_whole(parts)


def register(parts, weights):
    import lineal

    path = parts.folder / "model.bin"
    path.write_text(weights)
    with lineal.start_run("rolling") as run:
        run.log_artifact(path)
    return lineal.register("rolling", run, artifact="model.bin")


def assert_points(run_id, steps):
    """Every point once, in both series."""
    import lineal

    assert steps > 500
    client = lineal.Client()
    for key, value in (("twice", lambda step: 2.0 * step), ("loss", lambda step: 1 / (step + 1))):
        found, _, values = client.history(run_id, key)
        assert list(found) == list(range(steps))
        assert list(values) == [value(step) for step in range(steps)]


def assert_promotions(parts, answers):
    """What each caller was told is what the server keeps, and nothing was carried out that nobody was told of."""
    assert len(answers) > 10
    assert {answer["decision"] for answer in answers} == {"promoted"}
    assert len({answer["id"] for answer in answers}) == len(answers)
    sql = "SELECT COUNT(*) FROM audit_event WHERE action = 'promotion.commit'"
    assert parts.rows(sql) == [(len(answers),)]


def assert_ledger_is_whole(parts):
    wait_for(lambda: parts.rows("SELECT COUNT(*) FROM audit_pending") == [(0,)], "every event to have its place")
    export, vkey = parts.folder / "ledger.export", (parts.home / "keys" / "log.vkey").read_text().strip()
    parts.run("audit", "export", "--out", export)
    report = json.loads(parts.run("audit", "verify", export, "--key", vkey, "--json").stdout)
    assert report["verdict"] == "proven"
