"""Nothing is lost and nothing is doubled, whoever is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.server import running_server

pytestmark = pytest.mark.server

TRAINING = textwrap.dedent(
    """
    import sys, time
    import lineal

    with lineal.start_run("faults", run_id=sys.argv[1]) as run:
        for step in range(int(sys.argv[2])):
            run.log({"loss": 1 / (step + 1), "twice": 2 * step}, step=step)
            if step % 50 == 0:
                print(step, flush=True)
                time.sleep(0.05)
    """
)
STEPS = 2_000


def train(server, run_id, steps=STEPS):
    """A training process as a user would start it."""
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING, run_id, str(steps)],
        env={"LINEAL_FINISH_TIMEOUT": "60"} | server.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(process, step):
    for line in process.stdout:
        if int(line) >= step:
            return
    raise AssertionError(process.stderr.read())


def points(server, run_id, key):
    """Steps and values that the server holds, in order of step."""
    import lineal

    steps, _, values = lineal.Client(url=server.url, token=server.token).history(run_id, key)
    return list(steps), list(values)


def assert_exactly_once(server, run_id, steps=STEPS):
    assert points(server, run_id, "twice") == (list(range(steps)), [2.0 * step for step in range(steps)])
    assert points(server, run_id, "loss")[1] == [1 / (step + 1) for step in range(steps)]


def children_of(pid):
    return [
        int(child) for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    ]


def test_a_server_killed_while_training_logs_loses_and_doubles_nothing(tmp_path):
    """Web, worker, beat and sequencer die at once, some of it between commit and answer; the supervisor starts them again."""
    with running_server(tmp_path) as server:
        run_id = "0193" + "a1" * 14
        training = train(server, run_id)
        for step in (300, 900):
            wait_for_step(training, step)
            for child in children_of(server.process.pid):
                os.kill(child, signal.SIGKILL)
        _, complaints = training.communicate(timeout=120)

        assert training.returncode == 0, complaints
        assert_exactly_once(server, run_id)


@pytest.mark.slow
def test_a_server_that_is_away_blocks_no_training_and_gets_everything_by_sync(tmp_path):
    with running_server(tmp_path, LINEAL_FINISH_TIMEOUT="1") as server:
        server.stop()
        run_id = "0193" + "b2" * 14
        begun = time.monotonic()
        training = train(server, run_id, steps=200)
        _, words = training.communicate(timeout=60)
        assert training.returncode == 0, words
        assert "lineal sync" in words, "it says what stays behind, and how to ship it"
        assert time.monotonic() - begun < 90

        server.start()
        server.cli("sync")
        server.cli("sync")

        assert_exactly_once(server, run_id, steps=200)


@pytest.mark.slow
def test_a_training_process_killed_leaves_what_it_had_spooled_to_sync(tmp_path):
    """At most the last fifth of a second is lost, and what is there is whole: every step up to the last one."""
    with running_server(tmp_path) as server:
        run_id = "0193" + "c3" * 14
        training = train(server, run_id, steps=100_000)
        wait_for_step(training, 600)
        training.kill()
        training.communicate()

        server.cli("sync")

        steps, values = points(server, run_id, "twice")
        assert len(steps) > 200
        assert steps == list(range(len(steps)))
        assert values == [2.0 * step for step in steps]
