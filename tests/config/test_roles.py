"""One process each: what its command says, refuses, waits for, and does when it is told to stop."""

import json
import signal
import subprocess
import time
import urllib.request

import pytest

from tests.installation import LINEAL, installation, wait_for
from tests.server import free_port, postgresql_database

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    with installation(tmp_path_factory.mktemp("parts")) as made:
        yield made


def test_web_workers_have_a_limit(parts):
    refused = parts.run("serve", "--port", free_port(), code=1, LINEAL_WEB_WORKERS="65")
    assert "LINEAL_WEB_WORKERS is at most 64" in refused.stderr


@pytest.mark.parametrize("role", ["serve", "worker"])
def test_a_bad_broker_is_one_plain_line_without_its_password(parts, role):
    refused = parts.run(role, code=1, LINEAL_BROKER_URL="kafka://user:canary@host")

    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "LINEAL_BROKER_URL has to look like redis://" in refused.stderr
    assert "canary" not in refused.stderr


@pytest.mark.parametrize("role", ["serve", "sequencer"])
def test_a_database_that_stays_away_is_one_plain_line(parts, role):
    port = () if role != "serve" else ("--port", free_port())
    refused = parts.run(
        role, *port, "--wait", "0.5", code=1, LINEAL_DATABASE_URL="postgresql://nobody:canary@127.0.0.1:1/none"
    )

    assert "The database does not answer" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "canary" not in refused.stderr


def test_a_home_that_is_not_there_is_named(tmp_path):
    refused = subprocess.run(
        [LINEAL, "worker", "--home", tmp_path / "none"], capture_output=True, text=True, timeout=60
    )

    assert refused.returncode == 1
    assert "There is no home folder" in refused.stderr
    assert "lineal migrate" in refused.stderr


def test_a_home_that_anybody_may_write_to_is_refused(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o777)

    refused = subprocess.run([LINEAL, "beat", "--home", tmp_path / "home"], capture_output=True, text=True, timeout=60)

    assert refused.returncode == 1
    assert "chmod o-w" in refused.stderr


LAST_OF_CORE = "core.0004_job_failed_index"


def unapply_the_last(made):
    """The newest of a room: Django looks no further than to that one."""
    made.execute("DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0004%'")
    made.execute("DROP INDEX job_failed")


@pytest.mark.slow
def test_processes_wait_for_the_migration_and_say_so(tmp_path):
    """Started before `lineal migrate` has run, as containers are."""
    with installation(tmp_path) as made:
        unapply_the_last(made)
        made.start("beat", wait=False)
        wait_for(lambda: "run `lineal migrate`" in made.log("beat"), "the beat to say what it waits for")

        made.run("migrate")

        made.wait_ready("beat", "beat")
        assert made.stop("beat") == 0


