"""Disks that are full, limited or slow to empty, and what becomes of values meanwhile."""

import errno
import os
import subprocess
import sys
import textwrap
import time

import lineal
import pytest
from lineal import _spool

from tests.client.training import script

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and users of POSIX")


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
    assert f"({lost} points) were lost because the spool, or memory, was full" in done.stderr
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
    assert any(
        f"({lost} points) were lost because the spool, or memory, was full" in sentence for sentence in warnings()
    )


def test_a_file_system_that_syncs_no_folders_is_told_of_once(fake, monkeypatch, warnings):
    def refuse(folder):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(_spool, "_sync_folder", refuse)
    with lineal.start_run("churn") as run:
        for step in range(5):
            run.log({"loss": step})
            assert run.flush()

    assert sum("power cut" in sentence for sentence in warnings()) == 1
