"""MLflow's side of the scenarios, run by its own Python: its client against its server, each with the settings that it recommends."""

import os
import statistics
import threading
import time
from pathlib import Path

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow_store import Store
from protocol import (
    KEYS,
    STEPS,
    figure,
    kept,
    long_series,
    metrics_at,
    milliseconds,
    serve,
    side_by_side,
    spike_note,
    value_at,
)

LONGEST_S = 60.0
BEGAN_MS = 1_700_000_000_000
FLUSHING_RUNS = 200
GETTERS = 16


def ingest(order):
    """Eight processes, each logging its run in batches of a thousand, the most that a request may carry."""
    client, sizes = _client(order), order["sizes"]
    writers, batches = sizes["writers"], sizes["batches"]
    rates, sent, found = [], 0, 0
    for _ in range(sizes["rounds"]):
        runs = [client.create_run("0").info.run_id for _ in range(writers)]

        def prepare(writer, runs=runs):
            return _client(order), runs[writer], [_batch(writer, at) for at in range(batches)]

        def work(state):
            client, run, prepared = state
            for batch in prepared:
                client.log_batch(run, metrics=batch, synchronous=True)

        took, _ = side_by_side(prepare, work, writers)
        came = sum(_kept(client, run, writer, batches * STEPS) for writer, run in enumerate(runs))
        rates.append(came / took)
        sent, found = sent + writers * batches * STEPS * len(KEYS), found + came
    yield figure(
        "ingest", rates, writers * batches * STEPS * len(KEYS), sent, found, note="log_batch, 1,000 points each"
    )


def _batch(writer, at):
    steps = range(at * STEPS, (at + 1) * STEPS)
    return [
        Metric(key, value_at(writer, step, number), BEGAN_MS + step, step)
        for step in steps
        for number, key in enumerate(KEYS)
    ]


def _kept(client, run, writer, steps):
    return kept(writer, steps, lambda key: [(each.step, each.value) for each in client.get_metric_history(run, key)])


