"""A whole server that serves as a role which may add to the ledger and read it, and no more."""

import json
import os

import psycopg
import pytest

from tests.roles import two_roles
from tests.server import running_server

pytestmark = [
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.skipif(os.environ["LINEAL_TEST_DATABASE"] != "postgresql", reason="SQLite has no roles"),
]

FORBIDDEN = [
    "UPDATE audit_event SET body = body",
    "DELETE FROM audit_event",
    "UPDATE audit_leaf SET leaf_hash = leaf_hash",
    "DELETE FROM audit_leaf",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_checkpoint SET note = note",
    "UPDATE audit_private SET id = id",
    "TRUNCATE audit_event CASCADE",
    "TRUNCATE audit_private",
    "DROP TABLE audit_event",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_event_no_change ON audit_event",
    "CREATE TRIGGER mine BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()",
    "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE RULE mine AS ON INSERT TO audit_event DO INSTEAD NOTHING",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (id int)",
    "ALTER TABLE tracking_run ADD COLUMN mine int",
    "TRUNCATE tracking_run CASCADE",
    "DELETE FROM django_migrations",
    "SELECT setval('audit_event_id_seq', 1)",
    "ALTER ROLE CURRENT_USER SUPERUSER",
]


@pytest.fixture(scope="module")
def roles():
    with two_roles() as roles:
        yield roles


@pytest.fixture(scope="module")
def server(roles, tmp_path_factory):
    settings = {"LINEAL_DATABASE_URL": roles.app_url, "LINEAL_DATABASE_MIGRATE_URL": roles.owner_url}
    with running_server(tmp_path_factory.mktemp("server"), **settings) as running:
        yield running


def test_a_server_on_the_lesser_role_does_all_its_work(server, roles, tmp_path):
    """A run with metrics and an artifact, a version, a promotion, jobs, the log's growth, and an erasure."""
    import lineal

    (tmp_path / "model.onnx").write_bytes(b"weights")
    with lineal.Client(url=server.url, token=server.token) as client:
        with client.start_run("churn", params={"lr": 0.1}) as run:
            for step in range(50):
                run.log({"loss": 1 / (step + 1)}, step=step)
            run.log_artifact(tmp_path / "model.onnx")
        version = client.register("churn", run, artifact="model.onnx")
        client.promote("churn", version.digest, to="staging", reason="first")

    found = json.loads(server.cli("runs", "search", "metrics.loss < 0.1", "--json").stdout)
    assert [each["id"] for each in found] == [run.id]
    server.cli("users", "create", "carol", "--display-name", "Carol")
    with psycopg.connect(roles.admin_url) as admin:
        query = "SELECT uuid::text, path FROM audit_private JOIN audit_event e ON e.id = event_id ORDER BY e.id DESC LIMIT 1"
        event, path = admin.execute(query).fetchone()
    erased = server.cli("audit", "erase", event, "--path", path, "--reason", "asked for")
    assert erased.stdout.strip() == f"erased {path}"
    _wait_until_sequenced(roles)
    out = tmp_path / "ledger.jsonl"
    server.cli("audit", "export", "--out", out)
    server.cli("audit", "verify", out)
    assert [line for line in server.output if line.startswith("Warning")] == []


def _wait_until_sequenced(roles):
    with psycopg.connect(roles.admin_url, autocommit=True) as admin:
        for _ in range(600):
            if admin.execute("SELECT count(*) FROM audit_pending").fetchone()[0] == 0:
                return
            admin.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("the log did not grow: events still wait for their place")


@pytest.mark.parametrize("attack", FORBIDDEN)
def test_the_role_that_serves_cannot(server, roles, attack):
    with psycopg.connect(roles.app_url) as app, pytest.raises(psycopg.Error) as caught:
        app.execute(attack)

    assert caught.value.sqlstate == "42501", caught.value  # insufficient privilege, not a guard that could be dropped


def test_a_server_on_the_owner_s_role_is_warned_in_one_line(tmp_path):
    with two_roles() as roles, running_server(tmp_path, LINEAL_DATABASE_URL=roles.owner_url) as server:
        warnings = [line for line in server.output if line.startswith("Warning")]

    assert len(warnings) == 1
    assert "owns the ledger's tables" in warnings[0]
    assert "LINEAL_DATABASE_MIGRATE_URL" in warnings[0]


def test_a_role_without_grants_is_told_what_to_set(server, roles, tmp_path):
    """Tables of another owner, and no LINEAL_DATABASE_MIGRATE_URL that could have granted anything."""
    with psycopg.connect(roles.admin_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE stranger LOGIN")
    try:
        url = roles.app_url.replace(roles.app, "stranger")
        with (
            pytest.raises(AssertionError, match="LINEAL_DATABASE_MIGRATE_URL"),
            running_server(tmp_path, LINEAL_DATABASE_URL=url),
        ):
            pass
    finally:
        with psycopg.connect(roles.admin_url, autocommit=True) as admin:
            admin.execute("DROP ROLE stranger")
