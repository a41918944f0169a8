"""Forked children write to the run of their parent: nothing hangs, nothing is doubled, nothing is lost."""

import os
import time

import pytest

from tests.client.training import script


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("start", ["os", "multiprocessing"])
def test_a_forked_child_logs_to_the_same_run_as_a_writer_of_its_own(fake, tmp_path, start, spool_dir):
    forks = {
        "os": "pid = os.fork()\nif pid == 0:\n    child()\n    sys.exit(0)\nos.waitpid(pid, 0)\n",
        "multiprocessing": "p = multiprocessing.get_context('fork').Process(target=child)\np.start()\np.join()\n",
    }
    done = script(
        tmp_path,
        "import lineal, multiprocessing, os, sys, warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n"
        "run = lineal.start_run('churn')\n"
        "def child():\n    [run.log({'child': n}, step=n) for n in range(300)]\n"
        "[run.log({'parent': n}, step=n) for n in range(300)]\n"
        + forks[start]
        + "run.log({'parent': 300}, step=300)\nrun.finish()\n",
    )

    (stored,) = fake.runs.values()
    assert sorted(stored.values("parent")) == list(map(float, range(301))), done.stderr
    assert sorted(stored.values("child")) == list(map(float, range(300))), done.stderr
    assert len(stored.writers) == 2
    assert len(stored.finishes) == 1
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_what_a_killed_child_left_is_sent_before_the_run_ends(fake, tmp_path, spool_dir):
    """A data loader's worker that was killed: its values are in the spool, and the run that ends is not torn open again."""
    done = script(
        tmp_path,
        "import lineal, os, signal, sys, time, warnings\nwarnings.simplefilter('ignore', DeprecationWarning)\n"
        "run = lineal.start_run('churn')\nrun.log({'parent': 1})\npid = os.fork()\n"
        "if pid == 0:\n    [run.log({'child': n}, step=n) for n in range(300)]\n    run._sender.drain()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\nos.waitpid(pid, 0)\nrun.finish()\n",
    )

    (stored,) = fake.runs.values()
    assert stored.values("child") == list(map(float, range(300))), done.stderr
    assert [finish["status"] for finish in stored.finishes] == ["finished"]
    assert [request.rpartition("/")[2] for request in fake.requests][-1] == "finish"
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_at_any_moment_hang_nothing_and_double_nothing(fake, tmp_path):
    """A child inherits whatever another thread held or was packing; it must neither wait for it nor send it again."""
    text = """
import lineal, os, sys, threading, time, warnings
warnings.simplefilter('ignore', DeprecationWarning)
run = lineal.start_run('churn')
stop = threading.Event()
def log():
    step = 0
    while not stop.is_set():
        run.log({'parent': step}, step=step)
        step += 1
        time.sleep(0.0001)
thread = threading.Thread(target=log)
thread.start()
children = []
for number in range(12):
    time.sleep(number * 0.003)
    pid = os.fork()
    if pid == 0:
        for n in range(20):
            run.log({f'child{number}': n}, step=n)
        run.finish()
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
stop.set()
thread.join()
run.finish()
"""
    begun = time.monotonic()
    done = script(tmp_path, text, LINEAL_FINISH_TIMEOUT="30")

    (stored,) = fake.runs.values()
    parent = stored.values("parent")
    assert parent == list(map(float, range(len(parent)))), done.stderr
    assert [stored.values(f"child{number}") for number in range(12)] == [list(map(float, range(20)))] * 12
    assert len(stored.finishes) == 1
    assert time.monotonic() - begun < 25
