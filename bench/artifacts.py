"""Files to and from a local store through the server, and to and from an S3 server (rclone on this machine), beside boto3 to the same.

To a local store the limit is copying the file with an fsync and hashing it once; from it, the same without the fsync.

Ours is the whole way: hashed, announced, sent, recorded; and on the way back hashed before a file gets its name. What clients send to a
bucket is copied inside of it from its staging key to its final one: the price of links that never name a final key. A worker does so for
large files, before it verifies them, and nobody waits for it. boto3 sends and fetches, with its own defaults for the large file and eight
threads for the small ones. Each figure is the median of a few rounds, taken in turns, with the worker that copies and verifies what was
stored at rest. All of them write new files, into memory that the machine has at hand: a virtual machine that has to ask its host for each
page pays four seconds a gigabyte for that, whoever writes.
"""

import hashlib
import mmap
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from lineal._credentials import Target
from lineal._downloads import Wish, fetch_all
from lineal._http import Transport
from lineal._uploads import Uploader, Waiting

from bench.table import Row
from bench.wire import Wire
from tests import s3
from tests.server import Server, running_server

ROUNDS = 3
SMALL_FILES = 1_000
SMALL_BYTES = 10_000
THREADS = 8
SETTLE_LIMIT_S = 180
TARGET = 1.1  # times what boto3 takes, of a large file
LOCAL_GB_S = 2.0  # seconds for a gigabyte to or from a local store
SMALL_S = 1.0  # seconds for all small files
_SMALL = f"{SMALL_FILES:,} files of {SMALL_BYTES // 1000} KB"

megabytes = 1_000  # of the large file; `--megabytes N` on the command line


def measure(folder: Path) -> list[Row]:
    return [*_local(folder / "local"), *_s3(folder)]


def _local(folder: Path) -> list[Row]:
    folder.mkdir()
    with running_server(folder / "server") as server:
        ours, theirs = _Ours(server), _Copy(folder / "copies")
        return [
            *_compare(f"{megabytes} MB", ours, theirs, lambda: _large(folder / "large"), folder, store=LOCAL),
            *_compare(_SMALL, ours, theirs, lambda: _small(folder / "small"), folder, store=LOCAL),
        ]


def _s3(folder: Path) -> list[Row]:
    with s3.running(s3.rclone(folder / "buckets")) as storage, _environment(storage.url):
        s3.make_bucket(storage.url, "ours")
        s3.make_bucket(storage.url, "theirs")
        with running_server(folder / "server", LINEAL_BLOBS_URL="s3://ours/bench") as server:
            ours, theirs = _Ours(server), _Boto(s3.client(storage.url))
            return [
                *_compare(f"{megabytes} MB", ours, theirs, lambda: _large(folder / "large"), folder, store=S3),
                *_compare(_SMALL, ours, theirs, lambda: _small(folder / "small"), folder, store=S3),
            ]


def _compare(
    what: str,
    ours: "_Ours",
    theirs: "_Boto | _Copy",
    make: Callable[[], list[Path]],
    folder: Path,
    *,
    store: "_Store",
) -> Iterator[Row]:
    sent: dict[str, list[float]] = {"ours": [], "theirs": []}
    brought: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        files = make()  # other bytes each round: what is held already is not sent
        size = sum(file.stat().st_size for file in files)
        for name, way in (("ours", ours), ("theirs", theirs)):
            back = folder / "back"
            sent[name].append(_seconds(lambda way=way, files=files: way.send(files), size))
            way.settle()
            brought[name].append(_seconds(lambda way=way, files=files, back=back: way.fetch(files, back), size))
            if any((back / file.name).read_bytes() != file.read_bytes() for file in files):
                raise RuntimeError("other bytes came back than were sent")
            shutil.rmtree(back)
    yield _row(f"{what} to {store.name}", sent, store)
    yield _row(f"{what} from {store.name}", brought, store)


def _row(scenario: str, taken: dict[str, list[float]], store: "_Store") -> Row:
    ours, theirs = (statistics.median(taken[name]) for name in ("ours", "theirs"))
    target_s = LOCAL_GB_S * megabytes / 1_000 if store is LOCAL else TARGET * theirs
    if not scenario.startswith(f"{megabytes} MB"):
        target_s = SMALL_S
    met = f"target {target_s:.1f} s {'met' if ours <= target_s else 'MISSED'}"
    detail = f"{met}; best {min(taken['ours']):.2f} and {min(taken['theirs']):.2f} s"
    return Row(scenario, "s", ours, theirs, store.limit_is, more_is_better=False, detail=detail)


