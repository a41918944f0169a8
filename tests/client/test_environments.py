"""Where training runs: processes that are told to go, clocks that jump, homes that cannot be written, disks that are full."""

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
import types

import lineal
import pytest
from lineal import _credentials, _keeper, _locks, _notebooks, _run, _signals, _spool
from lineal._spool_reader import Reader

from tests.client.training import script

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and users of POSIX")


def started(tmp_path, text, **env):
    """A training process that has printed `ready`."""
    (tmp_path / "train.py").write_text(textwrap.dedent(text))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "train.py")],
        env={**os.environ, "LINEAL_FINISH_TIMEOUT": "20", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().strip() == "ready", process.communicate()[1]
    return process


def ended(process, number=None):
    if number is not None:
        process.send_signal(number)
    _, words = process.communicate(timeout=60)
    return process.returncode, words


# -- told to go -------------------------------------------------------------------------------------------------------

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


# -- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump_s", [-7 * 86_400, 7 * 86_400], ids=["back", "forth"])
def test_a_clock_that_jumps_by_days_costs_no_point_and_stops_no_sending(fake, monkeypatch, jump_s):
    """Waits and intervals do not look at the clock of the wall; times of points are what it said."""
    real_ns, real, shift = time.time_ns, time.time, [0]
    monkeypatch.setattr(_run, "now_ns", lambda: real_ns() + shift[0] * 10**9)
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + shift[0] * 10**9)
    fake.refuse("/batches", 503, times=2, retry_after="0.05")

    with lineal.start_run("churn") as run:
        for step in range(100):
            if step == 50:
                shift[0] = jump_s
            run.log({"loss": step}, step=step)
        assert run.flush(10)

    points = fake.runs[run.id].points["loss"]
    assert [step for step, _, _ in points] == list(range(100))
    assert abs((points[50][1] - points[49][1]) / 1e6 - jump_s) < 5
    assert fake.runs[run.id].status == "finished"


# -- places -----------------------------------------------------------------------------------------------------------


def test_a_home_that_cannot_be_written_is_told_and_nothing_is_lost(fake, monkeypatch, tmp_path, warnings):
    monkeypatch.delenv("LINEAL_SPOOL_DIR")
    monkeypatch.setenv("HOME", "/proc/1/nothing")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})
        assert run._sender.folder.is_relative_to(tmp_path)

    assert fake.runs[run.id].values("loss") == [1.0]
    assert any("a temporary one" in sentence and "LINEAL_SPOOL_DIR" in sentence for sentence in warnings())


def test_where_no_disk_can_be_written_the_spool_is_in_memory(fake, monkeypatch, tmp_path, warnings):
    """A container with a read-only root: /dev/shm is a folder that lies in memory."""
    (tmp_path / "file").write_text("")
    memory = tmp_path / "shm"
    memory.mkdir()
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "file" / "spool"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(_keeper, "MEMORY", str(memory))

    with lineal.start_run("churn") as run:
        run.log({"loss": 1.0})
        assert run._sender.folder.is_relative_to(memory)

    assert fake.runs[run.id].values("loss") == [1.0]
    assert any("in memory only" in sentence for sentence in warnings())


def test_where_nothing_can_be_written_at_all_training_goes_on_and_hears_of_it(fake, monkeypatch, tmp_path, warnings):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "file" / "spool"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(_keeper, "MEMORY", str(tmp_path / "file"))

    with lineal.start_run("churn") as run:
        for step in range(10):
            run.log({"loss": 1.0}, step=step)

    assert any("can be kept" in sentence for sentence in warnings())
    assert any("(10 points) were lost" in sentence for sentence in warnings())


