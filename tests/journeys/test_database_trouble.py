"""A server whose database goes away: at which moment ever, what is asked then is answered truly, and what comes next works.

The database is a cluster of this file's own with a streaming replica, so that either can be stopped.
"""

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest

from tests.cluster import cluster, replica_of
from tests.journeys.test_faults import assert_exactly_once, train, wait_for_step
from tests.server import running_server

pytestmark = [
    pytest.mark.xdist_group("database-trouble"),  # one server, and what one test has logged the next one reads
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.skipif(os.environ["LINEAL_TEST_DATABASE"] != "postgresql", reason="SQLite is a file"),
]

LAG_S = 12  # of the replica, before the primary is asked
DEATHS = """
    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.name = TG_ARGV[0] THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(5);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER dies_inside BEFORE INSERT ON tracking_run FOR EACH ROW EXECUTE FUNCTION die('dies inside');
    CREATE CONSTRAINT TRIGGER dies_at_commit AFTER INSERT ON tracking_run DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die('dies at commit');
    CREATE FUNCTION wait_for_nobody() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.name = 'dies after commit' THEN
            PERFORM set_config('synchronous_commit', 'on', true);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER waits_after_commit BEFORE INSERT ON tracking_run FOR EACH ROW EXECUTE FUNCTION wait_for_nobody();
"""


@pytest.fixture(scope="module")
def primary():
    """Commits wait for a standby that is never there where a session says `synchronous_commit = on`; none of ours does."""
    with cluster() as primary:
        with psycopg.connect(primary.url(), autocommit=True) as admin:
            admin.execute("ALTER DATABASE postgres SET synchronous_commit = local")
            admin.execute("ALTER ROLE postgres SET synchronous_commit = local")
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            admin.execute("SELECT pg_reload_conf()")
        yield primary


@pytest.fixture(scope="module")
def replica(primary):
    with replica_of(primary) as replica:
        yield replica


@pytest.fixture(scope="module")
def server(primary, replica, tmp_path_factory):
    settings = {
        "LINEAL_DATABASE_URL": primary.url(),
        "LINEAL_DATABASE_REPLICA_URL": replica.url(),
        "LINEAL_DATABASE_REPLICA_LAG": str(LAG_S),
        "LINEAL_DATABASE_POOL": "3",
        "LINEAL_DATABASE_POOL_WAIT": "2",
        "LINEAL_REQUEST_SECONDS": "6",
    }
    with running_server(tmp_path_factory.mktemp("server"), **settings) as running:
        with psycopg.connect(primary.url(), autocommit=True) as admin:
            admin.execute(DEATHS)
        yield running


@pytest.fixture
def admin(primary):
    with psycopg.connect(primary.url(), autocommit=True) as admin:
        yield admin


def ask(server, method, path, body=None, **headers):
    """(status, headers, document)"""
    request = urllib.request.Request(
        f"{server.url}/api/v1/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, json.load(answer)


def start_run(server, name, run_id=None):
    return ask(server, "POST", "runs", {"id": run_id or uuid4().hex, "experiment": "trouble", "name": name})


def named(admin, name):
    return admin.execute("SELECT count(*) FROM tracking_run WHERE name = %s", [name]).fetchone()[0]


def end_backends(admin, of="lineal-%"):
    admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE %s", [of])


def until(true, limit_s=60):
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def web_process(server):
    """Process ids of the web process and its worker: none may be another one after trouble."""
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True).stdout
    return sorted(found.split())


def test_idle_connections_that_were_ended_cost_no_request(server, admin):
    """All that the pool keeps is dead, and the next request finds out before it begins."""
    start_run(server, "warm")
    end_backends(admin, of="lineal-web")

    assert start_run(server, "after the pool died")[0] == 201


def test_a_connection_lost_inside_a_transaction_changes_nothing(server, admin):
    status, headers, problem = start_run(server, "dies inside")

    assert (status, problem["type"]) == (503, "/problems/database-unavailable")
    assert int(headers["Retry-After"]) >= 1
    assert "nothing was changed" in problem["detail"]
    assert named(admin, "dies inside") == 0
    assert start_run(server, "next")[0] == 201


def test_a_connection_lost_at_commit_is_an_unknown_outcome(server, admin):
    status, headers, problem = start_run(server, "dies at commit")

    assert (status, problem["type"]) == (503, "/problems/outcome-unknown")
    assert int(headers["Retry-After"]) >= 1
    assert named(admin, "dies at commit") == 0
    assert start_run(server, "next")[0] == 201


def test_a_commit_whose_answer_is_lost_is_found_again_by_its_id(server, admin):
    """It has happened, nobody was told, and repeating the request makes it once."""
    run_id, answers = uuid4().hex, []
    asking = threading.Thread(target=lambda: answers.append(start_run(server, "dies after commit", run_id)))
    asking.start()
    waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    until(lambda: admin.execute(f"SELECT count(*) {waiting}").fetchone()[0] == 1)
    admin.execute(f"SELECT pg_terminate_backend(pid) {waiting}")
    asking.join()

    status, _, problem = answers[0]
    assert (status, problem["type"]) == (503, "/problems/outcome-unknown")
    again = start_run(server, "dies after commit", run_id)
    assert (again[0], again[2]["id"]) == (200, run_id)
    assert named(admin, "dies after commit") == 1