class _Store(NamedTuple):
    name: str
    limit_is: str


LOCAL = _Store("a local store", "copying with fsync and hashing")
S3 = _Store("S3", "boto3, same server")


class _Ours:
    def __init__(self, server: Server) -> None:
        self._wire = Wire(server.url, server.token)
        self._transport = Transport(Target(server.url, server.url, server.token, None, None))
        self._run = ""

    def send(self, files: list[Path]) -> None:
        self._run = self._wire.start_run("bench")
        waiting = [Waiting(file.name, file.stat().st_size, _sha256(file), file) for file in files]
        if Uploader(self._transport, project="default", run=self._run).send(waiting):
            raise RuntimeError("files were refused")

    def settle(self) -> None:
        """Until the worker has read what was stored, so that it is not counted against whoever comes next."""
        end = time.monotonic() + SETTLE_LIMIT_S
        while time.monotonic() < end:
            items = self._wire.json("GET", f"runs/{self._run}/artifacts?limit=1000")["items"]
            if all(item["state"] == "verified" for item in items):
                return
            time.sleep(0.2)
        raise RuntimeError("no worker verified what was stored")

    def fetch(self, files: list[Path], back: Path) -> None:
        where = f"/runs/{self._run}/artifacts"
        items = self._transport.request("GET", where, params={"links": "true", "limit": 1_000}).json()["items"]
        fetch_all(
            self._transport,
            [
                Wish(
                    f"{where}/content",
                    {"path": each["path"]},
                    each["sha256"],
                    each["size"],
                    back / each["path"],
                    each.get("link"),
                    (f"{where}/contents/search", each["path"]),
                )
                for each in items
            ],
        )


class _Copy:
    """What a disk needs for the same: written, flushed once, hashed once."""

    def __init__(self, folder: Path) -> None:
        self._folders = folder
        self._folder = folder

    def send(self, files: list[Path]) -> None:
        self._folder = self._folders / uuid4().hex  # a file that is written over has its memory already
        self._folder.mkdir(parents=True)
        self._copy(files, self._folder, durable=True)

    def settle(self) -> None:
        """Nobody reads what was copied."""

    def fetch(self, files: list[Path], back: Path) -> None:
        back.mkdir()
        self._copy([self._folder / file.name for file in files], back, durable=False)

    def _copy(self, files: list[Path], to: Path, *, durable: bool) -> None:
        for file in files:
            with file.open("rb") as source, (to / file.name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                if durable:
                    os.fsync(target.fileno())
            _sha256(to / file.name)


class _Boto:
    def __init__(self, client: Any) -> None:
        self._client = client
        self._prefix = ""

    def send(self, files: list[Path]) -> None:
        self._prefix = uuid4().hex
        if len(files) == 1:
            self._client.upload_file(str(files[0]), "theirs", self._key(files[0]))
            return
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._put, files))

    def settle(self) -> None:
        """Nobody reads what it stored."""

    def fetch(self, files: list[Path], back: Path) -> None:
        back.mkdir()
        if len(files) == 1:
            self._client.download_file("theirs", self._key(files[0]), str(back / files[0].name))
            return
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda file: self._get(file, back), files))

    def _put(self, file: Path) -> None:
        self._client.put_object(Bucket="theirs", Key=self._key(file), Body=file.read_bytes())

    def _get(self, file: Path, back: Path) -> None:
        (back / file.name).write_bytes(self._client.get_object(Bucket="theirs", Key=self._key(file))["Body"].read())

    def _key(self, file: Path) -> str:
        return f"{self._prefix}/{file.name}"


def _large(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    path = folder / "large.bin"
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    return [path]


def _small(folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number:04}.bin" for number in range(SMALL_FILES)]
    for path in paths:
        path.write_bytes(os.urandom(SMALL_BYTES))
    return paths


def _sha256(file: Path) -> str:
    """In training it is taken while a file is copied into the spool; here it counts as ours."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _seconds(act: Callable[[], object], size: int) -> float:
    """Of something that writes `size` bytes."""
    _touch_memory(size + size // 4)
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _touch_memory(size: int) -> None:
    """Leave so many bytes of free memory that the host of this machine has given to it."""
    with mmap.mmap(-1, size) as memory:
        memory[:: mmap.PAGESIZE] = bytes(-(-size // mmap.PAGESIZE))


@contextmanager
def _environment(url: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": url})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