def flushes(order):
    """Two hundred live runs in eight processes, each sending ten metrics of one step a request, for as long as the order says."""
    client, sizes = _client(order), order["sizes"]
    writers, share = sizes["writers"], FLUSHING_RUNS // sizes["writers"]
    runs = [client.create_run("0").info.run_id for _ in range(writers * share)]

    def prepare(writer):
        return _client(order), runs[writer * share : (writer + 1) * share]

    def work(state):
        client, mine = state
        taken, step, until = [], 0, time.perf_counter() + sizes["flush_s"]
        while time.perf_counter() < until:
            metrics = [Metric(key, value, BEGAN_MS + step, step) for key, value in metrics_at(0, step).items()]
            for run in mine:
                begun = time.perf_counter()
                client.log_batch(run, metrics=metrics, synchronous=True)
                taken.append(1_000 * (time.perf_counter() - begun))
            step += 1
        return taken, step

    took, answers = side_by_side(prepare, work, writers)
    calls = [call for taken, _ in answers for call in taken]
    steps_of = {run: answers[at // share][1] for at, run in enumerate(runs)}
    found = sum(len(client.get_metric_history(run, "m3")) for run in runs)
    sent = sum(steps_of.values())
    note = f"p50 {statistics.median(calls):.0f} ms a request; a point of each request counted"
    yield figure("flushes", [len(calls) / took], len(runs), sent, found, note=note)


def history(order):
    client, points = _client(order), order["sizes"]["points"]
    values = long_series(points)
    run = client.create_run("0").info.run_id
    with Store(order["database"]) as store:
        store.add_points(run, "loss", values, BEGAN_MS)
    whole = []
    taken = milliseconds(
        lambda: whole.append(client.get_metric_history(run, "loss")), order["sizes"]["reads"], LONGEST_S
    )
    if [each.value for each in sorted(whole[-1], key=lambda each: each.step)] != values:
        raise RuntimeError("other values came back than were stored")
    yield figure("history", taken, points, points, points, note="get_metric_history; stored by SQL in its schema")
    charts, session = [], requests.Session()

    def chart():
        answer = session.get(
            f"{order['url']}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval",
            params={"run_ids": [run], "metric_key": "loss", "max_results": 1_000},
            timeout=300,
        )
        answer.raise_for_status()
        charts.append([each["value"] for each in answer.json()["metrics"]])

    taken = milliseconds(chart, order["sizes"]["reads"], LONGEST_S)
    seen = charts[-1]
    yield figure("chart", taken, points, note=f"what its page asks for, {len(seen):,} points; {spike_note(seen)}")


def search(order):
    client, runs, calls = _client(order), order["sizes"]["runs"], order["sizes"]["calls"]
    experiment = client.create_experiment("search")
    with Store(order["database"]) as store:
        matching = store.add_runs(int(experiment), runs, BEGAN_MS)
    found = []

    def filtered():
        found.append(
            client.search_runs(
                [experiment], "metrics.m3 > 0.5 and params.p2 = 'v3'", max_results=100, order_by=["metrics.m1 DESC"]
            )
        )

    taken = milliseconds(filtered, calls, LONGEST_S)
    firsts = [run.info.run_id for run in found[-1]]
    if firsts != matching[:100] or len(found[-1][0].data.params) != 20:
        raise RuntimeError("other runs were found than match")
    yield figure("search-filter", taken, runs, note="whole runs, by its client; stored by SQL in its schema")
    taken = milliseconds(lambda: client.search_runs([experiment], max_results=100), calls, LONGEST_S)
    yield figure("search-first", taken, runs, note="whole runs, by its client")


def artifacts(order):
    """Through its server to the same storage, whose parts it lets the client send and fetch where it can."""
    client, folder = _client(order), Path(order["folder"])
    for kind in ("large", "small"):
        source, sent, brought = Path(order["files"][kind]), [], []
        for at in range(order["sizes"]["file_rounds"]):
            run = client.create_run("0").info.run_id
            back = folder / f"{kind}-{at}"
            back.mkdir()

            def send(run=run, source=source):
                client.log_artifacts(run, str(source), "files")

            def fetch(run=run, back=back):
                client.download_artifacts(run, "files", str(back))

            sent += [each / 1_000 for each in milliseconds(send, 1, LONGEST_S)]
            brought += [each / 1_000 for each in milliseconds(fetch, 1, LONGEST_S)]
            if any((back / "files" / file.name).read_bytes() != file.read_bytes() for file in source.iterdir()):
                raise RuntimeError("other bytes came back than were sent")
        files = list(source.iterdir())
        size = len(files) if kind == "small" else sum(file.stat().st_size for file in files) // 1_000_000
        yield figure(f"{kind}-up", sent, size, note="by its server, large files in parts by signed links")
        yield figure(f"{kind}-down", brought, size, note="by its server, large files in parts by signed links")


def registry(order):
    client, calls = _client(order), order["sizes"]["versions"]
    run = client.create_run("0").info.run_id
    client.create_registered_model("churn")
    made = []

    def create():
        made.append(client.create_model_version("churn", f"runs:/{run}/model", run_id=run).version)

    def move():
        made.append(made.pop(0))
        client.set_registered_model_alias("churn", "champion", made[-1])

    yield figure("create-version", milliseconds(create, calls, LONGEST_S))
    yield figure("move-alias", milliseconds(move, calls, LONGEST_S))
    taken = milliseconds(lambda: client.get_model_version_by_alias("churn", "champion"), calls, LONGEST_S)
    if client.get_model_version_by_alias("churn", "champion").version != made[-1]:
        raise RuntimeError("the alias leads elsewhere")
    yield figure("get-by-alias", taken)
    yield figure("gets", [_gets(order)], note=f"{GETTERS} threads in 4 processes")


def _gets(order):
    """Gets by alias a second."""
    processes, seconds = 4, order["sizes"]["flush_s"]

    def work(client):
        counts = []

        def get():
            count, until = 0, time.perf_counter() + seconds
            while time.perf_counter() < until:
                client.get_model_version_by_alias("churn", "champion")
                count += 1
            counts.append(count)

        threads = [threading.Thread(target=get) for _ in range(GETTERS // processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(counts) != len(threads):
            raise RuntimeError("a reader failed")
        return sum(counts)

    took, answers = side_by_side(lambda number: _client(order), work, processes)
    return sum(answers) / took


def _client(order):
    mlflow.set_tracking_uri(order["url"])
    return MlflowClient(order["url"])


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    serve(
        {
            "ingest": ingest,
            "flushes": flushes,
            "history": history,
            "search": search,
            "artifacts": artifacts,
            "registry": registry,
        },
        ["mlflow", "uvicorn", "uvloop", "sqlalchemy"],
    )
