"""Small flushes: two hundred live runs, each sending ten metrics of one step a request, as fast as it is answered, on both databases.

The limits are those of `ingest`, of the same small requests. Group commit is what lets this go faster than a transaction a
request: requests that wait at the same time share one. The same steps are also sent as batches of two hundred runs in one request
(`POST /api/v1/batches`), as a relay of many jobs would. All is read back and compared.
"""

import statistics
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.ingest import (
    CONTENT_TYPE,
    bare_inserts,
    bodies_of,
    compare,
    cost_sheet,
    requests_of,
    stored,
)
from bench.null_site import null_site
from bench.places import Place, places
from bench.sheet import Sheet
from bench.sockets import drive, post
from bench.table import Row, shown
from bench.wire import Wire

RUNS = 200
FLUSHES = 20
ROUNDS = 3
TARGET = 1_500  # requests/s


def measure(folder: Path) -> list[Row | Sheet]:
    rows: list[Row | Sheet] = []
    lines = []
    with null_site(folder) as url, places(folder, more=[2]) as found:
        for place in found:
            costs = [stored(place, 1, FLUSHES, RUNS) for _ in range(ROUNDS)]
            rate = statistics.median(cost.driven.per_second for cost in costs)
            empty = drive(url, requests_of("/", [bodies_of(uuid4().hex, 1, FLUSHES) for _ in range(RUNS)], ""))
            bare = bare_inserts(place, 1, 1_000)
            name = f"200 runs × 10 metrics × 1 step, {place.name}"
            best = max(cost.driven.per_second for cost in costs)
            detail = f"target {TARGET:,} requests/s {'met' if rate >= TARGET else 'MISSED'}; best {shown(best)}"
            rows += [
                Row(name, "requests/s", rate, bare, "bare inserts", detail=detail),
                Row(name, "requests/s", rate, empty.per_second, "a Django view that stores nothing",
                    detail=f"median of {ROUNDS}, {RUNS * FLUSHES:,} requests each"),
                Row(f"the same, 200 runs in a request, {place.name}", "flushes/s", _together(place), bare, "bare inserts"),
            ]  # fmt: skip
            lines += [[place.name, *cost.cells()] for cost in costs]
    return [*rows, cost_sheet("small_flushes", lines)]


def _together(place: Place) -> float:
    """Flushes a second, where one request carries a flush of each run."""
    wire = Wire(place.server.url, place.server.token)
    runs = {uuid4().hex: wire.start_run("bench") for _ in range(RUNS)}
    bodies = {writer: bodies_of(writer, 1, FLUSHES) for writer in runs}
    headers = {"Authorization": f"Bearer {place.server.token}"}
    stream = []
    for flush in range(FLUSHES):
        batches = [{"run": run, **msgspec.msgpack.decode(bodies[writer][flush])} for writer, run in runs.items()]
        body = msgspec.msgpack.encode({"batches": batches})
        stream.append(post("/api/v1/batches", body, CONTENT_TYPE, headers))
    driven = drive(place.server.url, [stream])
    compare(wire, runs, bodies)
    return driven.per_second * RUNS
