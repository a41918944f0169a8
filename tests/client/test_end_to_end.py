"""The SDK against a whole server: what is logged reads back equal, and the evidence follows it to production."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import lineal
import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.server

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_triage.py"


@pytest.fixture
def connected(server, monkeypatch):
    """The SDK of this process, configured for the server of this file."""
    monkeypatch.setenv("LINEAL_URL", server.url)
    monkeypatch.setenv("LINEAL_TOKEN", server.token)
    return server


def test_a_run_reads_back_equal(connected, tmp_path, spool_dir):
    losses = [random.gauss(0, 1) for _ in range(3_000)] + [math.nan, math.inf, -math.inf]
    table = pd.DataFrame({"age": [30, 40, 50], "name": ["a", "b", None]})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "weights.bin").write_bytes(os.urandom(3_000_000))
    (tmp_path / "out" / "empty.txt").write_text("")

    with lineal.start_run("end-to-end", params={"lr": 3e-4, "layers": 3, "on": True}, tags={"team": "risk"}) as run:
        run.use_dataset("people", table, context="train")
        for step, loss in enumerate(losses):
            run.log({"loss": loss, "step/2": step / 2}, step=step)
        run.log_artifact(tmp_path / "out", path="model")

    stored = lineal.get_run(run)
    assert stored["status"] == "finished"
    assert stored["sealed"] is True
    assert stored["params"] == {"lr": 3e-4, "layers": 3, "on": True}
    assert stored["tags"] == {"team": "risk"}
    assert stored["inputs"][0]["digest"] == lineal.digest.frame(table)
    history = lineal.history(run, "loss", numpy=True)
    np.testing.assert_array_equal(history.values, losses)
    np.testing.assert_array_equal(history.steps, range(len(losses)))
    assert lineal.history(run, "step/2").values.tolist() == [step / 2 for step in range(len(losses))]
    chart = lineal.charts([run], ["loss", "nothing"], max_points=100)[run.id]
    assert list(chart) == ["loss"]
    assert (chart["loss"].count, chart["loss"].thinned) == (len(losses), len(losses) > 100)
    shown = dict(zip(chart["loss"].points.steps, chart["loss"].points.values, strict=True))
    assert all(np.array_equal(value, losses[step], equal_nan=True) for step, value in shown.items())
    assert {min(losses[:3_000]), max(losses[:3_000]), math.inf, -math.inf} <= set(shown.values())
    since = {run.id: {"loss": chart["loss"].count}}
    assert len(lineal.charts([run], ["loss"], since=since, numpy=True)[run.id]["loss"].points.steps) == 0
    brought = lineal.Client().download_artifact(run, "model", to=tmp_path / "back")
    assert sorted(path.name for path in brought) == ["empty.txt", "weights.bin"]
    assert lineal.digest.directory(tmp_path / "back" / "model") == lineal.digest.directory(tmp_path / "out")
    (baseline,) = lineal.Client().download_artifact(run, "lineal/profiles/train.lineal-profile", to=tmp_path / "kept")
    assert lineal.Profile.from_bytes(baseline.read_bytes()) == lineal.profile(table)
    assert not list(spool_dir.rglob("*"))


def test_a_version_is_the_digest_of_its_files_all_the_way_to_production(connected, tmp_path):
    from sklearn.linear_model import LogisticRegression

    table = pd.DataFrame({"age": [30, 40, 50, 60]})
    model = LogisticRegression().fit(table, [0, 0, 1, 1])
    with lineal.start_run("end-to-end") as run:
        run.use_dataset("ages", table)
        run.log_model(model, input_example=table)
        version = lineal.register("ages", run)
    assert lineal.register("ages", run).number == version.number

    promoted = lineal.promote("ages", version.digest, to="dev", reason="first", wait_s=20)
    report = lineal.report_deployment("ages", version.digest, environment="dev", target="test/api")
    graph = lineal.trace("model:ages@dev")
    folder = tmp_path / "served"
    client = lineal.Client()

    assert promoted.decision == "promoted"
    assert report["matches_slot"] is True
    assert {"run", "dataset_version", "model_version"} <= {node["kind"] for node in graph["nodes"]}
    assert lineal.digest.directory(client.download_model("ages", version.digest, to=folder)) == version.digest
    with pytest.raises(lineal.PickleRefused):
        client.load_model("ages", version.digest, to=folder)
    loaded = client.load_model("ages", version.digest, to=folder, allow_pickle=True)
    assert loaded.predict(table).tolist() == model.predict(table).tolist()


def test_two_who_roll_back_at_once_go_one_version_back(connected, tmp_path):
    versions = []
    for content in ("the first", "the second"):
        (tmp_path / "weights.bin").write_text(content)
        with lineal.start_run("end-to-end") as run:
            run.log_artifact(tmp_path / "weights.bin")
        versions.append(lineal.register("twice", run, artifact="weights.bin"))
        lineal.promote("twice", versions[-1].digest, to="dev", reason="next", wait_s=20)
    wish = {"environment": "dev", "reason": "alerts", "expect_current": versions[1].digest}

    first = lineal.rollback("twice", **wish)
    with pytest.raises(lineal.NotPromoted) as late:
        lineal.rollback("twice", **wish)

    assert (first.decision, first.digest) == ("promoted", versions[0].digest)
    assert (late.value.result["decision"], late.value.result["exit_code"]) == ("holder_differs", 23)
    assert late.value.result["found"] == versions[0].digest


def test_what_the_server_refuses_is_raised(connected, tmp_path):
    with lineal.start_run("end-to-end") as run:
        run.log({"loss": 1.0})

    with pytest.raises(lineal.ProblemError):
        lineal.register("nothing", run, artifact="no/such/file")
    with pytest.raises(lineal.NotFound):
        lineal.get_run("f" * 32)
    with pytest.raises(lineal.NotFound):
        lineal.promote("no-such-model", 1, to="dev", reason="none")
    with pytest.raises(lineal.Invalid):
        lineal.search_runs("metrics.loss <")
    with pytest.raises(lineal.LinealError):
        lineal.history(run, "acc")


def test_params_that_change_are_refused_by_the_server_and_told(connected, caplog):
    with lineal.start_run("end-to-end", params={"lr": 1}) as run:
        run.log_params({"lr": 2})

    assert lineal.get_run(run)["params"] == {"lr": 1}
    assert any("did not take param 'lr'" in record.getMessage() for record in caplog.records)


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.4, 0.8])
def test_a_killed_job_loses_no_spooled_point(connected, tmp_path, after_s):
    text = (
        "import lineal\nrun = lineal.start_run('killed')\nprint(run.id, flush=True)\nstep = 0\n"
        "while True:\n    run.log({'loss': step}, step=step)\n    step += 1\n"
    )
    (tmp_path / "train.py").write_text(text)
    process = subprocess.Popen([sys.executable, str(tmp_path / "train.py")], stdout=subprocess.PIPE, text=True)
    run = process.stdout.readline().strip()
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    from lineal import _credentials

    _credentials.remember(connected.url, token=connected.token)
    report = lineal.sync()

    assert report.ok, report
    assert lineal.get_run(run)["status"] == "killed"
    values = lineal.history(run, "loss").values.tolist()
    assert values == list(map(float, range(len(values))))
    assert len(values) > 100


def until_gone(server, limit_s=20.0):
    """Its workers outlive a killed `lineal up` for a moment, and still answer."""
    until = time.monotonic() + limit_s
    while server.healthy():
        assert time.monotonic() < until, "the server's workers did not end"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_misses_nothing(connected, monkeypatch):
    monkeypatch.setattr("lineal._sender.backoff_s", lambda attempt, longest_s=60.0: 0.05)
    run = lineal.start_run("end-to-end")
    for step in range(500):
        run.log({"loss": step}, step=step)
    assert run.flush(20)
    connected.stop(signal.SIGKILL)
    try:
        until_gone(connected)
        for step in range(500, 1_000):
            run.log({"loss": step}, step=step)
        assert not run.flush(0.2)
    finally:
        connected.start()
        run.finish()

    assert lineal.history(run, "loss").values.tolist() == list(map(float, range(1_000)))


def test_the_example_works_as_it_is(connected, tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--family", "boosting", "--iterations", "15", "--register", "triage"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert "registered triage v1 sha256:" in done.stdout
    (run,) = lineal.search_runs("tags.team = 'triage'", experiments=["triage"])
    assert len(run["inputs"]) == 3
    assert run["metrics"]["validation_loss"]["count"] == 15
    names = {file["path"] for file in lineal.Client().get_version("triage", 1).details["manifest"]}
    assert names == {"lineal-model.json", "model.joblib"}
