"""What training code may do with a run, and what it must never feel: no exception, no wait, nothing said twice."""

import array
import hashlib
import json
import math
import os
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import lineal
import numpy as np
import pandas as pd
import pytest
from lineal import _uploads
from sklearn.linear_model import LogisticRegression


def script(tmp_path, text, **env):
    """Runs a training script of its own process."""
    path = tmp_path / "train.py"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(path)],
        env={**os.environ, "LINEAL_FINISH_TIMEOUT": "10", **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


# -- values -----------------------------------------------------------------------------------------------------------


class Tensor:
    """As a 0-d tensor of a library that is not installed here."""

    shape = ()

    def item(self):
        return 2.5


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(4.0), 4.0),
        (np.array([5.0]), 5.0),
        (np.bool_(False), 0.0),
        (Tensor(), 2.5),
        (Decimal("0.25"), 0.25),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_whatever_is_a_number_is_logged_as_one(fake, warnings, given, stored):
    with lineal.start_run("churn") as run:
        run.log({"value": given})

    assert fake.runs[run.id].values("value") == [stored]
    assert warnings() == []


def test_nan_survives(fake):
    with lineal.start_run("churn") as run:
        run.log({"value": math.nan}, step=3)

    assert math.isnan(fake.runs[run.id].values("value")[0])


@pytest.mark.parametrize("given", ["0.5", None, [1.0], np.array([1.0, 2.0]), 1j, object(), 10**400, {"a": 1}])
def test_whatever_is_no_number_is_skipped_and_told_once(fake, warnings, given):
    with lineal.start_run("churn") as run:
        for _ in range(3):
            run.log({"bad": given, "good": 1.0})

    assert fake.runs[run.id].values("good") == [1.0, 1.0, 1.0]
    assert "bad" not in fake.runs[run.id].points
    assert len(warnings()) == 1
    assert "'bad' is skipped" in warnings()[0]


def test_a_dict_that_is_used_again_is_logged_as_it_was(fake):
    metrics = {"loss": 1.0}
    with lineal.start_run("churn") as run:
        run.log(metrics, step=1)
        metrics["loss"] = 2.0
        run.log(metrics, step=2)

    assert fake.runs[run.id].values("loss") == [1.0, 2.0]


@pytest.mark.parametrize("step", [np.int64(7), 7.0, True + 6])
def test_whole_numbers_of_any_type_are_steps(fake, step):
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0}, step=step)

    assert fake.runs[run.id].points["loss"][0][0] == 7


@pytest.mark.parametrize("step", ["one", 1.5, 2**63, [1]])
def test_a_step_that_is_none_is_told_and_the_value_is_kept(fake, warnings, step):
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0}, step=step)

    assert fake.runs[run.id].points["loss"][0][0] == 0
    assert "a step is a whole number" in warnings()[0]


def test_params_and_tags_arrive_as_they_are_meant(fake):
    params = {"lr": 3e-4, "layers": np.int32(3), "opt": {"name": "adam", "betas": (0.9, 0.999)}, "path": Path("a/b")}
    with lineal.start_run("churn", params=params, tags={"team": "risk", "n": 1}) as run:
        run.log_params({"big": 2**70, "none": None, "flag": np.bool_(True), "bad": "caf\ud800"})
        run.set_tag("team", None)

    stored = fake.runs[run.id]
    assert stored.params == {
        "lr": 3e-4,
        "layers": 3,
        "opt.name": "adam",
        "opt.betas": "[0.9, 0.999]",
        "path": "a/b",
        "big": str(2**70),
        "none": None,
        "flag": True,
        "bad": "caf?",
    }
    assert stored.tags == {"team": None, "n": "1"}


