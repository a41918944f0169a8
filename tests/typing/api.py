"""What a typed user of `lineal` may write. Checked by `mypy tests/typing/api.py`, never run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_type

import lineal
from lineal import digest


def train() -> lineal.ModelVersion:
    with lineal.start_run("churn", params={"lr": 3e-4, "layers": 2}, tags={"team": "risk"}) as run:
        assert_type(run, lineal.Run)
        run.use_dataset("train", Path("train.parquet"))
        assert_type(run.log_dataset("scores", Path("scores.parquet")), str | None)
        run.log({"loss": 0.41}, step=10)
        run.log({"accuracy": 1})
        run.log_param("seed", 7)
        run.log_params({"optimizer": {"name": "adam"}})
        run.set_tag("note", "first try")
        run.log_artifact("model.onnx")
        run.log_artifact(Path("plots"), "figures")
        run.log_model("model.onnx", "model")
        assert_type(run.id, str)
        assert_type(run.flush(), bool)
        with lineal.start_run("churn", run_id=run.id, join=True) as worker:
            worker.log({"worker/loss": 0.4})
    run.finish("failed", timeout_s=10)
    return lineal.register("churn", run, artifact="model.onnx")


def promote(version: lineal.ModelVersion) -> str:
    promotion = lineal.promote("churn", version.digest, to="production", expect_current=None, reason="beats v7")
    assert_type(promotion, lineal.Promotion)
    assert_type(promotion.decision, str)
    return promotion.decision


def ask(client: lineal.Client) -> None:
    with client:
        with client.start_run("churn", parent="0" * 32, caused_by="0" * 32) as run:
            run.log({"loss": 0.1})
        version = client.register("churn", run)
        assert_type(version.number, int)
        assert_type(version.digest, str)
        client.promote("churn", version.number, to="staging", reason="smoke test")
        assert_type(client.search_runs("metrics.auc > 0.9", order_by=["metrics.auc DESC"]), list[dict[str, Any]])
        assert_type(client.history(run, "loss"), lineal.History)
        assert_type(client.charts([run, "0" * 32], ["loss"], max_points=100), dict[str, dict[str, lineal.Chart]])
        assert_type(client.trace("model:churn@production"), dict[str, Any])
        assert_type(client.impact("dataset:train"), dict[str, Any])


def digests(table: object) -> tuple[str, str, str, str]:
    return (
        digest.file("a"),
        digest.directory(Path("a"), follow=True),
        digest.frame(table),
        digest.directory_manifest("a"),
    )


def profiles(table: object, run: lineal.Run) -> bytes:
    baseline = lineal.profile(table, label_column="churned", predictions="said", key=bytes(16))
    assert_type(baseline, lineal.Profile)
    reference = baseline.reference()
    assert_type(reference, lineal.Reference)
    batch = lineal.profile("s3://bucket/day/", reference, "strict").merge(
        lineal.profile([Path("a.parquet")], reference, "strict")
    )
    assert_type(lineal.Profile.from_json(batch.to_json()), lineal.Profile)
    assert_type(lineal.Reference.from_json(reference.to_json()), lineal.Reference)
    assert_type(batch.columns["age"].missing, int)
    run.log_profile(baseline)
    run.use_dataset("train", table, profile=baseline)
    try:
        return lineal.Profile.from_bytes(batch.to_bytes()).to_bytes()
    except (lineal.InvalidProfile, lineal.IncompatibleProfiles) as exc:
        return str(exc).encode()


def serve(row: dict[str, object], table: object) -> lineal.MonitorStats:
    with lineal.monitor("fraud@production", window=3_600, privacy="strict", max_buffered_rows=10_000) as monitor:
        assert_type(monitor, lineal.Monitor)
        monitor.observe(row, predictions=1, scores={"yes": 0.8}, embeddings={"text": [0.1]})
        monitor.observe(table, "said", labels=[None], at=datetime.now(UTC))
        monitor.report_labels(predictions=[1], labels=[0], at=0.0)
        assert_type(monitor.flush(timeout=5), bool)
    return monitor.stats()


def failures() -> str | Mapping[str, Any]:
    try:
        lineal.promote("churn", 3, to="production", reason="r")
    except lineal.NotPromoted as exc:
        return exc.result
    except lineal.OutcomeUnknown as exc:
        return exc.idempotency_key or "none"
    except lineal.Conflict as exc:
        return f"{exc.status} {exc.type} {exc.detail} {exc.request_id}"
    except (lineal.ServerUnreachable, lineal.NotConfigured) as exc:
        return str(exc)
    return {}


def later() -> bool:
    report = lineal.sync()
    assert_type(report, lineal.SyncReport)
    return report.ok


def decide(promotion: lineal.Promotion) -> None:
    assert_type(lineal.approve(promotion, reason="looked at the curves", digest="sha256:…"), lineal.Promotion)
    lineal.refuse("01890000-0000-7000-8000-000000000000", reason="no")
    assert_type(
        lineal.rollback("churn", environment="production", expect_current="none", reason="alerts"), lineal.Promotion
    )
    lineal.report_deployment("churn", 3, environment="production", target="eu/api")


def bring_back(client: lineal.Client) -> None:
    assert_type(client.get_run("0" * 32), dict[str, Any])
    assert_type(client.get_version("churn", 3), lineal.ModelVersion)
    assert_type(client.download_artifact("0" * 32, "model", to="here"), list[Path])
    assert_type(client.download_model("churn", "sha256:…", to=Path("here")), Path)
    client.load_model("churn", "sha256:…", to="here", allow_pickle=True)


def continue_and_describe(frame: object) -> None:
    run = lineal.start_run("churn", run_id="0" * 32, description="after the restart")
    assert_type(run.use_dataset("lake", "s3://bucket/table", context="train", version="12"), str | None)
    run.log_model(object(), input_example=frame)
    run.set_tags({"stage": None})
    assert_type(run.url, str | None)
    run.finish()
