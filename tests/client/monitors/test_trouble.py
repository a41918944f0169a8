"""Servers that are away or say no, disks and buffers that are full: serving goes on, nothing is doubled, and what is lost is counted."""

import errno
import os
import time

import lineal
import numpy as np
import pytest
from lineal._monitors import parts as parts_on_disk

REFERENCE = lineal.profile({"age": np.arange(500) % 97}, key=b"k" * 16).reference()
ROW = {"age": 40}


@pytest.fixture
def fraud(production):
    return production.serve(reference=REFERENCE)


def poll(condition, limit_s=10.0):
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)


def waiting(spool_dir):
    return sorted(spool_dir.rglob("*.part"))


# -- a server that is away --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [True, False])
def test_a_connection_that_breaks_costs_no_part_and_doubles_none(production, fraud, after):
    """Between commit and answer the server has stored the part; before it, it has not. The client cannot tell which."""
    production.drop("POST .*/profiles", times=3, after=after)

    with lineal.monitor("fraud@production") as monitor:
        for _ in range(5):
            monitor.observe(ROW)
            monitor.flush()

    assert fraud.whole.rows == 5
    assert len(fraud.parts) == 5
    assert fraud.repeats == (3 if after else 0)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_says_not_now_is_asked_again(production, fraud, warnings, status):
    production.refuse("/monitor$", status, times=2, retry_after="0.01")
    production.refuse("/reference$", status, times=2, retry_after="0.01")
    production.refuse("/profiles$", status, times=2, retry_after="0.01")

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)

    assert fraud.whole.rows == 1
    assert not [sentence for sentence in warnings() if "waits for the server" not in sentence]


def test_rows_that_come_before_the_first_answer_wait_for_it(production, fraud, warnings):
    production.refuse("/monitor$", 500, times=1_000_000)
    monitor = lineal.monitor("fraud@production", flush_every=0.01)
    for _ in range(50):
        monitor.observe(ROW)
    assert not monitor.flush(0.2)
    assert monitor.stats().buffered == 50

    production.faults.clear()
    monitor.close()

    assert fraud.whole.rows == 50
    assert sum("waits for the server" in sentence for sentence in warnings()) == 1


def test_parts_wait_on_disk_while_the_server_is_away_and_follow_in_order(production, fraud, spool_dir):
    monitor = lineal.monitor("fraud@production")
    monitor.observe(ROW)
    assert monitor.flush()
    production.refuse("/profiles$", 503, times=1_000_000)

    for age in range(5):
        monitor.observe({"age": age})
        assert not monitor.flush(0.05)

    assert len(waiting(spool_dir)) == monitor.stats().parts_waiting == 5
    production.faults.clear()
    monitor.close()
    assert [profile.columns["age"].min for profile in fraud.profiles()] == [40, 0, 1, 2, 3, 4]
    assert not list(spool_dir.rglob("*"))


def test_observing_waits_for_nothing_while_the_server_hangs(production, fraud):
    """The lock of the fake server holds every answer back."""
    with production.lock:
        monitor = lineal.monitor("fraud@production", flush_every=0.01)
        begun = time.monotonic()
        for _ in range(1_000):
            monitor.observe(ROW)
        assert time.monotonic() - begun < 1.0
    monitor.close()

    assert fraud.whole.rows == 1_000


def test_what_the_server_does_not_have_at_the_end_is_told(production, fraud, spool_dir, warnings):
    monitor = lineal.monitor("fraud@production")
    monitor.observe(ROW)
    assert monitor.flush()
    production.refuse("/profiles$", 503, times=1_000_000)
    monitor.observe(ROW)
    monitor.close(timeout=0.1)

    assert len(waiting(spool_dir)) == 1
    assert any(
        "1 profiles are not on the server yet" in sentence and "lineal sync" in sentence for sentence in warnings()
    )


def test_an_answer_that_is_no_monitor_is_taken_for_trouble(production, fraud):
    fraud.window_s = 0
    monitor = lineal.monitor("fraud@production")
    monitor.observe(ROW)

    assert not monitor.flush(0.1)
    assert "windows of 0 s" in monitor.stats().trouble
    fraud.window_s = 3_600
    monitor.close()
    assert fraud.whole.rows == 1


