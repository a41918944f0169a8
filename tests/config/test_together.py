"""Parts that share a process: each lives in a thread of its own, and none dies unnoticed."""

import os
import signal
import threading

import pytest

from config import together
from core import metrics, roster

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_seats(monkeypatch):
    """The tests have none either."""
    monkeypatch.setattr(metrics, "SHARED_FOLDER", None)


@pytest.fixture
def told_to_stop(monkeypatch):
    """Set when a part tells its process to stop."""
    told = threading.Event()

    def kill(pid, number):
        assert (pid, number) == (os.getpid(), signal.SIGTERM)
        told.set()

    monkeypatch.setattr(together.os, "kill", kill)
    return told


def test_a_part_that_fails_ends_its_process(told_to_stop, caplog):
    """Whoever watches over the process starts all of its parts anew."""

    def fail(stop, on_beat):
        raise RuntimeError("the clock is broken")

    part = together._Part("beat", fail)
    part.start()

    assert told_to_stop.wait(10)
    assert part.failed
    part.stop()
    assert "The beat failed, and ends its process: the clock is broken" in caplog.text


def test_a_part_that_is_told_to_stop_ends_in_peace(told_to_stop):
    ended = threading.Event()

    def run(stop, on_beat):
        stop.wait(20)
        ended.set()

    part = together._Part("beat", run)
    part.start()
    part.stop()

    assert ended.is_set()
    assert not part.failed
    assert not told_to_stop.is_set()


def test_a_part_gives_signs_of_life_from_a_seat_of_its_own(monkeypatch, tmp_path):
    asked, touched = [], threading.Event()
    monkeypatch.setattr(metrics, "SHARED_FOLDER", tmp_path)
    monkeypatch.setattr(roster, "sit_beside", lambda role, at: asked.append((role, at)) or touched.set)

    part = together._Part("beat", lambda stop, on_beat: on_beat())
    part.start()
    part.stop()

    assert asked == [("beat", tmp_path)]
    assert touched.is_set()
