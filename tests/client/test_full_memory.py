"""Memory that is full for a while: what is logged waits, or is counted, and nobody who waits for it waits for ever."""

import time

import lineal
import pytest
from lineal import _packing
from lineal._packing import Batch, Packer, Refusal


class Memory:
    """`take` in place of something that needs memory: it fails so many times."""

    def __init__(self, monkeypatch, owner, name, times):
        real, self.left = getattr(owner, name), times

        def take(*args, **options):
            if self.left:
                self.left -= 1
                raise MemoryError
            return real(*args, **options)

        monkeypatch.setattr(owner, name, take)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Packer, "_close_batch"), (Packer, "_extend"), (Packer, "_together")],
    ids=["batch", "columns", "together"],
)
def test_values_wait_until_there_is_memory(fake, monkeypatch, owner, name):
    run = lineal.start_run("churn")
    memory = Memory(monkeypatch, owner, name, times=3)
    for step in range(5):
        run.log({"loss": step, "acc": -step}, step=step)
        time.sleep(0.15)
    assert run.flush()
    run.finish()

    assert memory.left == 0
    assert fake.runs[run.id].values("loss") == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert fake.runs[run.id].values("acc") == [0.0, -1.0, -2.0, -3.0, -4.0]
    assert run._sender.losses == ""


def test_waiting_for_memory_ends_and_says_that_it_was_in_vain(fake, monkeypatch, warnings):
    run = lineal.start_run("churn")
    memory = Memory(monkeypatch, Packer, "_close_batch", times=1_000_000)
    run.log({"loss": 1.0})
    begun = time.monotonic()

    assert run.flush(0.3) is False
    assert time.monotonic() - begun < 5
    assert any("memory is full" in sentence for sentence in warnings())

    memory.left = 0
    run.finish()
    assert fake.runs[run.id].values("loss") == [1.0]


def test_what_no_memory_is_left_to_describe_is_counted(monkeypatch):
    Memory(monkeypatch, _packing, "refusal", times=2)
    broken = type("Broken", (str,), {"__str__": lambda self: 1 / 0})

    items = list(Packer().pack([(0, 0, {broken("a"): 1.0, "b": 2.0}), (1, 0, {broken("a"): 1.0, "b": 2.0})]))

    (refused,) = [item for item in items if isinstance(item, Refusal)]
    (batch,) = [item for item in items if isinstance(item, Batch)]
    assert (refused.what, refused.points) == ("2 values", 2)
    assert batch.points == 2


def test_an_item_that_cannot_be_kept_for_want_of_memory_is_counted(fake, monkeypatch, warnings):
    run = lineal.start_run("churn")
    run.flush()
    Memory(monkeypatch, type(run._sender._keeper), "_keep_apart", times=1)
    Memory(monkeypatch, Batch, "body", times=1)
    run.log({"loss": 1.0})
    assert run.flush() is False
    run.log({"loss": 2.0})
    run.finish()

    assert fake.runs[run.id].values("loss") == [2.0]
    assert any("1 records (1 points) were lost" in sentence for sentence in warnings())
