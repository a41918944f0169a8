"""A made-up graph in the tables of a real database, with the rows of the owners behind all runs and behind all nodes that will be met."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Project
from bench.lineage_graph import MadeUp
from core.clock import now
from lineage.kinds import EDGE_CODES, NODE_CODES
from registry.models import Deployment, Environment, Model, ModelVersion
from tracking.models import Dataset, DatasetVersion, EnvironmentLock, Experiment, Run

BATCH = 2_000
OWNER = {"created_by_id": UUID(int=1), "created_by": "bench"}


def fill(graph: MadeUp, project: Project) -> None:
    """Nodes and edges as they came to be; node n gets the id n + 1."""
    at = now()
    nodes = (
        (n + 1, project.pk, NODE_CODES[kind], key_of(kind, n), kind == "deployment", at)
        for n, kind in enumerate(graph.kinds)
    )
    edges = ((src + 1, dst + 1, EDGE_CODES[kind], None, at) for src, dst, kind in graph.edges)
    _load("lineage_node", ("id", "project_id", "kind", "key", "live", "created_at"), nodes)
    _load("lineage_edge", ("src_id", "dst_id", "kind", "run_key", "created_at"), edges)


def settle() -> None:
    """Statistics and visibility as PostgreSQL's autovacuum has them; on SQLite the server keeps none."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def key_of(kind: str, number: int) -> str:
    """As the owner of that kind spells its keys."""
    uuid = UUID(int=number)
    return {"deployment": str(uuid), "code_commit": f"{number:040x}", "environment": f"sha256:{number:064x}"}.get(
        kind, uuid.hex
    )


def _load(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    names = ", ".join(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})", rows)


class Owners:
    """Writes the rows that nodes stand for, each as small as its table allows."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._experiment = Experiment.objects.create(project=project, name="bench", created_by="bench")
        self._dataset = Dataset.objects.create(project=project, name="bench")
        self._model = Model.objects.create(project=project, name="bench", **OWNER)
        self._environment = Environment.objects.get(project=project, name="production")

    def write(self, graph: MadeUp, nodes: Collection[int]) -> None:
        """Rows for those of `nodes` whose kind has an owner with a table, and for each run with its commit."""
        of_kind: dict[str, list[int]] = {}
        for node in sorted(nodes):
            of_kind.setdefault(graph.kinds[node], []).append(node)
        commits = ((dst, src) for src, dst, _ in graph.edges if graph.kinds[src] == "code_commit")
        runs = self._create(Run, [self._run(run, commit) for run, commit in commits])
        self._create(DatasetVersion, [self._data(n) for n in of_kind.get("dataset_version", [])])
        self._create(EnvironmentLock, [self._lock(n) for n in of_kind.get("environment", [])])
        versions = [self._version(n, runs[0]) for n in of_kind.get("model_version", [])]
        self._create(ModelVersion, versions)
        self._create(Deployment, [self._deployment(n, versions[0]) for n in of_kind.get("deployment", [])])

    def _create(self, model: Any, rows: list[Any]) -> list[Any]:
        return list(model.objects.bulk_create(rows, batch_size=BATCH))

    def _run(self, number: int, commit: int) -> Run:
        return Run(
            uuid=UUID(int=number),
            project=self._project,
            experiment=self._experiment,
            name=f"run {number}",
            status="finished",
            code_commit=key_of("code_commit", commit),
            **OWNER,
        )

    def _data(self, number: int) -> DatasetVersion:
        digest = f"{number:064x}"
        facts = {"digest": f"sha256:{digest}", "kind": "file", "strength": "content", "created_by": "bench"}
        return DatasetVersion(uuid=UUID(int=number), dataset=self._dataset, identity=digest, **facts)

    def _lock(self, number: int) -> EnvironmentLock:
        return EnvironmentLock(project=self._project, digest=key_of("environment", number), python="3.11")

    def _version(self, number: int, run: Run) -> ModelVersion:
        digest = f"sha256:{number:064x}"
        identity = {"uuid": UUID(int=number), "number": number, "digest": digest}
        return ModelVersion(**identity, model=self._model, run=run, artifact="model", **OWNER)

    def _deployment(self, number: int, version: ModelVersion) -> Deployment:
        return Deployment(
            uuid=UUID(int=number),
            project=self._project,
            version=version,
            environment=self._environment,
            target=f"target-{number}",
            started_at=now(),
            reported_by_id=UUID(int=1),
            reported_by="bench",
            matched_slot=True,
        )
