"""Files to and from an S3 server (rclone on this machine), by the client through `lineal up`, and by plain boto3 to the same server.

Ours is the whole way: hashed, announced, sent, copied inside the storage from its staging key to its final one, recorded; and on the way
back hashed before a file gets its name. The copy is the storage's work, and here a second write of the same disk: it is the price of links
that never name a final key. boto3 sends and fetches, with its own defaults for the large file and eight threads for the small ones. Each
figure is the median of a few rounds, taken in turns, with the worker that verifies what was stored at rest.
"""

import hashlib
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
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
TARGET = 1.1  # times what boto3 takes

megabytes = 1_000  # of the large file; `--megabytes N` on the command line


def measure(folder: Path) -> list[Row]:
    with s3.running(s3.rclone(folder / "buckets")) as storage, _environment(storage.url):
        s3.make_bucket(storage.url, "ours")
        s3.make_bucket(storage.url, "theirs")
        with running_server(folder / "server", LINEAL_BLOBS_URL="s3://ours/bench") as server:
            ours, theirs = _Ours(server), _Boto(s3.client(storage.url))
            return [
                *_compare(f"{megabytes} MB", ours, theirs, lambda: _large(folder / "large"), folder),
                *_compare(
                    f"{SMALL_FILES:,} files of {SMALL_BYTES // 1000} KB",
                    ours,
                    theirs,
                    lambda: _small(folder / "small"),
                    folder,
                ),
            ]


def _compare(what: str, ours: "_Ours", theirs: "_Boto", make: Callable[[], list[Path]], folder: Path) -> Iterator[Row]:
    sent: dict[str, list[float]] = {"ours": [], "theirs": []}
    brought: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        files = make()  # other bytes each round: what is held already is not sent
        for name, way in (("ours", ours), ("theirs", theirs)):
            back = folder / "back"
            sent[name].append(_seconds(lambda way=way, files=files: way.send(files)))
            way.settle()
            brought[name].append(_seconds(lambda way=way, files=files, back=back: way.fetch(files, back)))
            if any((back / file.name).read_bytes() != file.read_bytes() for file in files):
                raise RuntimeError("other bytes came back than were sent")
            shutil.rmtree(back)
    yield _row(f"{what} to S3", sent)
    yield _row(f"{what} from S3", brought)


def _row(scenario: str, taken: dict[str, list[float]]) -> Row:
    ours, theirs = (statistics.median(taken[name]) for name in ("ours", "theirs"))
    met = "met" if ours <= TARGET * theirs else "MISSED"
    detail = f"target {TARGET} times boto3 {met}; best {min(taken['ours']):.2f} and {min(taken['theirs']):.2f} s"
    return Row(scenario, "s", ours, theirs, "boto3, same server", more_is_better=False, detail=detail)


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
                    each["link"],
                )
                for each in items
            ],
        )


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


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


@contextmanager
def _environment(url: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": url})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