def test_the_run_says_where_it_came_from(fake, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train.py", "--lr", "0.1"])

    with lineal.start_run("churn", name="first", description="why", parent="a" * 32) as run:
        pass

    body = fake.runs[run.id].body
    assert body["experiment"] == "churn"
    assert body["name"] == "first"
    assert body["parent"] == "a" * 32
    assert body["environment"]["digest"].startswith("sha256:")
    assert body["entry_point"] == "train.py --lr 0.1"
    assert run.url == f"{fake.url}/projects/default/runs/{run.id}"


@pytest.mark.parametrize("experiment", ["", "x" * 251, "a\nb", 5])
def test_an_experiment_that_cannot_be_is_refused_at_the_start(fake, experiment):
    with pytest.raises(ValueError, match="experiment"):
        lineal.start_run(experiment)


# -- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("boom"), "failed"),
        (KeyboardInterrupt(), "killed"),
        (SystemExit(1), "failed"),
        (SystemExit(0), "finished"),
    ],
)
def test_what_leaves_the_block_decides_how_the_run_ended(fake, error, status):
    with pytest.raises(type(error)), lineal.start_run("churn") as run:
        raise error

    assert fake.runs[run.id].status == status


def test_logging_after_the_end_is_told_and_harmless(fake, warnings):
    with lineal.start_run("churn") as run:
        pass
    for _ in range(3):
        run.log({"loss": 1.0})
    run.log_params({"lr": 1})
    run.finish()

    assert fake.runs[run.id].points == {}
    assert len(fake.runs[run.id].finishes) == 1
    assert len(warnings()) == 1


@pytest.mark.parametrize(("ending", "status"), [("", "finished"), ("raise ValueError('x')", "failed")])
def test_a_script_that_forgets_to_finish_is_finished_as_it_ends(fake, tmp_path, ending, status):
    done = script(tmp_path, f"import lineal\nrun = lineal.start_run('churn')\nrun.log({{'loss': 1.0}})\n{ending}\n")

    (stored,) = fake.runs.values()
    assert stored.values("loss") == [1.0]
    assert stored.status == status, done.stderr


def test_files_are_sent_at_the_interpreters_exit_too(fake, tmp_path):
    done = script(
        tmp_path,
        "import lineal, pathlib, sys\nrun = lineal.start_run('churn')\nfolder = pathlib.Path(sys.argv[0]).parent / 'out'\n"
        "folder.mkdir()\n[(folder / f'{n}.txt').write_text(str(n)) for n in range(20)]\nrun.log_artifact(folder)\n",
    )

    (stored,) = fake.runs.values()
    assert stored.artifacts["out/7.txt"] == b"7", done.stderr
    assert len(stored.artifacts) == 20


def test_an_end_without_a_server_says_what_stays_where(fake, monkeypatch, warnings, spool_dir):
    monkeypatch.setenv("LINEAL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LINEAL_FINISH_TIMEOUT", "0.1")
    begun = time.monotonic()

    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})

    assert time.monotonic() - begun < 5
    last = warnings()[-1]
    assert "`lineal sync`" in last
    assert str(spool_dir) in last
    assert run.flush(0.05) is False


def test_no_server_at_all_is_no_reason_not_to_train(client_home, warnings, spool_dir):
    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})

    assert run.url is None
    assert any("no server is configured" in sentence for sentence in warnings())
    assert list(spool_dir.glob("unassigned/default/*/*/*.seg"))


def test_a_run_can_be_continued_by_its_id(fake):
    with lineal.start_run("churn") as first:
        first.log({"loss": 1.0}, step=0)

    with lineal.start_run("churn", run_id=first.id) as second:
        second.log({"loss": 0.5}, step=1)
        assert second.flush()
        assert fake.runs[first.id].status == "running"

    assert second.id == first.id
    assert fake.runs[first.id].values("loss") == [1.0, 0.5]
    assert fake.runs[first.id].status == "finished"


# -- files and models -------------------------------------------------------------------------------------------------


def test_a_file_is_recorded_as_it_was_when_it_was_logged(fake, tmp_path, spool_dir):
    path = tmp_path / "model.bin"
    path.write_bytes(b"first")
    with fake.lock:
        run = lineal.start_run("churn")
        run.log_artifact(path)
        path.write_bytes(b"second")
        run.log_artifact(path, path="later/model.bin")
        path.unlink()
    run.finish()

    assert fake.runs[run.id].artifacts == {"model.bin": b"first", "later/model.bin": b"second"}
    assert not list(spool_dir.rglob("*"))


