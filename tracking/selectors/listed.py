"""Runs as lists show them: one statement for a page, and plain tuples, of which a hundred cost less than as many objects of the ORM.

Pages of people get UUIDs and times to work with; answers to programs get them as text, which is how the database gave them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections

from core import clock, prepared, replica

Rows = list[tuple[Any, ...]]


class ListedExperiment(NamedTuple):
    name: str
    uuid: UUID


class ListedParent(NamedTuple):
    uuid: UUID


class ListedLock(NamedTuple):
    """An environment without its packages, which may have megabytes."""

    digest: str
    python: str
    platform: str


class ListedSeal(NamedTuple):
    number: int
    digest: str
    sealed_at: datetime
    event_id: UUID


class ListedRun(NamedTuple):
    """A run, named and typed as `tracking.models.Run` is, with what lists show of experiment, parent and environment."""

    pk: int
    uuid: UUID
    name: str
    description: str
    status: str
    lifecycle: str
    created_by: str
    created_at: datetime
    client_started_at: datetime | None
    ended_at: datetime | None
    client_ended_at: datetime | None
    host: str
    os_user: str
    entry_point: str
    code_repository: str
    code_commit: str
    code_branch: str
    code_dirty: bool | None
    code_diff_sha256: str
    code_folder: str | None
    code_untracked: int | None
    caused_by: UUID | None
    sealed: bool
    deleted_at: datetime | None
    experiment: ListedExperiment
    parent: ListedParent | None
    environment: ListedLock | None

    @property
    def is_running(self) -> bool:
        return self.status == "running"

    @property
    def is_deleted(self) -> bool:
        return self.lifecycle == "deleted"

    @property
    def is_purged(self) -> bool:
        return self.lifecycle == "purged"


class ToldRun(NamedTuple):
    """The same as answers tell it: ids as 32 hex digits, times as `core.clock.text` writes them, and nothing nested."""

    pk: int
    uuid: str
    name: str
    description: str
    status: str
    lifecycle: str
    created_by: str
    created_at: str
    client_started_at: str | None
    ended_at: str | None
    client_ended_at: str | None
    host: str
    os_user: str
    entry_point: str
    code_repository: str
    code_commit: str
    code_branch: str
    code_dirty: bool | None
    code_diff_sha256: str
    code_folder: str | None
    code_untracked: int | None
    caused_by: str | None
    sealed: bool
    deleted_at: str | None
    experiment: str
    experiment_uuid: str
    parent: str | None
    digest: str | None
    python: str | None
    platform: str | None


class ToldSeal(NamedTuple):
    number: int
    digest: str
    sealed_at: str
    event_id: str


_OWN = ("id", *ListedRun._fields[1:-3])
_NAMES = (*(f"r.{name}" for name in _OWN), "e.name", "e.uuid", "p.uuid", "l.digest", "l.python", "l.platform")
_AS_TEXT = "CAST({} AS text)"  # of a time: Python's reader of ISO 8601 takes a tenth of what either driver's takes
_TAKEN = ", ".join(_AS_TEXT.format(name) if name.endswith("_at") else name for name in _NAMES)
_RUNS = (
    f"SELECT {_TAKEN} FROM tracking_run r JOIN tracking_experiment e ON e.id = r.experiment_id "  # noqa: S608 - constants
    "LEFT JOIN tracking_run p ON p.id = r.parent_id LEFT JOIN tracking_environmentlock l ON l.id = r.environment_id"
)
_RUN_IDS = [_NAMES.index(name) for name in ("r.uuid", "r.caused_by", "e.uuid", "p.uuid")]
_RUN_TIMES = [_NAMES.index(f"r.{name}") for name in _OWN if name.endswith("_at")]
_SEALS = f"SELECT run_id, number, digest, {_AS_TEXT.format('sealed_at')}, event_id FROM tracking_seal"  # noqa: S608 - constants
_SEALS = f"{_SEALS}{{}} ORDER BY number"


def listed_runs(ids: Sequence[int]) -> list[ListedRun]:
    """The runs of those primary keys, in their order; one deleted for good since then is left out. One statement."""
    rows = typed(among(_RUNS, {"r.id": ids}), ids=_RUN_IDS, times=_RUN_TIMES)
    found = {row[0]: _listed(row) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


def latest_seals(runs: Collection[int]) -> dict[int, ListedSeal]:
    """By the primary keys of those of the runs that have one. One statement."""
    rows = typed(among(_SEALS, {"run_id": runs}), ids=[4], times=[3])
    return {row[0]: ListedSeal(*row[1:]) for row in rows}


def told_runs(ids: Sequence[int]) -> list[ToldRun]:
    """As `listed_runs`. One statement."""
    found = {row[0]: ToldRun._make(row) for row in told(among(_RUNS, {"r.id": ids}), ids=_RUN_IDS, times=_RUN_TIMES)}
    return [found[id_] for id_ in ids if id_ in found]


def told_seals(runs: Collection[int]) -> dict[int, ToldSeal]:
    """As `latest_seals`. One statement."""
    return {row[0]: ToldSeal._make(row[1:]) for row in told(among(_SEALS, {"run_id": runs}), ids=[4], times=[3])}


def among(select: str, given: Mapping[str, Collection[Any]]) -> Rows:
    """The rows of `select` whose columns are among the values `given` for each; {} in it, or its end, is where that is said.

    PostgreSQL knows the statement from before and gives numbers in binary, since reading thousands of floats as text takes
    the driver longer than the whole search.
    """
    if not all(given.values()):
        return []
    if vendor() == "postgresql":
        conditions = [f"{name} = ANY(%s::{_array_of(each)})" for name, each in given.items()]
        values = [_array(each) for each in given.values()]
    else:
        conditions = [f"{name} IN ({', '.join(['%s'] * len(each))})" for name, each in given.items()]
        values = [value for each in given.values() for value in each]
    where = f" WHERE {' AND '.join(conditions)}"
    times = max(1, select.count("{}"))
    with prepared.cursor(binary=True, using=replica.alias()) as cursor:
        cursor.execute(select.replace("{}", where) if "{}" in select else select + where, values * times)
        return list(cursor.fetchall())


def vendor() -> str:
    """Of the database that is read at the moment."""
    return connections[replica.alias()].vendor


def told(rows: Rows, *, ids: Sequence[int], times: Sequence[int]) -> list[list[Any]]:
    """The rows with hex digits and texts of UTC at those places, whichever database gave them; times come as text."""
    made = []
    for row in rows:
        values = list(row)
        for at in ids:
            if isinstance(values[at], UUID):
                values[at] = values[at].hex
        for at in times:
            if values[at] is not None:
                values[at] = told_time(values[at])
        made.append(values)
    return made


def told_time(text: str) -> str:
    """`2026-01-31 12:00:00.25`, which SQLite keeps and PostgreSQL ends with +00, as `core.clock.text` writes that moment."""
    rest = text[19:].removesuffix("+00")
    if rest and not (rest[0] == "." and rest[1:].isdigit()):  # another zone
        return clock.text(_moment(text))
    return f"{text[:10]}T{text[11:19]}{rest or '.':0<7}Z"


def typed(rows: Rows, *, ids: Sequence[int], times: Sequence[int]) -> list[list[Any]]:
    """The rows with UUIDs and times of UTC at those places, whichever database gave them; times come as text."""
    made = []
    for row in rows:
        values = list(row)
        for at in ids:
            if type(values[at]) is str:
                values[at] = UUID(int=int(values[at], 16))
        for at in times:
            if values[at] is not None:
                values[at] = _moment(values[at])
        made.append(values)
    return made


def _moment(text: str) -> datetime:
    """SQLite's times have no zone, and are UTC; PostgreSQL's have that of the session."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _array_of(values: Collection[Any]) -> str:
    return "bigint[]" if type(next(iter(values))) is int else "text[]"


def _array(values: Collection[Any]) -> Any:
    """Of numbers as PostgreSQL writes them, which the driver would take longer over than the database over its search."""
    return f"{{{','.join(map(str, values))}}}" if _array_of(values) == "bigint[]" else list(values)


def _listed(row: Sequence[Any]) -> ListedRun:
    *own, experiment, experiment_uuid, parent, digest, python, platform = row
    return ListedRun._make(
        (
            *own,
            ListedExperiment(experiment, experiment_uuid),
            ListedParent(parent) if parent is not None else None,
            ListedLock(digest, python, platform) if digest is not None else None,
        )
    )
