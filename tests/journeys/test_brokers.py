"""Redis and RabbitMQ, and what happens to them and to workers: no job is lost, and none takes effect twice."""

import os
import signal
import threading
import time
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import lineal
import numpy as np
import pandas as pd
import pytest
from lineal._profiles.reference import Reference
from lineal.cli.server import Server

from tests import brokers
from tests.installation import installation, wait_for
from tests.notify.receivers import Webhook

pytestmark = pytest.mark.server
EVALUATIONS = "SELECT COUNT(*) FROM monitoring_evaluation"
HANG_UP = (  # what PostgreSQL notices of a dead client only after the statement at hand
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
ON_THE_LEDGER = "SELECT COUNT(*) FROM audit_event WHERE action = '{}'"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(brokers.Redis, id="redis"),
        pytest.param(brokers.RabbitMQ, id="rabbitmq", marks=pytest.mark.slow),
    ],
)
def broker(request, tmp_path_factory):
    with brokers.running(request.param, tmp_path_factory.mktemp("broker") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def receiver(broker):
    with closing(Counting()) as webhook:
        yield webhook


class Counting(Webhook):
    """Calls `interrupt` with each message before it answers."""

    interrupt = staticmethod(lambda message: None)

    def take(self, path, headers, body):
        answer = super().take(path, headers, body)
        self.interrupt(self.taken[-1])
        return answer

    def forget_doubles(self):
        self.taken = list({message_id: (message_id, message) for message_id, message in self.taken}.values())

    def ids(self, event):
        return [message_id for message_id, message in list(self.taken) if message["type"] == event]


@pytest.fixture(scope="module")
def parts(broker, receiver, tmp_path_factory):
    """Web, beat, sequencer and two workers, one model that is watched in production, and who is told of everything."""
    with installation(
        tmp_path_factory.mktemp("parts"),
        LINEAL_BROKER_URL=broker.url,
        LINEAL_OUTBOUND_ALLOW="127.0.0.1",
        LINEAL_STOP_S="2",
    ) as made:
        made.start_all(web="serve", sequencer="sequencer", beat="beat", w1="worker", w2="worker")
        made.env |= {"LINEAL_URL": made.url("web"), "LINEAL_TOKEN": made.token}
        with pytest.MonkeyPatch.context() as patch:
            for name in ("LINEAL_URL", "LINEAL_TOKEN", "LINEAL_SPOOL_DIR", "LINEAL_CREDENTIALS_FILE"):
                patch.setenv(name, made.env[name])
            receiver.secret = made.run("webhooks", "add", "ops", "--webhook", f"{receiver.address}/hook").stdout.strip()
            made.versions = [register(made, f"weights {number}") for number in (1, 2)]
            lineal.promote("watched", made.versions[0].digest, to="dev", reason="first")
            wait_until_done(made)
            yield made


def register(parts, weights):
    path = parts.folder / "model.bin"
    path.write_text(weights)
    with lineal.start_run("watch") as run:
        run.use_dataset("train", customers(4_000, 0))
        run.log_artifact(path)
    return lineal.register("watched", run, artifact="model.bin")


def customers(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"amount": rng.normal(shift, 1, n), "country": rng.choice(["de", "fr"], n)})


def wait_until_done(parts):
    """Until nothing waits that is due within the minute; jobs of tomorrow may."""
    sql = (
        "SELECT name, attempts, last_error FROM core_job WHERE done_at IS NULL AND failed_at IS NULL AND due_at < '{}'"
    )
    soon = (datetime.now(UTC) + timedelta(seconds=20)).strftime("%Y-%m-%d %H:%M:%S")
    wait_for(lambda: not parts.rows(sql.format(soon)), "all jobs to be done")
    assert parts.rows("SELECT name, last_error FROM core_job WHERE failed_at IS NOT NULL") == []


def promote(parts):
    """A promotion of the version that is not there now, and how long the answer took in seconds."""
    begun = time.monotonic()
    parts.versions.reverse()
    promotion = lineal.promote("watched", parts.versions[0].digest, to="dev", reason="the other one's turn")
    assert promotion.decision == "promoted"
    return time.monotonic() - begun


def bring_window(days_ago):
    """Production's profile of a day that is over, far from what was trained on. The window's monitor judges it soon."""
    rest = Server(url=os.environ["LINEAL_URL"])
    question = rest.get("models/watched/environments/dev/monitor")
    reference = Reference.from_json(rest.get(f"monitors/{question['id']}/reference"))
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    profile = lineal.profile(customers(1_000, days_ago, shift=2.0), reference)
    part = {
        "part": str(uuid4()),
        "start": day.isoformat(),
        "end": (day + timedelta(hours=1)).isoformat(),
        "profile": b64encode(profile.to_bytes()).decode(),
    }
    rest.post(f"monitors/{question['id']}/profiles", part)


