"""Made-up runs as rows: those that the services would have written for a client that logged them, a block in one transaction.

Experiments, datasets and commits come to be through their services, as they are few. The ledger has each run's three
events, and a run's seal is over its content.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from django.db import connection, transaction

from accounts.models import Account, Project
from accounts.selectors import principal_of
from bench.seed.ledger import Ledger
from bench.seed.made import REPOSITORY, MadeRun, Use
from bench.seed.tables import Table
from core import clock
from lineage.fields import EdgeKindField, NodeKindField
from lineage.models import Edge, Node
from lineage.services import ensure_node
from tracking import sealing
from tracking.metrics import codec
from tracking.metrics.points import STEP, VALUE, Points
from tracking.metrics.summary import Summary
from tracking.models import Batch, Experiment, Param, Run, RunInput, Seal, Series, Tag, WriterPosition
from tracking.services.datasets import register_version
from tracking.services.experiments import ensure_experiment
from tracking.services.series import SUMMARY_COLUMNS
from tracking.uses import DatasetUse
from tracking.values import spell

BLOCK = 500
STEP_US = 1_000_000  # between two points
_WRITERS = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


@dataclass
class Written:
    """A run on its way into the store."""

    id: int
    experiment: Experiment
    made: MadeRun
    points: Sequence[tuple[str, Points]]


class Seeding:
    """Writes made-up runs into one project."""

    def __init__(self, project: Project, account: Account) -> None:
        self._project, self._actor = project, principal_of(account)
        self._experiments: dict[str, Experiment] = {}
        self._versions: dict[Use, tuple[int, int]] = {}
        self._commits: dict[str, int] = {}
        self._ledger = Ledger(project, self._actor)
        self._tables = {
            model: Table(model, *columns)
            for model, columns in {
                Run: _RUN,
                Param: ("run_id", "experiment_id", "key", "value", "head", "kind", "number"),
                Tag: ("run_id", "experiment_id", "key", "value", "head"),
                Series: ("run_id", "experiment_id", "key", *SUMMARY_COLUMNS),
                Batch: ("run_id", "points", "payload", "created_at"),
                WriterPosition: ("run_id", "writer", "last_sequence"),
                RunInput: ("run_id", "version_id", "context"),
                Node: ("id", "project_id", "kind", "key", "created_at"),
                Edge: ("src_id", "dst_id", "kind", "run_key", "created_at"),
                Seal: ("run_id", "number", "digest", "event_id", "sealed_at"),
            }.items()
        }

    def write(self, first: int, count: int, tell: Callable[[int], None] = lambda _: None) -> None:
        """Run `first` and those behind it, `count` in all; `tell` hears how many more were written."""
        for start in range(first, first + count, BLOCK):
            made = [MadeRun(number) for number in range(start, min(start + BLOCK, first + count))]
            with transaction.atomic():
                self._write_block(made)
            tell(len(made))

    def _write_block(self, made: Sequence[MadeRun]) -> None:
        ids = self._tables[Run].next_ids(len(made))
        runs = [
            Written(id_, self._experiment(each.experiment), each, _points(each))
            for id_, each in zip(ids, made, strict=True)
        ]
        self._tables[Run].insert(self._run(run) for run in runs)
        self._tables[Param].insert(_params(runs))
        self._tables[Tag].insert(_tags(runs))
        self._tables[Series].insert(_series(runs))
        self._tables[Batch].insert(_batches(runs))
        self._tables[WriterPosition].insert((run.id, uuid5(_WRITERS, run.made.uuid.hex), 1) for run in runs)
        self._connect(runs)
        self._seal(runs)

    def _run(self, run: Written) -> tuple[Any, ...]:
        made, actor = run.made, self._actor
        begun, ended = made.started_at, made.ended_at
        place = (run.id, made.uuid, self._project.pk, run.experiment.pk, made.name, made.status, True)
        times = (begun, begun, ended, ended)
        origin = (made.host, made.user, "train.py", REPOSITORY, made.commit, made.branch, None)
        return (*place, actor.id, actor.name, *times, *origin)

    def _experiment(self, name: str) -> Experiment:
        if name not in self._experiments:
            self._experiments[name] = ensure_experiment(project=self._project, name=name, actor=self._actor)
        return self._experiments[name]

    def _connect(self, runs: Sequence[Written]) -> None:
        """Nodes of the runs, and what they came of, which has its nodes first."""
        for run in runs:
            self._commit(run.made.commit)
            for use in run.made.inputs:
                self._version(use)
        ids = self._tables[Node].next_ids(len(runs))
        inputs: list[tuple[Any, ...]] = []
        edges: list[tuple[Any, ...]] = []
        used, now = EdgeKindField().get_prep_value("used"), clock.now()
        for node, run in zip(ids, runs, strict=True):
            key = run.made.uuid.hex
            edges.append((self._commit(run.made.commit), node, used, key, now))
            for use in run.made.inputs:
                version, source = self._version(use)
                inputs.append((run.id, version, use.context))
                edges.append((source, node, used, key, now))
        kind = NodeKindField().get_prep_value("run")
        self._tables[Node].insert(
            (node, self._project.pk, kind, run.made.uuid.hex, now) for node, run in zip(ids, runs, strict=True)
        )
        self._tables[RunInput].insert(inputs)
        self._tables[Edge].insert(edges)

    def _commit(self, commit: str) -> int:
        if commit not in self._commits:
            self._commits[commit] = ensure_node(project=self._project, kind="code_commit", key=commit).pk
        return self._commits[commit]

    def _version(self, use: Use) -> tuple[int, int]:
        """The ids of the dataset version and of its node."""
        if use not in self._versions:
            mention = DatasetUse(name=use.name, digest=use.digest, kind="file", strength="content")
            version, _ = register_version(project=self._project, use=mention, actor=self._actor)
            node = ensure_node(project=self._project, kind="dataset_version", key=version.uuid.hex)
            self._versions[use] = version.pk, node.pk
        return self._versions[use]

    def _seal(self, runs: Sequence[Written]) -> None:
        digests = [_content(run) for run in runs]
        events = self._ledger.record([(run.made, digest) for run, digest in zip(runs, digests, strict=True)])
        self._tables[Seal].insert(
            (run.id, 1, digest, event, clock.now()) for run, digest, event in zip(runs, digests, events, strict=True)
        )


_RUN = (
    *("id", "uuid", "project_id", "experiment_id", "name", "status", "sealed", "created_by_id", "created_by"),
    *("created_at", "client_started_at", "ended_at", "client_ended_at"),
    *("host", "os_user", "entry_point", "code_repository", "code_commit", "code_branch", "code_dirty"),
)


def settle() -> None:
    """Statistics and visibility as PostgreSQL's autovacuum has them soon; on SQLite the server keeps none."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _points(made: MadeRun) -> list[tuple[str, Points]]:
    count = len(next(iter(made.metrics.values())))
    steps = np.arange(count, dtype=STEP)
    times = int(made.started_at.timestamp()) * 1_000_000 + steps * STEP_US
    return [(key, Points(steps, times, np.array(values, VALUE))) for key, values in made.metrics.items()]


