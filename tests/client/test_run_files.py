"""Files and models of a run, as they were when they were logged."""

import json
import os

import lineal
import pandas as pd
import pytest
from lineal import _parallel
from sklearn.linear_model import LogisticRegression

from tests.client.fake_server import Problem


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


@pytest.mark.parametrize("limit", [20_000, 100], ids=["packs", "files"])
def test_a_proxy_that_takes_no_large_bodies_gets_smaller_ones(fake, tmp_path, monkeypatch, limit):
    """A pack that is too large for it is halved, down to files by themselves, and later ones begin where that led."""
    fake.packs = True
    real, refusals = fake.receive_pack, []

    def receive_pack(self, run, *, query, body):
        if len(body) > limit:
            refusals.append(len(body))
            raise Problem(413, "too-large")
        return real(run, query=query, body=body)

    fake.more_routes.append(("POST", "/runs/([^/]+)/artifacts/pack", receive_pack))
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.bin").write_bytes(os.urandom(2_000))
    with lineal.start_run("churn") as run:
        run.log_artifact(folder)
        assert run.flush()
        run.log({"loss": 1.0})

    stored = fake.runs[run.id]
    assert len(stored.artifacts) == 60
    assert stored.values("loss") == [1.0]
    assert len(refusals) <= (4 if limit == 20_000 else 70)


def test_without_a_connection_to_the_storage_files_go_through_the_server(fake, tmp_path, warnings, monkeypatch):
    """Links that lead into a network which this machine is not in."""
    monkeypatch.setattr("lineal._direct.backoff_s", lambda *_: 0.0)
    real, asked = fake.announce, []

    def announce(self, run, *, query, body):
        answer = real(run, query=query, body=body)
        for entry in answer["files"]:
            direct = {
                "part_size": 40_000,
                "parts": -(-len(files[entry["path"]]) // 40_000),
                "began": False,
                "link": None,
            }
            entry["upload"] = entry["upload"] and {**entry["upload"], "direct": direct}
        return answer

    def links(self, number, *, query, body):
        asked.append(number)
        link = {"url": "http://localhost:9/bucket/staging", "headers": {}}
        return {"links": [{"part": part, **link} for part in json.loads(body)["parts"]]}

    fake.more_routes += [
        ("POST", "/runs/([^/]+)/artifacts", announce),
        ("POST", "/uploads/([^/]+)/links", links),
    ]
    files = {f"{number}.bin": os.urandom(100_000 if number else 30_000) for number in range(4)}
    with lineal.start_run("churn") as run:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
            run.log_artifact(tmp_path / name)
            assert run.flush()

    assert fake.runs[run.id].artifacts == files
    assert len(asked) == 1
    assert sum("go through the server" in sentence for sentence in warnings()) == 1


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


def test_uploads_side_by_side_stop_at_the_first_error():
    done = []

    def work(item):
        done.append(item)
        if item == 3:
            raise lineal.ServerUnreachable("gone")

    with pytest.raises(lineal.ServerUnreachable):
        _parallel.in_parallel(work, range(1_000))

    assert len(done) < 1_000