# -- a server that says no --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_a_part_that_is_refused_is_put_aside_and_the_rest_goes_on(production, fraud, spool_dir, warnings, status):
    production.refuse("/profiles$", status, code="bad-profile", times=2)

    with lineal.monitor("fraud@production") as monitor:
        for age in (1, 2, 3):
            monitor.observe({"age": age})
            monitor.flush()

    kept = sorted(spool_dir.rglob("refused/*.part"))
    assert len(kept) == 2
    assert f"HTTP {status}" in kept[0].with_suffix(".txt").read_text()
    assert lineal.Profile.from_bytes(parts_on_disk.read_part(kept[0]).profile).columns["age"].min == 1
    assert fraud.whole.columns["age"].min == 3
    assert production.asked("/profiles") == 3
    assert monitor.stats().parts_refused == 2
    assert sum("was refused and put aside" in sentence for sentence in warnings()) == 1
    assert lineal.sync().streams == []


def test_a_baseline_that_was_replaced_under_another_key_costs_one_part(production, fraud, warnings):
    """Its cells are the same, so the server says that nothing changed; the refusal is what tells."""
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)
        assert monitor.flush()
        fraud.reference = lineal.profile({"age": np.arange(500) % 97}, key=b"o" * 16).reference()
        fraud.parts.clear()
        assert fraud.reference.id == REFERENCE.id
        monitor.observe(ROW)
        monitor.flush()
        poll(lambda: monitor._worker.courier.contract.reference == fraud.reference)
        monitor.observe(ROW)

    assert fraud.whole.rows == 1
    assert monitor.stats().parts_refused == 1
    assert any("profile-mismatch" in sentence or "HTTP 422" in sentence for sentence in warnings())


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_closed_door_is_told_once_and_everything_waits_on_disk(production, fraud, spool_dir, warnings, status):
    production.refuse("/profiles$", status, times=1_000_000)
    monitor = lineal.monitor("fraud@production")

    for _ in range(5):
        monitor.observe(ROW)
        begun = time.monotonic()
        assert not monitor.flush()
        assert time.monotonic() - begun < 5
    monitor.close()

    assert production.asked("/profiles") == 1
    assert len(waiting(spool_dir)) == 5
    assert sum("takes no profiles" in sentence for sentence in warnings()) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_rows_wait_where_nothing_is_promoted_yet(production, warnings, monkeypatch, status):
    monkeypatch.setattr("lineal._monitors.courier.CLOSED_S", 0.3)
    fraud = production.serve(reference=REFERENCE)
    production.refuse("/monitor$", status)
    monitor = lineal.monitor("fraud@production", flush_every=0.01)
    monitor.observe(ROW)
    assert not monitor.flush(0.05)
    assert production.asked("/monitor") == 1

    poll(lambda: fraud.parts)

    monitor.close()
    assert fraud.whole.rows == 1
    assert sum("rows cannot be profiled" in sentence for sentence in warnings()) == 1


def test_a_monitor_that_is_gone_does_not_hold_up_the_one_that_followed_it(production, fraud, spool_dir):
    """Parts for a deleted monitor wait; those of the version that serves now go past them."""
    monitor = lineal.monitor("fraud@production", refresh_every=0.05)
    production.refuse("/profiles$", 503, times=1_000_000)
    monitor.observe(ROW)
    monitor.flush(0.05)
    del production.monitors[fraud.id]
    second = production.serve(version=2, reference=REFERENCE)
    production.faults.clear()
    poll(lambda: monitor.stats().version == 2)
    monitor.observe(ROW)
    monitor.close()

    assert second.whole.rows == 1
    assert len(waiting(spool_dir)) == 1