def assert_told_once(parts, receiver, doubled=()):
    """Each committed promotion was told, under an id of its own; ids in `doubled` came twice."""
    wait_until_done(parts)
    (promoted,) = parts.rows(ON_THE_LEDGER.format("promotion.commit"))[0]
    told = receiver.ids("promotion.committed")
    assert len(set(told)) == promoted
    assert sorted(each for each in set(told) if told.count(each) > 1) == sorted(doubled)


def assert_judged_once(parts, windows):
    """Each window has one evaluation and one entry on the ledger."""
    wait_for(lambda: parts.rows(EVALUATIONS)[0][0] >= windows, "the windows to be judged")
    wait_until_done(parts)
    assert parts.rows(EVALUATIONS) == [(windows,)]
    assert parts.rows(ON_THE_LEDGER.format("window.evaluate")) == [(windows,)]
    per_window = parts.rows("SELECT window_id, COUNT(*) FROM monitoring_evaluation GROUP BY window_id")
    assert {count for _, count in per_window} == {1}


def test_a_promotion_rings_the_workers_at_once(parts, receiver):
    """Not only when they look by themselves, which this installation's do each second."""
    waits = []
    for _ in range(3):
        before = len(receiver.ids("promotion.committed"))
        promote(parts)
        begun = time.monotonic()
        wait_for(lambda known=before: len(receiver.ids("promotion.committed")) > known, "the message", 20, 0.01)
        waits.append(time.monotonic() - begun)

    assert parts.ready("web")[1]["broker"] == "ok"
    assert min(waits) < 0.9, waits


def test_acts_go_on_while_the_broker_is_away_and_nothing_is_lost(parts, broker, receiver):
    """Requests do not wait for it, and workers find what there is to do by themselves."""
    windows = parts.rows(EVALUATIONS)[0][0]
    broker.stop()
    try:
        took = [promote(parts) for _ in range(4)]
        bring_window(9)
        parts.make_due(periodic="monitoring.close_windows")
        wait_for(lambda: parts.rows(EVALUATIONS) == [(windows + 1,)], "the window to be judged without a broker")
        assert_told_once(parts, receiver)
        wait_for(lambda: parts.ready("web") == (200, {"status": "ok", "broker": "unreachable"}), "it to be reported")
    finally:
        broker.start()
    assert max(took) < 5, "as long as with a broker, give or take this machine's load"

    promote(parts)
    bring_window(8)
    parts.make_due(periodic="monitoring.close_windows")

    assert_judged_once(parts, windows + 2)
    assert_told_once(parts, receiver)
    wait_for(lambda: parts.ready("web")[1]["broker"] == "ok", "the broker to be found again")


@pytest.mark.slow
def test_a_broker_that_accepts_and_never_answers_holds_up_no_request(parts, broker, receiver):
    broker.freeze()
    try:
        took = [promote(parts) for _ in range(4)]
        assert_told_once(parts, receiver)
    finally:
        broker.thaw()

    assert max(took) < 5


def test_a_broker_restarted_in_between_loses_and_doubles_nothing(parts, broker, receiver):
    windows = parts.rows(EVALUATIONS)[0][0]
    for number in range(6):
        promote(parts)
        if number == 2:
            bring_window(7)
            parts.make_due(periodic="monitoring.close_windows")
            broker.stop()
            broker.start()

    assert_judged_once(parts, windows + 1)
    assert_told_once(parts, receiver)


def test_workers_killed_before_a_delivery_is_recorded_send_it_again_under_its_id(parts, receiver):
    """The receiver has taken the message, and the worker dies before it can write that down: once more, then, and no oftener."""
    killed, dead = [], threading.Event()

    def kill(message):
        if not killed and message[1]["type"] == "promotion.committed":
            killed.append(message[0])
            for name in ("w1", "w2"):
                parts.kill(name)
            dead.set()

    receiver.interrupt = kill
    try:
        promote(parts)
        assert dead.wait(60)
    finally:
        receiver.interrupt = lambda message: None
    parts.start_all(w1="worker", w2="worker")
    wait_for(  # the dead worker's lease is over, and its successor waits until the dead one's try must be, too
        lambda: parts.rows("SELECT 1 FROM core_job WHERE name = 'notify.deliver' AND done_at IS NULL AND attempts = 0"),
        "another to take over",
    )
    parts.execute("UPDATE notify_delivery SET next_at = created_at WHERE ended_at IS NULL")
    parts.make_due("notify.deliver")

    assert_told_once(parts, receiver, doubled=killed)
    receiver.forget_doubles()


