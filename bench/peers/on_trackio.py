"""Trackio's side of the scenarios, run by its own Python: it logs to files of its own, and what it holds is read from these."""

import shutil
import statistics
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
    """Eight processes, each with a run of one project, as when ranks or jobs share a folder."""
    sizes = order["sizes"]
    writers, steps = sizes["writers"], sizes["batches"] * STEPS
    rates, sent, found = [], 0, 0
    for at in range(sizes["rounds"]):
        project = f"ingest{at}"

        def prepare(writer, project=project):
            import trackio

            return writer, trackio.init(project=project, name=f"writer{writer}", embed=False)

        def work(state):
            writer, run = state
            for step in range(steps):
                run.log(metrics_at(writer, step), step=step)
            run.finish()

        took, _ = side_by_side(prepare, work, writers)
        came = sum(apart(_kept, project, writer, steps) for writer in range(writers))
        rates.append(came / took)
        sent, found = sent + writers * steps * len(KEYS), found + came
    note = "in files here, without a server; run.finish() is waited for, and a rate counts the points that were kept"
    yield figure("ingest", rates, writers * steps * len(KEYS), sent, found, note=note)


def _kept(project, writer, steps):
    rows = _storage().get_logs(project, f"writer{writer}")
    return kept(writer, steps, lambda key: [(row["step"], row[key]) for row in rows if key in row])


def history(order):
    points = order["sizes"]["points"]
    values = long_series(points)
    storage = _storage()
    for first in range(0, points, 50_000):
        part = values[first : first + 50_000]
        steps = list(range(first, first + len(part)))
        storage.bulk_log("history", "long", [{"loss": value} for value in part], steps=steps)
    whole = []
    taken = milliseconds(lambda: whole.append(storage.get_logs("history", "long")), order["sizes"]["reads"], LONGEST_S)
    if [row["loss"] for row in whole[-1]] != values:
        raise RuntimeError("other values came back than were logged")
    yield figure("history", taken, points, points, points, note="in process, from its file")
    charts = []

    def chart():
        charts.append(storage.get_logs("history", "long", max_points=1_000, scalar_only=True))

    taken = milliseconds(chart, order["sizes"]["reads"], LONGEST_S)
    seen = [row["loss"] for row in charts[-1]]
    yield figure("chart", taken, points, note=f"in process, {len(seen):,} points; {spike_note(seen)}")


def artifacts(order):
    import trackio

    folder = Path(order["folder"])
    run = trackio.init(project="artifacts", name="files", embed=False)
    for kind in ("large", "small"):
        source, back = Path(order["files"][kind]), folder / f"{kind}-back"
        sent, brought = [], []
        for at in range(order["sizes"]["file_rounds"]):
            for file in source.iterdir():  # other bytes each round: what is held already is not sent
                file.write_bytes(at.to_bytes(8, "big") + file.read_bytes()[8:])

            def send():
                artifact = trackio.Artifact(kind, type="dataset")
                artifact.add_dir(source)
                run.log_artifact(artifact).wait()

            def fetch():
                run.use_artifact(f"{kind}:latest").download(str(back))

            sent += [each / 1_000 for each in milliseconds(send, 1, LONGEST_S)]
            brought += [each / 1_000 for each in milliseconds(fetch, 1, LONGEST_S)]
            if any((back / file.name).read_bytes() != file.read_bytes() for file in source.iterdir()):
                raise RuntimeError("other bytes came back than were sent")
            shutil.rmtree(back)
        files = list(source.iterdir())
        size = len(files) if kind == "small" else sum(file.stat().st_size for file in files) // 1_000_000
        yield figure(f"{kind}-up", sent, size, note="copied into its folder, no store between")
        yield figure(f"{kind}-down", brought, size, note="copied or linked from its folder, no store between")
    run.finish()


def registry(order):
    import trackio

    folder = Path(order["folder"])
    run = trackio.init(project="registry", name="versions", embed=False)
    numbers = iter(range(10_000))

    def create(aliases=()):
        path = folder / "model.bin"
        path.write_text(f"weights {next(numbers)}")
        artifact = trackio.Artifact("churn", type="model")
        artifact.add_file(path)
        run.log_artifact(artifact, aliases=list(aliases)).wait()

    calls = order["sizes"]["versions"]
    yield figure("create-version", milliseconds(create, calls, LONGEST_S), note="in process, with a small file")
    create(["champion"])
    taken = milliseconds(lambda: run.use_artifact("churn:champion"), calls, LONGEST_S)
    yield figure("get-by-alias", taken, note="in process; records the use")
    if statistics.median(taken) <= 0 or "champion" not in run.use_artifact("churn:champion").aliases:
        raise RuntimeError("the alias leads elsewhere")
    run.finish()


def _storage():
    from trackio.sqlite_storage import SQLiteStorage

    return SQLiteStorage


if __name__ == "__main__":
    serve({"ingest": ingest, "history": history, "artifacts": artifacts, "registry": registry}, ["trackio"])