def test_a_folder_is_recorded_with_all_that_is_in_it(fake, tmp_path):
    folder = tmp_path / "plots"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.txt").write_text("")
    with lineal.start_run("churn") as run:
        run.log_artifact(folder)
        run.log_artifact(str(folder), path="again")

    artifacts = fake.runs[run.id].artifacts
    assert artifacts["plots/deep/b.txt"] == b""
    assert sorted(artifacts) == ["again/a.txt", "again/deep/b.txt", "plots/a.txt", "plots/deep/b.txt"]


def test_many_small_files_take_few_announcements(fake, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1_500):
        (folder / f"{number}.txt").write_text(str(number % 7))
    with fake.lock:
        run = lineal.start_run("churn")
        run.log_artifact(folder)
        run._sender.drain()
    run.finish()

    assert len(fake.runs[run.id].artifacts) == 1_500
    assert sum(request.endswith("/artifacts") for request in fake.requests) <= 4


def test_a_broken_upload_goes_on_where_it_stopped(fake, tmp_path, monkeypatch):
    data = os.urandom(300_000)
    (tmp_path / "model.bin").write_bytes(data)
    real = type(fake).receive
    offsets = []

    def receive(server, number, *, query, body):
        offsets.append(int(query["offset"]))
        if len(offsets) == 1:
            server.uploads[number]["data"] = body[:100_000]
            raise_drop()
        return real(server, number, query=query, body=body)

    from tests.client import fake_server

    def raise_drop():
        raise fake_server.Drop

    routes = [(v, p, receive if route is real else route) for v, p, route in fake_server.ROUTES]
    monkeypatch.setattr(fake_server, "ROUTES", routes)

    with lineal.start_run("churn") as run:
        run.log_artifact(tmp_path / "model.bin")

    assert fake.runs[run.id].artifacts["model.bin"] == data
    assert offsets == [0, 100_000]


@pytest.mark.parametrize("route", ["POST .*/artifacts", "PUT ", "/commit"])
@pytest.mark.parametrize("after", [True, False])
def test_lost_answers_cost_no_file(fake, tmp_path, route, after):
    (tmp_path / "a.bin").write_bytes(b"a" * 1000)
    (tmp_path / "b.bin").write_bytes(b"b" * 1000)
    fake.drop(route, times=2, after=after)

    with lineal.start_run("churn") as run:
        run.log_artifact(tmp_path / "a.bin")
        run.log_artifact(tmp_path / "b.bin")

    assert {len(data) for data in fake.runs[run.id].artifacts.values()} == {1000}
    assert len(fake.runs[run.id].artifacts) == 2


def test_a_refused_file_is_kept_aside_and_the_others_arrive(fake, tmp_path, warnings, spool_dir):
    for name in ("good.txt", "bad.txt", "fine.txt"):
        (tmp_path / name).write_text(name)
    with fake.lock:
        run = lineal.start_run("churn")
        for name in ("good.txt", "bad.txt", "fine.txt"):
            run.log_artifact(tmp_path / name)
        run._sender.drain()
    run.finish()

    assert sorted(fake.runs[run.id].artifacts) == ["fine.txt", "good.txt"]
    assert any("bad.txt" in sentence for sentence in warnings())
    (kept,) = spool_dir.rglob("refused/*")
    assert kept.read_text() == "bad.txt"


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", ""])
def test_a_path_that_no_artifact_can_have_is_told(fake, tmp_path, warnings, path):
    (tmp_path / "a.txt").write_text("a")
    with lineal.start_run("churn") as run:
        run.log_artifact(tmp_path / "a.txt", path=path)

    assert fake.runs[run.id].artifacts == {}
    assert "log_artifact recorded nothing" in warnings()[0]


def test_a_file_that_is_not_there_stops_no_training(fake, tmp_path, warnings):
    with lineal.start_run("churn") as run:
        run.log_artifact(tmp_path / "missing.bin")
        run.log({"loss": 1.0})

    assert fake.runs[run.id].values("loss") == [1.0]
    assert "missing.bin" in warnings()[0]


def test_a_file_larger_than_the_spool_is_sent_at_once(fake, tmp_path, monkeypatch, warnings):
    monkeypatch.setenv("LINEAL_SPOOL_MAX_BYTES", "200000")
    data = os.urandom(500_000)
    (tmp_path / "large.bin").write_bytes(data)

    with lineal.start_run("churn") as run:
        run.log_artifact(tmp_path / "large.bin")
        assert fake.runs[run.id].artifacts["large.bin"] == data

    assert warnings() == []


