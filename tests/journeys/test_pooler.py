"""A whole server behind PgBouncer in transaction mode, which lends a session for one transaction and to anyone."""

import os
import shutil
import subprocess
import threading
import time

import psycopg
import pytest

from tests.cluster import cluster
from tests.journeys.test_database_trouble import ask, start_run, until
from tests.journeys.test_faults import assert_exactly_once, train
from tests.server import free_port, running_server

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.skipif(os.environ["LINEAL_TEST_DATABASE"] != "postgresql", reason="SQLite needs no pooler"),
    pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="no pgbouncer on PATH"),
]

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_reset_query_always = 0
"""


@pytest.fixture(scope="module")
def primary():
    with cluster() as primary:
        yield primary


@pytest.fixture(scope="module")
def pooler(primary):
    """The port of a PgBouncer with three sessions for all processes of the server together."""
    port, file = free_port(), primary.folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(database=primary.port, port=port))
    user = ["-u", "pgserver"] if os.geteuid() == 0 else []
    process = subprocess.Popen(["pgbouncer", "-q", *user, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        for _ in range(100):
            try:
                psycopg.connect(url, autocommit=True).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def server(primary, pooler, tmp_path_factory):
    settings = {
        "LINEAL_DATABASE_URL": pooler,
        "LINEAL_DATABASE_MIGRATE_URL": primary.url(),
        "LINEAL_DATABASE_POOLER": "1",
    }
    with running_server(tmp_path_factory.mktemp("server"), **settings) as running:
        yield running


def test_a_server_behind_a_pooler_does_its_work(server, primary, tmp_path):
    """Training, a version, a promotion, lineage with its lock, jobs and the log, on three sessions."""
    import lineal

    run_id = "0193" + "e5" * 14
    training = train(server, run_id, steps=600)
    (tmp_path / "model.onnx").write_bytes(b"weights")
    with lineal.Client(url=server.url, token=server.token) as client:
        with client.start_run("churn") as run:
            run.log({"loss": 0.5}, step=1)
            run.log_artifact(tmp_path / "model.onnx")
        version = client.register("churn", run, artifact="model.onnx")
        client.promote("churn", version.digest, to="staging", reason="first")
    _, complaints = training.communicate(timeout=120)

    assert training.returncode == 0, complaints
    assert_exactly_once(server, run_id, steps=600)
    with psycopg.connect(primary.url(), autocommit=True) as admin:
        until(lambda: admin.execute("SELECT count(*) FROM audit_pending").fetchone()[0] == 0)
        until(lambda: admin.execute("SELECT count(*) FROM core_job WHERE done_at IS NULL").fetchone()[0] == 0)
        sessions = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()[0]
    assert sessions <= 3


def test_requests_at_once_share_the_sessions_and_keep_no_setting_of_each_other(server, primary):
    """A search limits its own time inside its transaction; the session goes on to others without the limit."""
    answers = []
    body = {"filter": "metrics.loss < 1 AND min(metrics.loss) < 1"}

    def search_and_write(number):
        answers.append(ask(server, "POST", "runs/search", body)[0])
        answers.append(start_run(server, f"r{number}")[0])

    threads = [threading.Thread(target=search_and_write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200] * 12 + [201] * 12
    with psycopg.connect(primary.url()) as admin:
        default = admin.execute("SHOW statement_timeout").fetchone()
    for _ in range(6):
        with psycopg.connect(server.env["LINEAL_DATABASE_URL"], autocommit=True) as session:
            assert session.execute("SHOW statement_timeout").fetchone() == default