def test_a_worker_told_to_stop_gives_back_what_it_cannot_finish(parts, receiver):
    """Another begins it at once; here the message is slow to be taken, which is why the stopping one cannot finish."""
    stopping = []
    lease = "SELECT leased_until FROM core_job WHERE name = 'notify.deliver' AND done_at IS NULL"

    def delay(message):
        if not stopping:
            stopping.append(message[0])
            for name in ("w1", "w2"):
                parts.processes[name].send_signal(signal.SIGTERM)
            time.sleep(5)  # longer than a stopping process gets here

    receiver.interrupt = delay
    try:
        promote(parts)
        wait_for(lambda: stopping, "a message")
        codes = [parts.processes.pop(name).wait(timeout=40) for name in ("w1", "w2")]
        assert codes == [0, 0]
        assert (None,) in parts.rows(lease), "it does not wait for the lease to run out"
    finally:
        receiver.interrupt = lambda message: None
        parts.start_all(w1="worker", w2="worker")
    wait_for(lambda: parts.rows("SELECT 1 FROM notify_delivery WHERE ended_at IS NULL AND attempts = 1"), "the try")
    wait_for(
        lambda: parts.rows("SELECT 1 FROM core_job WHERE name = 'notify.deliver' AND done_at IS NULL AND attempts = 0"),
        "another to take over",
    )
    parts.execute("UPDATE notify_delivery SET next_at = created_at WHERE ended_at IS NULL")
    parts.make_due("notify.deliver")
    wait_until_done(parts)
    told = receiver.ids("promotion.committed") + receiver.ids("promotion.requested")
    assert len(told) - len(set(told)) <= 1, "at most the message whose taking could not be recorded"
    receiver.forget_doubles()


def needs_row_locks(parts):
    if not parts.is_postgresql:
        pytest.skip("SQLite has one lock for all of it, so a worker cannot be held at one row")


def test_a_worker_killed_inside_the_transaction_leaves_the_window_to_another(parts, receiver):
    """It has judged the window and holds an open transaction; a lock of ours keeps it there."""
    needs_row_locks(parts)
    windows = parts.rows(EVALUATIONS)[0][0]
    leased = "SELECT 1 FROM core_job WHERE name = 'monitoring.evaluate_window' AND leased_until IS NOT NULL"
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    bring_window(6)
    with parts.database(autocommit=False) as holder:
        holder.execute("SELECT id FROM monitoring_monitor FOR UPDATE")
        parts.make_due(periodic="monitoring.close_windows")
        wait_for(lambda: parts.rows(leased) and parts.rows(waiting), "a worker inside its transaction")
        for name in ("w1", "w2"):
            parts.kill(name)
        holder.rollback()
    assert parts.rows(EVALUATIONS) == [(windows,)]
    parts.start_all(w1="worker", w2="worker")

    assert_judged_once(parts, windows + 1)


def test_a_worker_killed_between_effect_and_done_mark_judges_no_window_twice(parts, receiver):
    """The evaluation is committed; that the job is done is not. Another worker begins it again, and finds it done."""
    needs_row_locks(parts)
    windows = parts.rows(EVALUATIONS)[0][0]
    leased = "SELECT id FROM core_job WHERE name = 'monitoring.evaluate_window' AND leased_until IS NOT NULL"
    bring_window(5)
    with parts.database(autocommit=False) as monitor_holder, parts.database(autocommit=False) as job_holder:
        monitor_holder.execute("SELECT id FROM monitoring_monitor FOR UPDATE")
        parts.make_due(periodic="monitoring.close_windows")
        ((job_id,),) = wait_for(lambda: parts.rows(leased), "a worker to begin")
        job_holder.execute(f"SELECT id FROM core_job WHERE id = {job_id} FOR UPDATE")
        monitor_holder.rollback()
        wait_for(lambda: parts.rows(EVALUATIONS) == [(windows + 1,)], "the effect")
        for name in ("w1", "w2"):
            parts.kill(name)
        parts.rows(HANG_UP)
        job_holder.rollback()
    assert parts.rows(f"SELECT done_at FROM core_job WHERE id = {job_id}") == [(None,)]
    parts.start_all(w1="worker", w2="worker")

    assert_judged_once(parts, windows + 1)
    ((attempts, done_at),) = parts.rows(f"SELECT attempts, done_at FROM core_job WHERE id = {job_id}")
    assert attempts == 2
    assert done_at is not None
    assert_told_once(parts, receiver)


def test_no_process_has_written_the_brokers_password_anywhere(parts, broker):
    text = "".join(parts.log(name) for name in ("web", "w1", "w2", "beat", "sequencer"))

    assert broker.kind in text, "workers say what broker they have"
    assert "guest:guest" not in text
    assert broker.password == "guest" or broker.password not in text
