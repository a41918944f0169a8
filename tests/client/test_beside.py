"""What is done beside the caller is done in order, is over when its block is, and keeps no error to itself."""

import threading
import time

import pytest
from lineal import _parallel
from lineal._parallel import Beside


def test_calls_are_made_in_order_and_have_ended_with_the_block():
    done = []

    def slowly(value):
        time.sleep(0.001)
        done.append((value, threading.current_thread()))

    with Beside() as beside:
        for value in range(20):
            beside.call(slowly, value)

    assert [value for value, _ in done] == list(range(20))
    assert {thread for _, thread in done}.isdisjoint({threading.current_thread()})


def test_no_more_than_two_calls_are_under_way():
    begun, go = [], threading.Event()

    def wait(value):
        begun.append(value)
        go.wait(10)

    def hand_over():
        with Beside() as beside:
            for value in range(4):
                beside.call(wait, value)
                handed.append(value)

    handed = []
    thread = threading.Thread(target=hand_over)
    thread.start()
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        time.sleep(0.01)
        assert len(handed) <= 2, "memory grows with what is handed over"
    go.set()
    thread.join(10)
    assert begun == handed == [0, 1, 2, 3]


def fail(_):
    raise OSError("the disk is full")


@pytest.mark.parametrize("more", [0, 1_000], ids=["at-the-end", "in-between"])
def test_an_error_reaches_the_caller(more):
    def hand_over():
        with Beside() as beside:
            beside.call(fail, 1)
            for value in range(more):
                beside.call(str, value)

    with pytest.raises(OSError, match="the disk is full"):
        hand_over()


def test_the_callers_own_error_is_not_hidden():
    def hand_over():
        with Beside() as beside:
            beside.call(fail, 1)
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        hand_over()


def test_without_a_thread_the_caller_does_it(monkeypatch):
    """As at the interpreter's exit."""
    monkeypatch.setattr(_parallel, "_started", lambda *_: [])
    done = []
    with Beside() as beside:
        for value in range(3):
            beside.call(done.append, value)
            assert done[-1] == value
    assert done == [0, 1, 2]
