"""What a typed user of `lineal` may write. Checked by `mypy tests/typing/api.py`, never run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import lineal
from lineal import digest


def train() -> lineal.ModelVersion:
    with lineal.start_run("churn", params={"lr": 3e-4, "layers": 2}, tags={"team": "risk"}) as run:
        assert_type(run, lineal.Run)
        run.use_dataset("train", Path("train.parquet"))
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
    run.finish("failed")
    return lineal.register("churn", run, artifact="model.onnx")


def promote(version: lineal.ModelVersion) -> str:
    promotion = lineal.promote("churn", version.digest, to="production", expect_current=None, reason="beats v7")
    assert_type(promotion, lineal.Promotion)
    assert_type(promotion.decision, str)
    return promotion.decision


def ask(client: lineal.Client) -> None:
    with client:
        with client.start_run("churn", parent="0" * 32) as run:
            run.log({"loss": 0.1})
        version = client.register("churn", run)
        assert_type(version.number, int)
        assert_type(version.digest, str)
        client.promote("churn", version.number, to="staging", reason="smoke test")
        assert_type(client.search_runs("metrics.auc > 0.9", order_by=["metrics.auc DESC"]), list[dict[str, Any]])
        assert_type(client.history(run, "loss"), lineal.History)
        assert_type(client.trace("model:churn@production"), dict[str, Any])
        assert_type(client.impact("dataset:train"), dict[str, Any])


def digests(table: object) -> tuple[str, str, str, str]:
    return (
        digest.file("a"),
        digest.directory(Path("a"), follow=True),
        digest.frame(table),
        digest.directory_manifest("a"),
    )


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
