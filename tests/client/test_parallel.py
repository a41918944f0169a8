"""Things done side by side, and Ctrl-C in the middle of them."""

import threading
import time

import pytest
from lineal._parallel import in_parallel


def test_ctrl_c_begins_nothing_more():
    """It comes in the main thread; the helpers have to hear of it."""
    begun, main = [], threading.current_thread()

    def act(number):
        begun.append(number)
        if threading.current_thread() is main:
            raise KeyboardInterrupt
        time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        in_parallel(act, range(1_000), threads=4)
    for helper in [thread for thread in threading.enumerate() if thread.name == "lineal-transfer"]:
        helper.join(5)

    assert len(begun) < 50


def test_the_first_error_is_raised_and_ends_the_rest():
    def act(number):
        if number == 3:
            raise ValueError(number)
        time.sleep(0.005)

    with pytest.raises(ValueError, match="3"):
        in_parallel(act, range(10_000))