def test_a_scikit_learn_model_is_recorded_with_its_signature_and_registered(fake):
    table = pd.DataFrame({"age": [30, 40, 50, 60]})
    model = LogisticRegression().fit(table, [0, 0, 1, 1])

    with lineal.start_run("churn") as run:
        run.log_model(model, input_example=table)
        version = lineal.register("churn", run)

    artifacts = fake.runs[run.id].artifacts
    assert sorted(artifacts) == ["model/lineal-model.json", "model/model.joblib"]
    assert json.loads(artifacts["model/lineal-model.json"])["flavor"] == "sklearn"
    assert version.digest.startswith("sha256:")
    assert version.details["signature"] == {"columns": [{"name": "age", "type": "int64"}]}


def test_a_model_of_an_unknown_library_is_told(fake, warnings):
    with lineal.start_run("churn") as run:
        run.log_model(object())

    assert "save it to a file" in warnings()[0]


# -- datasets ---------------------------------------------------------------------------------------------------------


def test_a_table_is_recorded_by_digest_shape_and_profile(fake):
    table = pd.DataFrame({"age": [30, 40, None], "name": ["a", "b", "c"]})
    with lineal.start_run("churn") as run:
        digest = run.use_dataset("people", table, context="train")

    (use,) = fake.runs[run.id].inputs
    assert use["digest"] == digest == lineal.digest.frame(table)
    assert (use["kind"], use["strength"], use["context"], use["rows"]) == ("frame", "content", "train", 3)
    assert [column["name"] for column in use["schema"]] == ["age", "name"]
    assert use["profile"]["columns"]["age"] == {"nulls": 1, "min": 30.0, "max": 40.0, "mean": 35.0}