def _params(runs: Sequence[Written]) -> Iterator[tuple[Any, ...]]:
    for run in runs:
        for key, given in run.made.params.items():
            value = spell(given)
            yield run.id, run.experiment.pk, key, value.text, value.head, value.kind, value.number


def _tags(runs: Sequence[Written]) -> Iterable[tuple[Any, ...]]:
    return ((run.id, run.experiment.pk, key, text, text[:200]) for run in runs for key, text in run.made.tags.items())


def _series(runs: Sequence[Written]) -> Iterator[tuple[Any, ...]]:
    for run in runs:
        began = int(run.made.started_at.timestamp()) * 1_000_000
        for key, values in run.made.metrics.items():
            summary = _summary(values, began)
            yield run.id, run.experiment.pk, key, *(getattr(summary, column) for column in SUMMARY_COLUMNS)


def _summary(values: Sequence[float], began_us: int) -> Summary:
    """As `tracking.metrics.summary.summarise`, which is quicker for long series than for five points."""
    last, least, most = len(values) - 1, min(values), max(values)
    return Summary(
        count=len(values),
        last=values[-1],
        last_step=last,
        last_time=began_us + last * STEP_US,
        min=least,
        min_step=values.index(least),
        max=most,
        max_step=values.index(most),
    )


def _batches(runs: Sequence[Written]) -> Iterator[tuple[Any, ...]]:
    for run in runs:
        yield run.id, sum(len(part) for _, part in run.points), codec.pack(run.points), run.made.ended_at


def _content(run: Written) -> str:
    """The digest that `tracking.services.seals.content_digest` makes of the rows."""
    made = run.made
    about = (
        made.uuid.hex,
        run.experiment.uuid.hex,
        made.status,
        clock.text(made.started_at),
        clock.text(made.ended_at),
    )
    return sealing.digest(
        [
            ("run", [sealing.item(*about, REPOSITORY, made.commit, "", "")]),
            ("params", [sealing.item(key, spell(value).text) for key, value in made.params.items()]),
            ("tags", [sealing.item(*each) for each in made.tags.items()]),
            ("inputs", [sealing.item(u.name, u.context, "file", "content", u.digest, "", "") for u in made.inputs]),
            ("outputs", []),
            ("artifacts", []),
            ("metrics", [sealing.series_item(key, [part]) for key, part in run.points]),
        ]
    )
