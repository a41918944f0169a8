"""Jobs that are told to go, or leave without a word: how their runs end, and what they leave to be sent."""

import os
import signal
import textwrap
import time

import lineal
import pytest
from lineal import _run, _signals

from tests.client.training import ended, script, started

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and users of POSIX")


LOOP = """
import lineal, time
{begin}
    step = 0
    while True:
        run.log({{"loss": step}}, step=step)
        step += 1
        if step == 100:
            print("ready", flush=True)
        time.sleep(0.001)
"""
BLOCK = LOOP.format(begin="with lineal.start_run('churn') as run:")
BARE = LOOP.format(begin="run = lineal.start_run('churn')\nif True:")


@POSIX
@pytest.mark.parametrize("text", [BLOCK, BARE], ids=["block", "script"])
def test_a_job_that_is_told_to_go_ends_its_run_as_killed(fake, tmp_path, spool_dir, text):
    code, words = ended(started(tmp_path, text), signal.SIGTERM)

    (stored,) = fake.runs.values()
    assert code == 143, words
    assert "Traceback" not in words
    assert stored.status == "killed"
    assert len(stored.values("loss")) >= 100
    assert not list(spool_dir.rglob("*.seg"))


@POSIX
def test_a_job_that_is_told_to_go_without_a_server_is_gone_within_its_grace(fake, tmp_path, spool_dir, monkeypatch):
    """What is in the spool says that it was killed, and when, so that `lineal sync` need not guess."""
    fake.refuse("", 503, times=1_000_000, retry_after="0.05")
    process = started(tmp_path, "import lineal._signals\nlineal._signals.WAIT_S = 0.5\n" + BLOCK)
    begun = time.monotonic()
    code, words = ended(process, signal.SIGTERM)

    assert time.monotonic() - begun < 8
    assert code == 143
    assert "`lineal sync`" in words
    fake.faults.clear()
    assert lineal.sync().ok
    (stored,) = fake.runs.values()
    assert [finish["status"] for finish in stored.finishes] == ["killed"]


@POSIX
def test_who_handles_the_signal_already_goes_on_doing_so(fake, tmp_path):
    text = """
        import lineal, signal, sys, time
        def checkpoint(*_):
            run.log({"saved": 1.0})
            run.finish("finished")
            sys.exit(0)
        signal.signal(signal.SIGTERM, checkpoint)
        run = lineal.start_run("churn")
        print("ready", flush=True)
        while True:
            time.sleep(0.01)
    """
    code, words = ended(started(tmp_path, text), signal.SIGTERM)

    (stored,) = fake.runs.values()
    assert code == 0, words
    assert (stored.status, stored.values("saved")) == ("finished", [1.0])


@POSIX
def test_the_signal_is_nobodys_again_once_all_runs_have_ended(fake):
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    others = set(_run._open)
    _run._open.clear()
    try:
        with lineal.start_run("a"):
            with lineal.start_run("b"):
                assert signal.getsignal(signal.SIGTERM) is _signals._terminate
            assert signal.getsignal(signal.SIGTERM) is _signals._terminate
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
        _run._open.update(others)


@POSIX
def test_a_forked_worker_that_is_terminated_dies_of_it_at_once(fake, tmp_path):
    text = """
        import lineal, multiprocessing, time, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        run = lineal.start_run("churn")
        def work():
            for step in range(50):
                run.log({"worker": step}, step=step)
            run._sender.drain()
            ready.set()
            time.sleep(60)
        context = multiprocessing.get_context("fork")
        ready = context.Event()
        worker = context.Process(target=work)
        worker.start()
        ready.wait(20)
        worker.terminate()
        worker.join()
        assert worker.exitcode == -15, worker.exitcode
        run.finish()
    """
    done = script(tmp_path, textwrap.dedent(text))

    assert done.returncode == 0, done.stderr
    (stored,) = fake.runs.values()
    assert stored.values("worker") == list(map(float, range(50)))
    assert stored.status == "finished"


def test_a_process_that_leaves_without_a_word_leaves_what_it_spooled(fake, tmp_path):
    text = """
        import lineal, os, time
        run = lineal.start_run("churn")
        for step in range(300):
            run.log({"loss": step}, step=step)
        time.sleep(0.5)
        os._exit(3)
    """
    done = script(tmp_path, textwrap.dedent(text))
    lineal.sync()

    (stored,) = fake.runs.values()
    assert done.returncode == 3
    assert stored.values("loss") == list(map(float, range(300)))
    assert stored.status == "killed"


@pytest.mark.parametrize("daemon", [False, True], ids=["thread", "daemon"])
def test_threads_that_log_while_the_interpreter_ends_raise_nothing(fake, tmp_path, daemon):
    """Threads of the user's own are waited for, so all that they log arrives; daemons log until they are stopped."""
    text = f"""
        import lineal, threading, time
        run = lineal.start_run("churn")
        logged = threading.Event()
        def work():
            for step in range(10_000 if {daemon} else 200):
                run.log({{"loss": step}}, step=step)
                logged.set()
                time.sleep(0.001)
        threading.Thread(target=work, daemon={daemon}).start()
        logged.wait()
    """
    done = script(tmp_path, textwrap.dedent(text))

    (stored,) = fake.runs.values()
    values = stored.values("loss")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert values == list(map(float, range(len(values))))
    assert values
    assert daemon or len(values) == 200
    assert stored.status == "finished"