@POSIX
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root may become somebody else")
def test_a_user_without_name_and_home_logs_all_the_same(fake, tmp_path):
    """What OpenShift makes of a container: a number that /etc/passwd does not know. No folder called ~ comes of it."""
    text = """
        import importlib, os, pkgutil, pwd, sys
        import lineal, lineal._processes, platformdirs.unix
        for module in pkgutil.iter_modules(lineal.__path__):  # the interpreter itself may be for root's eyes only
            importlib.import_module(f"lineal.{module.name}")
        lineal._processes.import_ahead()
        os.setgid(54321)
        os.setuid(54321)
        for name in ("HOME", "LINEAL_SPOOL_DIR", "LINEAL_CREDENTIALS_FILE", "LINEAL_CACHE_DIR", "XDG_STATE_HOME"):
            os.environ.pop(name, None)
        with lineal.start_run("churn") as run:
            run.log({"loss": 1.0})
            run.log_artifact(sys.argv[0])
        assert lineal.sync().ok
    """
    place = tmp_path / "work"
    place.mkdir()
    place.chmod(0o777)
    (place / "train.py").write_text(textwrap.dedent(text))
    for folder in (place, *list(place.parents)[:3]):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o055)
    done = subprocess.run(
        [sys.executable, str(place / "train.py")], cwd=place, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    (stored,) = fake.runs.values()
    assert stored.values("loss") == [1.0]
    assert list(stored.artifacts) == ["train.py"]
    assert sorted(path.name for path in place.iterdir()) == ["train.py"]


# -- disks ------------------------------------------------------------------------------------------------------------


@POSIX
def test_a_file_that_may_not_grow_any_more_loses_values_and_says_how_many(fake, tmp_path):
    """The limit of a process (`ulimit -f`): the real system call fails, after as many bytes as fit."""
    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.05")
    text = """
        import lineal, resource
        run = lineal.start_run("churn")
        run.log({"loss": 0.0}, step=0)
        run._sender.drain()
        limit = run._sender._spool.end.offset + 20_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        for step in range(1, 3_000):
            run.log({"loss": step}, step=step)
            if step % 100 == 0:
                run._sender.drain()
        run.finish(timeout_s=0.5)
        print(run._sender._keeper.lost.points)
    """
    done = script(tmp_path, textwrap.dedent(text))
    assert done.returncode == 0, done.stderr
    fake.faults.clear()
    assert lineal.sync().ok

    lost = int(done.stdout)
    (stored,) = fake.runs.values()
    assert 1_000 < lost < 3_000
    assert f"({lost} points) were lost because the spool was full" in done.stderr
    assert len(stored.values("loss")) + lost == 3_000
    assert len(set(stored.values("loss"))) == len(stored.values("loss"))


@POSIX
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a small disk has to be mounted")
def test_a_disk_that_is_full_and_has_room_again_takes_values_again(fake, tmp_path, monkeypatch, warnings):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no mounting here")
    try:
        monkeypatch.setenv("LINEAL_SPOOL_DIR", str(disk / "spool"))
        with fake.lock:
            run = lineal.start_run("churn")
            (disk / "ballast").write_bytes(bytes(180_000))
            for step in range(10_000):
                run.log({"loss": step}, step=step)
                if step % 500 == 0:
                    run._sender.drain()
            run._sender.drain()
            lost = run._sender._keeper.lost.points
            (disk / "ballast").unlink()
            run.log({"loss": 10_000}, step=10_000)
        run.finish()
    finally:
        subprocess.run(["umount", str(disk)], check=True)

    values = fake.runs[run.id].values("loss")
    assert lost > 1_000
    assert len(values) + lost == 10_001
    assert values[-1] == 10_000.0
    assert fake.runs[run.id].status == "finished"
    assert any("No space left on device" in sentence for sentence in warnings())


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
def test_whatever_refuses_to_be_written_is_told_by_its_name(fake, monkeypatch, warnings, number):
    with lineal.start_run("churn") as run:
        run.flush()
        with monkeypatch.context() as patched:
            patched.setattr(_spool.os, "write", lambda *_: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
            run.log({"loss": 1.0})
            run._sender.drain()
        run.log({"loss": 2.0})

    assert fake.runs[run.id].values("loss") == [2.0]
    assert any(os.strerror(number) in sentence for sentence in warnings())


def test_days_without_a_network_fill_the_spool_to_its_bound_and_the_oldest_values_are_kept(
    fake, spool_dir, monkeypatch, warnings
):
    """The end of the run has its room in any case, so that it is known how it ended."""
    monkeypatch.setenv("LINEAL_SPOOL_MAX_BYTES", "60000")
    fake.refuse("", 503, times=1_000_000, retry_after="0.02")
    slowest = 0.0
    run = lineal.start_run("churn")
    for step in range(20_000):
        begun = time.perf_counter()
        run.log({"loss": step}, step=step)
        slowest = max(slowest, time.perf_counter() - begun)
        if step % 200 == 0:
            run._sender.drain()
    size = sum(_spool.sizes_below(spool_dir))
    run.finish(timeout_s=0.2)
    fake.faults.clear()
    lost = run._sender._keeper.lost.points

    assert lineal.sync().ok
    values = fake.runs[run.id].values("loss")
    assert size <= 61_000
    assert slowest < 1.0
    assert len(values) + lost == 20_000
    assert values[:1_000] == list(map(float, range(1_000)))
    assert [finish["status"] for finish in fake.runs[run.id].finishes] == ["finished"]
    assert any(f"({lost} points) were lost because the spool was full" in sentence for sentence in warnings())


# -- locks ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_locks(monkeypatch):
    """As some file systems of the network."""

    def lock(handle):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_locks, "_lock", lock)


def test_without_locks_a_living_process_is_known_by_its_number(fake, no_locks, spool_dir):
    with fake.lock:
        run = lineal.start_run("churn")
        run.log({"loss": 1.0})
        run._sender.drain()
        (found,) = lineal.sync().streams
    run.finish()

    assert (found.state, found.detail) == ("living", f"process {os.getpid()} still runs and sends by itself")
    assert fake.runs[run.id].values("loss") == [1.0]
    assert len(fake.runs[run.id].finishes) == 1
    assert not list(spool_dir.rglob("*.seg"))


@pytest.mark.parametrize(
    ("signed", "state"),
    [
        ({"pid": 2**22 + 1}, "sent"),
        ({"boot": "another"}, "sent"),
        ({"host": "node-17"}, "living"),
        (None, "living"),
    ],
    ids=["dead", "booted", "elsewhere", "unsigned"],
)
def test_without_locks_only_what_is_known_to_be_dead_is_sent(fake, no_locks, monkeypatch, spool_dir, signed, state):
    fake.refuse("", 503, times=1_000_000, retry_after="0.02")
    run = lineal.start_run("churn")
    run.log({"loss": 1.0})
    run.finish(timeout_s=0.1)
    fake.faults.clear()
    (lock,) = spool_dir.glob("*/*/*/*/lock")
    lock.write_text("" if signed is None else _locks.json.dumps(_locks._self() | signed))

    (found,) = lineal.sync().streams

    assert found.state == state
    assert ("run `lineal sync` there" in found.detail) == (signed == {"host": "node-17"})
    assert fake.runs[run.id].values("loss") == [1.0] if state == "sent" else run.id not in fake.runs


def test_two_processes_that_sync_at_once_send_each_record_once(fake, tmp_path, spool_dir):
    fake.refuse("", 503, times=1_000_000, retry_after="0.02")
    runs = []
    for _ in range(5):
        run = lineal.start_run("churn")
        for step in range(200):
            run.log({"loss": step}, step=step)
        run.finish(timeout_s=0.05)
        runs.append(run.id)
    fake.faults.clear()
    _credentials.remember(fake.url, token="lnl_fake", vkey=None)
    command = [sys.executable, "-m", "lineal.cli", "sync", "--json"]
    syncs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    words = [each.communicate(timeout=60) for each in syncs]

    for run in runs:
        assert fake.runs[run].values("loss") == list(map(float, range(200))), words
        assert len(fake.runs[run].finishes) == 1
    assert not list(spool_dir.rglob("*.seg"))


# -- notebooks --------------------------------------------------------------------------------------------------------


def cell(text, names, number="1234"):
    """Run a cell as a kernel does: in one name space, from a file that is named for what is in the cell."""
    exec(compile(textwrap.dedent(text), f"/tmp/ipykernel_77/{number}.py", "exec"), names)


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setattr(_notebooks, "_begun", {})
    return {"__name__": "__main__", "lineal": lineal}


def test_a_cell_that_is_run_again_ends_the_run_that_it_had_begun(fake, notebook, warnings):
    text = "run = lineal.start_run('churn')\nrun.log({'loss': 1.0})\n"
    cell(text, notebook)
    first = notebook["run"]
    cell(text, notebook)
    cell("other = lineal.start_run('churn')\nother.finish()\n", notebook, "5678")
    second = notebook["run"]
    second.finish()

    assert fake.runs[first.id].status == "killed"
    assert fake.runs[first.id].values("loss") == [1.0]
    assert fake.runs[second.id].status == "finished"
    assert sum("its cell began run" in sentence for sentence in warnings()) == 1


def test_a_cell_that_is_interrupted_leaves_its_run_to_go_on(fake, notebook):
    cell("run = lineal.start_run('churn')\n", notebook)
    with pytest.raises(KeyboardInterrupt):
        cell("run.log({'loss': 1.0})\nraise KeyboardInterrupt\n", notebook, "2")
    cell("run.log({'loss': 2.0})\nrun.finish()\n", notebook, "3")

    (stored,) = fake.runs.values()
    assert stored.values("loss") == [1.0, 2.0]
    assert stored.status == "finished"


def test_an_error_at_a_prompt_does_not_make_the_session_a_failed_run(fake, tmp_path):
    text = "import lineal\nrun = lineal.start_run('churn')\n1 / 0\nrun.log({'loss': 1.0})\n"
    done = subprocess.run(
        [sys.executable, "-i", "-c", "import sys; sys.ps1 = ''"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )

    (stored,) = fake.runs.values()
    assert "ZeroDivisionError" in done.stderr
    assert stored.values("loss") == [1.0]
    assert stored.status == "finished"


# -- the end ----------------------------------------------------------------------------------------------------------


def test_what_another_thread_logs_in_the_moment_of_the_end_is_kept_or_told(fake, warnings):
    """Either it arrives, or it is counted as lost, or the run was over: nothing vanishes in between."""
    run = lineal.start_run("churn")
    logged, stop = [0], threading.Event()

    def work():
        while not stop.is_set():
            run.log({"loss": logged[0]}, step=logged[0])
            logged[0] += run.is_open
            time.sleep(0)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    run.finish()
    stop.set()
    thread.join()

    values = fake.runs[run.id].values("loss")
    assert values == list(map(float, range(len(values))))
    assert abs(len(values) - logged[0]) <= 1 + run._sender._keeper.lost.points


def test_the_end_waits_no_longer_than_it_is_told(fake, warnings):
    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.05")
    run = lineal.start_run("churn")
    run.log({"loss": 1.0})
    begun = time.monotonic()
    run.finish(timeout_s=0.3)

    assert 0.25 < time.monotonic() - begun < 5
    assert "`lineal sync` sends them" in warnings()[-1]
    reader = Reader(run._sender.folder)
    kinds = []
    while (record := reader.peek()) is not None:
        kinds.append(record.kind)
        reader.advance()
    reader.close()
    assert kinds[-1] == "finish"


WAITING = """
import lineal, lineal._progress, sys
lineal._progress.PATIENCE_S = 0.2
run = lineal.start_run("churn")
for step in range(3):
    run.log({"loss": 1.0}, step=step)
run.finish(timeout_s=2)
assert "rich" not in sys.modules or sys.stderr.isatty()
"""


@POSIX
def test_a_terminal_shows_what_is_waited_for(fake, tmp_path):
    import pty

    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.1")
    (tmp_path / "train.py").write_text(WAITING)
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "160"}
    process = subprocess.Popen([sys.executable, str(tmp_path / "train.py")], stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # so Linux says that nobody holds the other end any more
            break
    os.close(ours)

    assert process.wait(60) == 0, shown
    assert b"2 records to send (HTTP 503)" in shown
    assert b"`lineal sync` sends them" in shown


def test_elsewhere_the_end_waits_in_silence_and_then_says_what_is_left(fake, tmp_path, spool_dir):
    fake.refuse("/batches", 503, times=1_000_000, retry_after="0.1")
    done = script(tmp_path, WAITING)

    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2, lines  # that it waits, and what is left in the end
    assert "waits in the spool, training goes on" in lines[0]
    assert "records are not on the server yet" in lines[1]
    assert str(spool_dir) in lines[1]
