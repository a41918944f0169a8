"""Search over 1,000, 10,000 and 100,000 runs of 20 params, 20 metrics and 5 tags, over REST, on SQLite and on PostgreSQL.

One connection asks for pages of 100 whole runs, of the whole project unless it says otherwise, each question with other values. Every
answer is compared with what plain Python finds among the same runs. The limit is what the database takes for the statements of
the same search, sent without the server. PostgreSQL runs as it is installed, beside client and server on the same machine.
Growth is the median of each kind as the store grows: flat where an index gives the page in its order, rising where all runs that
pass have to be looked at.
"""

import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.plot import Curve, Curves
from bench.search_questions import KINDS, PAGE, Kind, Oracle, Question
from bench.stores import Store, in_the_store, said_in_the_store, served, stored
from bench.table import Row, at_share
from bench.wire import Wire

SIZES = (1_000, 10_000, 100_000)
DRAWN = ("metric and param, by a metric", "first page without a filter", "dataset by digest, by a metric")
DRAWN_KINDS = [kind for kind in KINDS if kind.name in DRAWN]
QUICK_RUNS = 2_000
runs = SIZES[-1]  # `--runs`: where growth ends
quick = False  # `--quick`: a small store and few questions, to see that all of it works
databases: Sequence[str] = ("sqlite", "postgresql")  # `--database`


@dataclass(frozen=True)
class Taken:
    """Milliseconds of one kind of question at one size."""

    kind: Kind
    runs: int
    database: str
    over_http: Sequence[float]
    bare: Sequence[float]


def measure(folder: Path) -> list[Row | Curves]:
    """Under six minutes on a machine of two cores that does nothing else, most of which goes into filling the stores."""
    taken: list[Taken] = []
    most = QUICK_RUNS if quick else runs
    oracle: Oracle | None = None
    with ExitStack() as stack:
        stores = [stack.enter_context(stored(folder, name)) for name in databases]
        for size in [*(size for size in SIZES if size < most), most]:
            with _seeding(stores, size):
                oracle = oracle or Oracle(most)
            for store in stores:
                taken += _measured(store, size, oracle.of_the_first(size), KINDS if size == most else DRAWN_KINDS)
    return [*(_row(each) for each in taken if each.runs == most), *_growth(taken)]


@contextmanager
def _seeding(stores: Sequence[Store], size: int) -> Iterator[None]:
    """All stores are brought to that size side by side, and what is inside goes on meanwhile."""
    filling = [in_the_store(store, ["bench.seed.command", str(size)]) for store in stores]
    try:
        yield
    finally:
        codes = [each.wait() for each in filling]
    if any(codes):
        raise RuntimeError(f"Filling the stores with {size:,} runs ended with {codes}.")


def _measured(store: Store, size: int, oracle: Oracle, kinds: Sequence[Kind]) -> list[Taken]:
    chance = random.Random(size)
    times = {kind.name: max(10, kind.times // 6) if quick else kind.times for kind in kinds}
    asked = {kind.name: [kind.ask(oracle, chance) for _ in range(times[kind.name])] for kind in kinds}
    over_http: dict[str, list[float]] = {}
    with served(store) as server:
        wire = Wire(server.url, server.token)
        for kind in kinds:
            over_http[kind.name] = [_ask(wire, question, oracle) for question in asked[kind.name]]
    sent = json.dumps({name: [_body(each) for each in questions] for name, questions in asked.items()})
    bare = json.loads(said_in_the_store(store, ["bench.search_bare"], sent))
    return [Taken(kind, size, store.name, over_http[kind.name], bare[kind.name]) for kind in kinds]


def _ask(wire: Wire, question: Question, oracle: Oracle) -> float:
    """Milliseconds of the last page, which has to be the one that plain Python finds."""
    body = _body(question)
    for _ in range(question.pages - 1):
        body["cursor"] = wire.json("POST", "runs/search", body)["next_cursor"]
        if body["cursor"] is None:
            break
    begun = time.perf_counter()
    data = wire.send("POST", "runs/search", json.dumps(body).encode())
    took = (time.perf_counter() - begun) * 1_000
    found = [run["name"] for run in json.loads(data)["items"]]
    if "cursor" not in body or body["cursor"] is not None:
        expected = oracle.names(question)
        if found != expected:
            raise RuntimeError(f"{body} found {found[:3]} …, and has to find {expected[:3]} …")
    return took


def _body(question: Question) -> dict[str, Any]:
    return {**question.body, "limit": PAGE}


def _row(taken: Taken) -> Row:
    p50, p95 = statistics.median(taken.over_http), at_share(taken.over_http, 0.95)
    kind = taken.kind
    target = ""
    if kind.p50_ms:
        met = "met" if p50 <= kind.p50_ms and p95 <= kind.p95_ms else "MISSED"
        target = f"target {kind.p50_ms:.0f}/{kind.p95_ms:.0f} ms {met}; "
    return Row(
        f"{kind.name}, {taken.database}",
        "ms",
        p50,
        statistics.median(taken.bare),
        "its SQL alone",
        more_is_better=False,
        detail=f"{target}p95 {p95:.1f} ms; {len(taken.over_http)} questions; {taken.runs:,} runs",
    )


def _growth(taken: Sequence[Taken]) -> list[Curves]:
    """A picture for each database: a dozen lines in one would not be told apart."""
    return [
        Curves(
            f"search-growth-{database.split()[0].lower()}",
            f"Search as the store grows, {database}",
            "runs in the store",
            "ms, median, over REST",
            [Curve(name, _medians(taken, database, name)) for name in DRAWN],
        )
        for database in dict.fromkeys(each.database for each in taken)
    ]


def _medians(taken: Sequence[Taken], database: str, name: str) -> list[tuple[float, float]]:
    return [
        (each.runs, statistics.median(each.over_http))
        for each in taken
        if (each.kind.name, each.database) == (name, database)
    ]