def test_files_folders_and_addresses_are_recorded_as_strongly_as_they_can_be(fake, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x\n1\n")
    with lineal.start_run("churn") as run:
        found = run.use_dataset("file", tmp_path / "data" / "a.csv")
        assert found == "sha256:" + hashlib.sha256(b"x\n1\n").hexdigest()
        assert run.use_dataset("folder", str(tmp_path / "data")) == lineal.digest.directory(tmp_path / "data")
        assert run.use_dataset("lake", "s3://key:secret@bucket/x", version="12") is None
        assert run.use_dataset("web", "https://example.org/x") is None

    uses = {use["name"]: use for use in fake.runs[run.id].inputs}
    assert {name: (use["kind"], use["strength"]) for name, use in uses.items()} == {
        "file": ("file", "content"),
        "folder": ("directory", "content"),
        "lake": ("uri", "snapshot"),
        "web": ("uri", "path"),
    }
    assert uses["file"]["bytes"] == 4
    assert uses["lake"]["uri"] == "s3://bucket/x"
    assert uses["lake"]["source_version"] == "12"


@pytest.mark.parametrize("data", ["no/such/file.csv", object(), {"a": [[1], [2]]}])
def test_data_that_cannot_be_read_is_recorded_by_name_alone(fake, warnings, data):
    with lineal.start_run("churn") as run:
        assert run.use_dataset("odd", data) is None

    (use,) = fake.runs[run.id].inputs
    assert use["name"] == "odd"
    assert use.get("digest") is None
    assert "without a digest" in warnings()[0]


# -- registering ------------------------------------------------------------------------------------------------------


def test_registering_waits_until_everything_is_there(fake, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"weights")
    fake.drop("PUT ", times=2)

    run = lineal.start_run("churn")
    run.log_artifact(tmp_path / "model.onnx")
    version = lineal.register("churn", run, artifact="model.onnx")
    run.finish()

    assert (version.model, version.number) == ("churn", 1)
    assert lineal.register("churn", run, artifact="model.onnx").digest == version.digest


def test_registering_what_is_not_delivered_raises(fake, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_FINISH_TIMEOUT", "0.1")
    fake.refuse("/batches", 503, times=10_000)
    run = lineal.start_run("churn", params={"lr": 1})

    with pytest.raises(lineal.NotDelivered, match="spool"):
        lineal.register("churn", run, artifact="model.onnx")

    fake.faults.clear()
    run.finish()


# -- forks ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("start", ["os", "multiprocessing"])
def test_a_forked_child_logs_to_the_same_run_as_a_writer_of_its_own(fake, tmp_path, start, spool_dir):
    forks = {
        "os": "pid = os.fork()\nif pid == 0:\n    child()\n    sys.exit(0)\nos.waitpid(pid, 0)\n",
        "multiprocessing": "p = multiprocessing.get_context('fork').Process(target=child)\np.start()\np.join()\n",
    }
    done = script(
        tmp_path,
        "import lineal, multiprocessing, os, sys, warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n"
        "run = lineal.start_run('churn')\n"
        "def child():\n    [run.log({'child': n}, step=n) for n in range(300)]\n"
        "[run.log({'parent': n}, step=n) for n in range(300)]\n"
        + forks[start]
        + "run.log({'parent': 300}, step=300)\nrun.finish()\n",
    )

    (stored,) = fake.runs.values()
    assert sorted(stored.values("parent")) == list(map(float, range(301))), done.stderr
    assert sorted(stored.values("child")) == list(map(float, range(300))), done.stderr
    assert len(stored.writers) == 2
    assert len(stored.finishes) == 1
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_what_a_killed_child_left_is_sent_before_the_run_ends(fake, tmp_path, spool_dir):
    """A data loader's worker that was killed: its values are in the spool, and the run that ends is not torn open again."""
    done = script(
        tmp_path,
        "import lineal, os, signal, sys, time, warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n"
        "run = lineal.start_run('churn')\nrun.log({'parent': 1})\npid = os.fork()\n"
        "if pid == 0:\n    [run.log({'child': n}, step=n) for n in range(300)]\n    run._sender.drain()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\nos.waitpid(pid, 0)\nrun.finish()\n",
    )

    (stored,) = fake.runs.values()
    assert stored.values("child") == list(map(float, range(300))), done.stderr
    assert [finish["status"] for finish in stored.finishes] == ["finished"]
    assert [request.rpartition("/")[2] for request in fake.requests][-1] == "finish"
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_at_any_moment_hang_nothing_and_double_nothing(fake, tmp_path):
    """A child inherits whatever another thread held or was packing; it must neither wait for it nor send it again."""
    text = """
import lineal, os, sys, threading, time, warnings
warnings.simplefilter('ignore', DeprecationWarning)
run = lineal.start_run('churn')
stop = threading.Event()
def log():
    step = 0
    while not stop.is_set():
        run.log({'parent': step}, step=step)
        step += 1
        time.sleep(0.0001)
thread = threading.Thread(target=log)
thread.start()
children = []
for number in range(12):
    time.sleep(number * 0.003)
    pid = os.fork()
    if pid == 0:
        for n in range(20):
            run.log({f'child{number}': n}, step=n)
        run.finish()
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
stop.set()
thread.join()
run.finish()
"""
    begun = time.monotonic()
    done = script(tmp_path, text, LINEAL_FINISH_TIMEOUT="30")

    (stored,) = fake.runs.values()
    parent = stored.values("parent")
    assert parent == list(map(float, range(len(parent)))), done.stderr
    assert [stored.values(f"child{number}") for number in range(12)] == [list(map(float, range(20)))] * 12
    assert len(stored.finishes) == 1
    assert time.monotonic() - begun < 25


def test_uploads_side_by_side_stop_at_the_first_error():
    done = []

    def work(item):
        done.append(item)
        if item == 3:
            raise lineal.ServerUnreachable("gone")

    with pytest.raises(lineal.ServerUnreachable):
        _uploads.in_parallel(work, range(1_000))

    assert len(done) < 1_000


def test_histories_are_arrays():
    from lineal._results import array_of

    assert array_of("d", array.array("d", [1.0, math.inf]).tobytes()).tolist() == [1.0, math.inf]


def test_no_thread_is_left_when_runs_are_finished(fake):
    """Runs of other tests in this process may have left theirs; these three leave none."""
    before = set(threading.enumerate())
    for _ in range(3):
        with lineal.start_run("churn") as run:
            run.log({"loss": 1.0})

    ours = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("lineal")]
    for thread in ours:
        thread.join(5)
    assert [thread.name for thread in ours if thread.is_alive()] == []
