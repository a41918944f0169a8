"""Aim's side of the scenarios, run by its own Python: it logs to a repository in a folder, which it reads in process.

A run is found once it is indexed, which Aim's own server does from time to time, and `aim storage reindex` at once. It is not counted.
"""

import itertools
import random
import subprocess
import sys
from pathlib import Path

from protocol import (
    KEYS,
    STEPS,
    apart,
    figure,
    kept,
    long_series,
    metrics_at,
    milliseconds,
    serve,
    side_by_side,
    spike_note,
)

LONGEST_S = 60.0


def ingest(order):
    """Eight processes, each with a run of one repository."""
    sizes = order["sizes"]
    writers, steps = sizes["writers"], sizes["batches"] * STEPS
    rates, sent, found = [], 0, 0
    for _ in range(sizes["rounds"]):

        def prepare(writer):
            return writer, _run(order)

        def work(state):
            writer, run = state
            for step in range(steps):
                run.track(metrics_at(writer, step), step=step)
            run.close()
            return run.hash

        took, hashes = side_by_side(prepare, work, writers)
        _index(order)
        came = sum(apart(_kept, order, name, writer, steps) for writer, name in enumerate(hashes))
        rates.append(came / took)
        sent, found = sent + writers * steps * len(KEYS), found + came
    note = "in files here, without a server; run.close() is waited for, and a rate counts the points that were kept"
    yield figure("ingest", rates, writers * steps * len(KEYS), sent, found, note=note)


def _kept(order, name, writer, steps):
    run = _reopened(order, name)
    return kept(writer, steps, lambda key: _points(run, key))


def _points(run, key):
    metric = _metric(run, key)
    if metric is None:
        return []
    steps, columns = metric.data.numpy()
    return [(int(step), float(value)) for step, value in zip(steps, columns[0], strict=True)]


def history(order):
    points = order["sizes"]["points"]
    values = long_series(points)
    run = _run(order)
    for step, value in enumerate(values):
        run.track(value, name="loss", step=step)
    name = run.hash
    run.close()
    _index(order)
    whole, reads = [], order["sizes"]["reads"]
    taken = milliseconds(lambda: whole.append(_points(_reopened(order, name), "loss")), reads, LONGEST_S)
    if [value for _, value in whole[-1]] != values:
        raise RuntimeError("other values came back than were logged")
    yield figure("history", taken, points, points, points, note="in process, from its files")
    charts = []
    taken = milliseconds(
        lambda: charts.append(_metric(_reopened(order, name), "loss").data.sample(1_000).numpy()), reads, LONGEST_S
    )
    seen = [float(value) for value in charts[-1][1][0]]
    yield figure("chart", taken, points, note=f"in process, {len(seen):,} points; {spike_note(seen)}")


def search(order):
    """Its queries are Python over every run; they know no order, and no pages."""
    runs, chance = order["sizes"]["runs"], random.Random(7)
    matching = 0
    for number in range(runs):
        run = _run(order)
        params = {f"p{at}": f"v{chance.randrange(10)}" for at in range(20)}
        metrics = {f"m{at}": chance.random() for at in range(20)}
        run["params"] = params
        run["tags"] = {f"t{at}": f"w{number % 7}" for at in range(5)}
        run.track(metrics, step=0)
        run.close()
        matching += metrics["m3"] > 0.5 and params["p2"] == "v3"
    _index(order)
    query, found = "run.params.p2 == 'v3' and metric.name == 'm3' and metric.last > 0.5", []
    taken = milliseconds(lambda: found.append(_answer(order, query)), order["sizes"]["calls"], LONGEST_S)
    if len(found[-1]) != min(matching, 100):
        raise RuntimeError(f"{len(found[-1])} runs were found; {matching} match")
    yield figure("search-filter", taken, runs, note="in process, in its own order; the first 100")
    taken = milliseconds(lambda: _answer(order, "metric.name == 'm3'"), order["sizes"]["calls"], LONGEST_S)
    yield figure("search-first", taken, runs, note="in process; the first 100")


def _index(order):
    command = [Path(sys.executable).with_name("aim"), "storage", "--repo", order["folder"], "reindex", "--yes"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _answer(order, query):
    import aim
    from aim.sdk.types import QueryReportMode

    metrics = aim.Repo(order["folder"]).query_metrics(query, report_mode=QueryReportMode.DISABLED)
    return [(metric.run.hash, metric.run["params"]) for metric in itertools.islice(metrics, 100)]


def _run(order):
    import aim

    return aim.Run(repo=order["folder"], experiment="bench", system_tracking_interval=None, log_system_params=False)


def _reopened(order, name):
    import aim

    return aim.Run(name, repo=order["folder"], read_only=True)


def _metric(run, key):
    from aim.storage.context import Context

    return run.get_metric(key, Context({}))


if __name__ == "__main__":
    serve({"ingest": ingest, "history": history, "search": search}, ["aim"])