@pytest.mark.slow
def test_migrations_that_start_together_are_applied_once(tmp_path):
    with installation(tmp_path) as made:
        unapply_the_last(made)
        begun = [
            subprocess.Popen([LINEAL, "migrate", "--json"], env=made.env, stdout=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        answers = [json.loads(each.communicate(timeout=120)[0]) for each in begun]

    assert [each.returncode for each in begun] == [0, 0, 0]
    assert sorted(len(each["applied"]) for each in answers)[:2] == [0, 0]
    assert {name for each in answers for name in each["applied"]} >= {LAST_OF_CORE}


def test_a_release_that_is_too_old_for_the_schema_says_which_it_needs(parts):
    parts.execute("INSERT INTO core_schemafloor (id, release) VALUES (1, '99.0')")
    try:
        refusals = [parts.run(role, code=1).stderr for role in ("migrate", "worker")]
    finally:
        parts.execute("DELETE FROM core_schemafloor")

    assert [refusal.strip().splitlines()[-1].count("Lineal 99.0 and newer") for refusal in refusals] == [1, 1]
    assert "Traceback" not in "".join(refusals)


def test_health_and_readiness_are_two_things(parts):
    parts.start("serve", LINEAL_SWEEP_S="1")
    try:
        with urllib.request.urlopen(f"{parts.url()}/healthz", timeout=5) as answer:
            assert json.load(answer) == {"status": "ok"}
        wait_for(lambda: parts.ready()[1]["broker"] == "ok", "the broker to be looked at")
        assert parts.ready() == (200, {"status": "ok", "broker": "ok"})
    finally:
        assert parts.stop("serve") == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_web_process_that_stops_turns_balancers_away_first_and_ends_in_peace(parts, number):
    parts.start("serve", "draining")
    process = parts.processes["draining"]
    keeping = urllib.request.Request(f"{parts.url('draining')}/healthz", headers={"Connection": "keep-alive"})
    process.send_signal(number)

    wait_for(lambda: parts.ready("draining") == (503, {"status": "stopping", "broker": "ok"}), "it to say so", 5, 0.02)
    with urllib.request.urlopen(keeping, timeout=5) as answer:
        assert (answer.status, answer.headers["Connection"]) == (200, "close"), "it still serves"

    assert process.wait(timeout=30) == 0
    assert not list((parts.home / "run").glob("*.draining"))


def test_more_than_one_web_worker_needs_postgresql(parts):
    if parts.is_postgresql:
        parts.start("serve", "many", "--workers", "2")
        assert parts.ready("many")[0] == 200
        assert parts.stop("many") == 0
        return
    for command in (("serve", "--workers", "2"), ("serve",), ("up", "--no-browser")):
        env = {} if "--workers" in command else {"LINEAL_WEB_WORKERS": "2"}
        refused = parts.run(*command, "--port", free_port(), code=1, **env)
        assert "SQLite has one writer" in refused.stderr


@pytest.mark.parametrize(
    "role", ["worker", *(pytest.param(role, marks=pytest.mark.slow) for role in ("beat", "sequencer"))]
)
def test_a_process_without_a_port_can_be_asked_whether_it_lives(parts, role):
    assert f"No {role} runs on this host" in parts.run(role, "--check", code=1).stderr

    parts.start(role)
    assert "lives" in parts.run(role, "--check").stdout
    parts.kill(role)

    assert f"No {role} runs on this host" in parts.run(role, "--check", code=1).stderr


@pytest.mark.slow
def test_of_two_sequencers_the_other_goes_on_within_seconds(parts):
    """Both have the key. Which of them works is decided at each step."""
    parts.start("sequencer", "one")
    parts.start("sequencer", "two")
    parts.start("serve", "web")
    try:
        parts.kill("one")
        made = parts.run("projects", "create", "after-one", LINEAL_URL=parts.url("web"), LINEAL_TOKEN=parts.token)
        assert made.returncode == 0

        wait_for(lambda: parts.rows("SELECT COUNT(*) FROM audit_pending") == [(0,)], "the ledger to go on", 10)
    finally:
        codes = [parts.stop("two"), parts.stop("web")]
    assert codes == [0, 0]


@pytest.mark.slow
def test_two_beats_take_each_turn_once(parts):
    parts.start("beat", "one")
    parts.start("beat", "two")
    wait_for(lambda: parts.rows("SELECT COUNT(*) FROM core_periodicrun")[0][0] > 5, "the turns to be known")
    before = parts.rows("SELECT COUNT(*) FROM core_job WHERE dedupe = 'periodic:notify.forget_old'")[0][0]

    sql = "SELECT COUNT(*) FROM core_periodicrun WHERE name = 'notify.forget_old' AND last_at > '2021-01-01'"
    for turn in (1, 2):
        parts.make_due(periodic="notify.forget_old")
        wait_for(lambda: parts.rows(sql) == [(1,)], "a beat to take the turn", 20)
        time.sleep(2.5)  # both have looked twice since
        parts.execute("UPDATE core_job SET done_at = created_at WHERE name = 'notify.forget_old'")
        now = parts.rows("SELECT COUNT(*) FROM core_job WHERE dedupe = 'periodic:notify.forget_old'")[0][0]
        assert now - before == turn
        if turn == 1:
            parts.kill("one")
    assert parts.stop("two") == 0


def test_help_says_of_each_role_what_its_command_says_of_itself():
    from lineal.cli import SECTIONS
    from lineal.cli.plugins import find_plugin

    said = {name: SECTIONS["Operation"][name].summary for name in ("serve", "worker", "beat", "sequencer", "migrate")}

    assert {name: find_plugin(name).get_short_help_str(80) for name in said} == said


def test_a_worker_needs_no_broker_to_start_work_and_stop(parts):
    """One that is away, with a password, which stands in no log."""
    parts.start("worker", "lonely", LINEAL_BROKER_URL="redis://:canary@127.0.0.1:1/0")
    done = "SELECT COUNT(*) FROM core_job WHERE name = 'core.forget_old_jobs' AND done_at IS NOT NULL"
    columns = "name, arguments, created_at, due_at, attempts, last_error"
    parts.execute(
        f"INSERT INTO core_job ({columns}) VALUES ('core.forget_old_jobs', '{{}}', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 0, '')"
    )

    wait_for(lambda: parts.rows(done) == [(1,)], "the job", 20)

    assert parts.stop("lonely", limit_s=20) == 0
    assert "canary" not in parts.log("lonely")


def test_the_migrating_role_leaves_the_serving_one_what_it_needs_and_no_more(tmp_path, parts):
    if not parts.is_postgresql:
        pytest.skip("SQLite has no roles")
    import psycopg

    with postgresql_database() as database, psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS lineal_serving")
        admin.execute("CREATE ROLE lineal_serving LOGIN")
        serving = database.replace("://postgres", "://lineal_serving", 1)
        env = {"LINEAL_HOME": str(tmp_path / "home"), "LINEAL_DATABASE_URL": serving}
        try:
            answer = parts.run("migrate", "--json", **env, LINEAL_DATABASE_MIGRATE_URL=database)
            assert len(json.loads(answer.stdout)["applied"]) > 8
            assert "up to date" in parts.run("migrate", **env, LINEAL_DATABASE_MIGRATE_URL=database).stdout

            with psycopg.connect(serving, autocommit=True) as server:
                assert server.execute("SELECT name FROM accounts_account").fetchall() == [("owner",)]
                for forbidden in ("UPDATE audit_event SET body = ''", "INSERT INTO core_schemafloor VALUES (1, '9')"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        server.execute(forbidden)
        finally:
            admin.execute("DROP OWNED BY lineal_serving")
            admin.execute("DROP ROLE lineal_serving")
