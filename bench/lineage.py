"""Walks through a line of a million nodes: where a deployment came from, what came of a dataset, and of one that everybody reads.

Each is measured twice: the two statements that walk, and the whole answer with what the owners of its nodes say of them. Every
set of nodes is compared with that of a walk in memory, which is the limit. The hubs are datasets that some 700 runs each have read.
PostgreSQL runs as it is installed, beside the client on the same machine; SQLite as the server opens it.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.lineage_graph import MadeUp, made_up, neighbours, reached
from bench.table import Row
from tests.postgresql import start_postgresql

if TYPE_CHECKING:
    from lineage.walk import Direction

STARTS = 300  # of each sort, drawn once; each is asked once, after as many others
HUB_ROUNDS = 3
TYPICAL_MS, HUB_MS = 5.0, 200.0  # targets
LIMIT = "the same walk over lists in memory"


def measure(folder: Path) -> list[Row]:
    """On SQLite and on a PostgreSQL of its own, each in a process of its own, as Django knows one database."""
    rows = []
    for name in ("SQLite", "PostgreSQL"):
        url = start_postgresql(folder) if name == "PostgreSQL" else ""
        env = {key: value for key, value in os.environ.items() if not key.startswith("LINEAL_")}
        env |= {"LINEAL_HOME": str(folder / name), "DJANGO_SETTINGS_MODULE": "config.settings"}
        env |= {"LINEAL_DATABASE_URL": url} if url else {}
        (folder / name).mkdir()
        done = subprocess.run([sys.executable, "-m", "bench.lineage"], env=env, stdout=subprocess.PIPE, check=True)
        rows += [Row(**row) for row in json.loads(done.stdout)]
    return rows


def _measured() -> list[Row]:
    """Fill the database of this process, and ask."""
    from bench.lineage_rows import Owners, fill, settle
    from lineage.walk import Direction

    project = _project()
    graph = made_up()
    _timed("filling", lambda: fill(graph, project))
    walks = {
        Direction.UPSTREAM: neighbours(len(graph.kinds), ((dst, src) for src, dst, _ in graph.edges)),
        Direction.DOWNSTREAM: neighbours(len(graph.kinds), ((src, dst) for src, dst, _ in graph.edges)),
    }
    chance = random.Random(1)
    questions = [
        ("trace of a deployment", Direction.UPSTREAM, chance.sample(graph.of_kind("deployment"), STARTS), TYPICAL_MS),
        ("impact of a dataset", Direction.DOWNSTREAM, chance.sample(_unpopular(graph), STARTS), TYPICAL_MS),
        ("impact of a hub", Direction.DOWNSTREAM, graph.hubs * HUB_ROUNDS, HUB_MS),
    ]
    expected = {(way, start): reached(walks[way], start) for _, way, starts, _ in questions for start in starts}
    _timed("owners", lambda: Owners(project).write(graph, set().union(*expected.values())))
    settle()
    rows = []
    for name, way, starts, target in questions:
        asked = _Asked(way, starts, expected, walks[way])
        for what, ask in (("walk", asked.walk), ("answer", asked.answer)):
            rows.append(asked.row(f"{name}, {what}, {_database()}", ask, target))
    among = f"; among {len(graph.kinds):,} nodes and {len(graph.edges):,} edges"
    return [replace(row, detail=row.detail + among) for row in rows]


def _database() -> str:
    from django.db import connection

    if connection.vendor == "sqlite":
        return "SQLite"
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def _unpopular(graph: MadeUp) -> list[int]:
    return [node for node in graph.of_kind("dataset_version") if node not in graph.hubs]


class _Asked:
    """One question from many starts."""

    def __init__(
        self, way: "Direction", starts: Sequence[int], expected: dict[Any, set[int]], next_to: list[list[int]]
    ) -> None:
        from accounts.models import Project
        from core.access import Principal, Role

        project = Project.objects.get(name="bench")
        self._way, self._starts, self._expected, self._next_to = way, starts, expected, next_to
        self._reader = Principal(id=project.uuid, kind="user", name="reader", roles={project.pk: Role.VIEWER})

    def walk(self, start: int) -> set[int]:
        """The two statements, as `selectors` asks them."""
        from lineage import walk
        from lineage.selectors import MAX_NODES

        with walk.time_limit():
            nodes = walk.walk_nodes(starts=[start + 1], direction=self._way, limit=MAX_NODES + 1)
            walk.walk_edges(starts=[start + 1], direction=self._way, limit=MAX_NODES + 1)
        return {node_id - 1 for node_id, *_ in nodes}

    def answer(self, start: int) -> set[int]:
        """All that the API gives, but for HTTP and JSON."""
        from lineage import selectors
        from lineage.models import Node
        from lineage.walk import Direction

        ask = selectors.trace if self._way is Direction.UPSTREAM else selectors.impact
        found = ask(starts=[Node.objects.get(pk=start + 1)], visible_to=self._reader)
        if any(not node.about for node in found.nodes if node.kind != "evaluation"):
            raise RuntimeError(f"a node below or above {start} was not described")
        return {node.id - 1 for node in found.nodes}

    def row(self, name: str, ask: Callable[[int], set[int]], target_ms: float) -> Row:
        for start in self._starts[-STARTS // 10 :]:
            ask(start)  # plans, connections and imports
        taken = sorted(self._checked_ms(ask, start) for start in self._starts)
        limits = [_ms(lambda start=start: reached(self._next_to, start)) for start in self._starts]
        sizes = sorted(len(self._expected[self._way, start]) for start in self._starts)
        detail = (
            f"target {target_ms:g} ms {'met' if statistics.median(taken) < target_ms else 'MISSED'};"
            f" p95 {taken[len(taken) * 95 // 100]:.3g}, max {taken[-1]:.3g} ms;"
            f" {statistics.median(sizes):g} nodes, at most {sizes[-1]:,}; {len(taken)} walks"
        )
        return Row(
            name, "ms", statistics.median(taken), statistics.median(limits), LIMIT, more_is_better=False, detail=detail
        )

    def _checked_ms(self, ask: Callable[[int], set[int]], start: int) -> float:
        begun = time.perf_counter()
        found = ask(start)
        took = (time.perf_counter() - begun) * 1_000
        if found != self._expected[self._way, start]:
            raise RuntimeError(f"the walk from {start} found {len(found)} nodes and not those that there are")
        return took


def _project() -> Any:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from accounts.services import create_project
    from core.access import system_principal
    from registry.services import ensure_environments

    project = create_project(name="bench", actor=system_principal("bench"))
    ensure_environments(project=project)
    return project


def _timed(name: str, act: Callable[[], object]) -> None:
    print(f"  {name}: {_ms(act) / 1_000:.0f} s", file=sys.stderr, flush=True)


def _ms(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1_000


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps([asdict(row) for row in _measured()]))
