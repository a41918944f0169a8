"""Data that a run read, recorded as strongly as can be; and what registering waits for."""

import hashlib

import lineal
import pandas as pd
import pytest


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