def test_more_requests_than_connections_are_told_to_come_back(server, admin, primary):
    """Three wait for a lock and hold the pool; the fourth is answered within the bounded wait, and not as an error of ours."""
    with psycopg.connect(primary.url()) as locker:
        locker.execute("LOCK TABLE tracking_run IN ACCESS EXCLUSIVE MODE")
        answers = []
        stuck = [threading.Thread(target=lambda: answers.append(start_run(server, "stuck"))) for _ in range(3)]
        for each in stuck:
            each.start()
        blocked = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'lineal-web'"
        )
        until(lambda: admin.execute(blocked).fetchone()[0] == 3)
        began = time.monotonic()
        status, headers, problem = ask(server, "GET", "experiments")
        took_s = time.monotonic() - began
        for each in stuck:
            each.join()

    assert (status, problem["type"]) == (503, "/problems/database-busy")
    assert headers["Retry-After"] == "2"
    assert took_s < 5
    assert {(status, problem["type"]) for status, _, problem in answers} == {(503, "/problems/database-busy")}
    assert start_run(server, "unlocked")[0] == 201


def test_training_logs_exactly_once_while_backends_are_ended_and_the_database_restarts(server, primary, replica):
    """Web, worker and sequencer keep their processes; the client sends again what was not acknowledged."""
    before, run_id = web_process(server), "0193" + "d4" * 14
    training = train(server, run_id)
    for step in (200, 500, 800):
        wait_for_step(training, step)
        with psycopg.connect(primary.url(), autocommit=True) as admin:
            end_backends(admin)
    wait_for_step(training, 1_000)
    primary.stop()
    time.sleep(1)
    status, headers, problem = start_run(server, "while away")
    primary.start()
    _, complaints = training.communicate(timeout=180)

    assert training.returncode == 0, complaints
    assert (status, problem["type"]) == (503, "/problems/database-busy")
    assert headers["Retry-After"] == "2"
    assert_exactly_once(server, run_id)
    assert start_run(server, "after the restart")[0] == 201
    with psycopg.connect(primary.url(), autocommit=True) as admin:
        until(lambda: admin.execute("SELECT count(*) FROM audit_pending").fetchone()[0] == 0)
        until(lambda: admin.execute("SELECT count(*) FROM core_job WHERE done_at IS NULL").fetchone()[0] == 0, 120)
        assert admin.execute("SELECT count(*) FROM core_job WHERE failed_at IS NOT NULL").fetchone()[0] == 0
    assert web_process(server) == before


@contextmanager
def standing_still(replica):
    """A replica that receives and does not replay."""
    with psycopg.connect(replica.url(), autocommit=True) as there:
        there.execute("SELECT pg_wal_replay_pause()")
        until(lambda: there.execute("SELECT pg_get_wal_replay_pause_state()").fetchone()[0] == "paused")
        try:
            yield
        finally:
            there.execute("SELECT pg_wal_replay_resume()")


def found(server, name, **headers):
    """Whether a search finds a run of this name."""
    status, _, page = ask(server, "POST", "runs/search", {"filter": f"name = '{name}'"}, **headers)
    assert status == 200, page
    return len(page["items"]) == 1


def reads_from_replica(server, replica):
    """Whether a search now shows up in the replica's log."""
    mark = uuid4().hex
    found(server, mark)
    return mark in (replica.folder / "log").read_text(errors="replace")


def test_searches_are_read_from_the_replica_unless_one_s_own_writes_matter(server, replica):
    until(lambda: reads_from_replica(server, replica))
    with standing_still(replica):
        assert start_run(server, "newest")[0] == 201
        behind = not found(server, "newest")
        assert found(server, "newest", **{"Lineal-Read": "primary"})
        listed = json.loads(server.cli("runs", "search", "name = 'newest'", "--json").stdout)
        assert [run["name"] for run in listed] == ["newest"]
        until(lambda: found(server, "newest"), LAG_S + 30)  # older than allowed: the primary answers

    assert behind, "the search did not go to the replica"
    until(lambda: reads_from_replica(server, replica))


def test_the_replica_is_asked_for_slow_reads_alone(server, replica):
    """Who calls and what they may do is never read there, and nothing is written or locked."""
    run_id = "0193" + "d4" * 14
    until(lambda: reads_from_replica(server, replica))
    for path in (f"runs/{run_id}/series?key=loss", f"lineage/trace?of=run:{run_id}"):
        status, _, problem = ask(server, "GET", path)
        assert status == 200, problem
    asked = [line for line in (replica.folder / "log").read_text(errors="replace").splitlines() if "statement:" in line]

    assert [line for line in asked if "tracking_run" in line]
    assert [line for line in asked if "WITH RECURSIVE" in line]
    assert [line for line in asked if "tracking_chunk" in line or "tracking_batch" in line]
    assert not [line for line in asked if "accounts_token" in line or "accounts_membership" in line]
    forbidden = ("INSERT ", "UPDATE ", "DELETE ", "FOR UPDATE", "NOTIFY", "registry_slot")
    assert not [line for line in asked if any(word in line.partition("statement:")[2] for word in forbidden)]


def test_a_replica_that_goes_away_is_not_missed(server, replica):
    until(lambda: reads_from_replica(server, replica))
    replica.stop()
    answers = [ask(server, "POST", "runs/search", {"limit": 1})[0] for _ in range(5)]
    replica.start()

    assert answers == [200] * 5
    until(lambda: reads_from_replica(server, replica), 90)