def test_a_changed_ledger_key_gets_nothing(production, fraud, monkeypatch, warnings):
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)
    monkeypatch.setattr("tests.client.fake_server.VKEY", "other.example+11111111+BBBB")

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)
        assert not monitor.flush()

    assert fraud.whole.rows == 1
    assert any("shows the ledger key" in sentence for sentence in warnings())


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_a_full_buffer_refuses_the_newest_and_counts_them(production, fraud, warnings):
    production.refuse("/monitor$", 503, times=1_000_000)
    monitor = lineal.monitor("fraud@production", max_buffered_rows=100)
    for age in range(250):
        monitor.observe({"age": age})
    assert (monitor.stats().observed, monitor.stats().refused, monitor.stats().buffered) == (100, 150, 100)
    production.faults.clear()
    assert monitor.flush()
    monitor.observe({"age": 7_000})
    monitor.close()

    assert fraud.whole.rows == 101
    assert max(fraud.whole.to_json()["columns"]["age"]["values"]["items"])[0] == 7_000
    assert sum("refuses further ones" in sentence for sentence in warnings()) == 1
    assert any("150 rows were refused" in sentence for sentence in warnings())


@pytest.mark.parametrize(
    "batch", [{"text": "x" * 10_000}, [{"text": "x" * 10_000}], {"numbers": np.zeros(2_000)}, np.zeros((100, 20))]
)
def test_the_buffer_is_bounded_in_bytes_too(production, fraud, batch):
    production.refuse("/monitor$", 503, times=1_000_000)
    monitor = lineal.monitor("fraud@production", max_buffered_bytes=100_000)
    for _ in range(100):
        monitor.observe(batch)

    stats = monitor.stats()
    assert 1_000 < stats.buffered_bytes <= 100_000
    assert stats.refused > 80
    production.faults.clear()
    monitor.close()


def test_a_batch_that_never_fits_is_told(production, fraud, warnings):
    with lineal.monitor("fraud@production", max_buffered_rows=10) as monitor:
        monitor.observe({"age": np.arange(11)})
        monitor.observe({"age": np.arange(10)})

    assert fraud.whole.rows == 10
    assert monitor.stats().refused == 11
    assert any("11 at once are too many" in sentence for sentence in warnings())


def test_a_disk_that_takes_nothing_costs_no_part_while_the_server_does(production, fraud, monkeypatch, warnings):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lineal._monitors.parts._write", full)
    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)
        monitor.flush()
        monitor.observe(ROW)

    assert fraud.whole.rows == 2
    assert sum("keeps profiles in memory" in sentence for sentence in warnings()) == 1


def test_a_spool_that_cannot_be_made_costs_no_part_while_the_server_takes_them(
    production, fraud, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(tmp_path / "file" / "spool"))

    with lineal.monitor("fraud@production") as monitor:
        monitor.observe(ROW)

    assert fraud.whole.rows == 1


def test_where_neither_disk_nor_server_takes_them_what_is_lost_is_counted(production, fraud, monkeypatch, warnings):
    monitor = lineal.monitor("fraud@production")
    monitor.observe(ROW)
    assert monitor.flush()
    monkeypatch.setenv("LINEAL_SPOOL_MAX_BYTES", "10")
    monkeypatch.setattr("lineal._monitors.parts.HELD_BYTES", 3_000)
    production.refuse("/profiles$", 503, times=1_000_000)
    second = lineal.monitor("fraud@production")
    for _ in range(20):
        second.observe(ROW)
        second.flush(0.02)
    lost = second.stats().lost
    second.close(timeout=0.05)
    monitor.close()

    assert 0 < lost < 20
    assert second.stats().lost == 20
    assert fraud.whole.rows == 1
    assert sum("loses profiles" in sentence for sentence in warnings()) == 1
    assert any("20 rows were lost" in sentence for sentence in warnings())


def test_half_a_part_is_never_left_under_its_name(production, fraud, monkeypatch, spool_dir):
    real = os.fsync

    def broken(handle):
        real(handle)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    production.refuse("/profiles$", 503, times=1_000_000)
    monitor = lineal.monitor("fraud@production")
    monitor.observe(ROW)
    monitor.flush(0.05)

    assert not [path for path in spool_dir.rglob("*") if path.suffix in (".part", ".new")]
    production.faults.clear()
    monitor.close()
    assert fraud.whole.rows == 1
