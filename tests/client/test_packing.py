"""Calls of the same keys are packed together, which must be the same as packing them point by point."""

import time

import lineal
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lineal import _packing, _sender
from lineal._packing import LARGEST_STEP, File, Packer, Params, Tags

KEYS = st.lists(st.sampled_from(["a", "b", "c", 1, "caf\ud800"]), unique=True, max_size=4)
STEPS = st.one_of(st.none(), st.integers(-5, 5), st.just(LARGEST_STEP))
CALLS = st.builds(
    lambda step, time, keys, value: (step, time, dict.fromkeys(keys, value)),
    STEPS,
    st.integers(0, 2**60),
    KEYS,
    st.floats(allow_nan=False),
)
OTHERS = st.sampled_from([Params({"lr": 1}), Tags({"t": "x"}), File({"path": "f"})])


class Alone(Packer):
    """Knows nothing of packing together."""

    def _together(self, entries):
        return None


def points(items):
    """Every series in order, and where files stand between them."""
    found, files = {}, []
    for item in items:
        if isinstance(item, File):
            files.append({key: len(columns) for key, columns in found.items()})
            continue
        for key, columns in item.columns.items():
            assert len({len(column) for column in columns}) == 1
            found.setdefault(key, []).extend(zip(*columns, strict=True))
    return found, files


@given(st.lists(st.one_of(CALLS, CALLS, OTHERS), max_size=60), st.integers(1, 60))
def test_packing_together_is_packing_alone(entries, cut):
    """In two rounds, as the spool is filled in rounds."""
    together, alone = Packer(), Alone()

    found = [*together.pack(entries[:cut]), *together.pack(entries[cut:])]
    wanted = [*alone.pack(entries[:cut]), *alone.pack(entries[cut:])]

    assert points(found) == points(wanted)
    assert together._next_step == alone._next_step
    assert sum(getattr(each, "points", 0) for each in found) == sum(getattr(each, "points", 0) for each in wanted)


@pytest.mark.parametrize("width", [1, 10, 3_000, 6_000])
def test_batches_of_any_width_stay_within_what_one_request_may_carry(width):
    values = {f"metric{number}": float(number) for number in range(width)}

    batches = list(Packer().pack((step, 1_000, dict(values)) for step in range(120_000 // width)))

    assert sum(batch.points for batch in batches) == 120_000 // width * width
    assert all(batch.points <= _packing.MOST_POINTS for batch in batches)
    assert all(len(batch.columns) <= _packing.MOST_KEYS for batch in batches)
    assert all(len(batch.body(writer="w" * 32, sequence=1)) <= _packing.MOST_BYTES for batch in batches)
    assert len(batches) < 6 or width > _packing.MOST_KEYS  # and they are no smaller than need be


def test_ctrl_c_in_the_middle_of_packing_leaves_all_of_it_for_the_next_time(monkeypatch):
    """Some columns may be extended by then; they are cut again, so that no point is doubled or without its step."""
    packer = Packer()
    calls = [(step, 1_000, {"a": float(step), "b": 2.0 * step}) for step in range(50)]

    class Interrupting(dict):
        def items(self):
            yield from list(super().items())[:1]
            raise KeyboardInterrupt

    whole = packer._together
    with monkeypatch.context() as patched:
        patched.setattr(packer, "_together", lambda entries: Interrupting(whole(entries)))
        with pytest.raises(KeyboardInterrupt):
            list(packer.pack(calls))

    assert points(packer.pack([]))[0]["b"] == [(step, 1, 2.0 * step) for step in range(50)]


def test_a_loop_that_logs_faster_than_can_be_packed_is_slowed_so_that_memory_stays_bounded(fake, monkeypatch):
    monkeypatch.setattr(_sender, "MOST_QUEUED", 2_000)
    run, step = lineal.start_run("churn"), 0
    with run._sender._spool_lock:  # nothing is packed now
        while step < 2_000:
            run.log({"loss": 1.0}, step=step)
            step += 1
        run._sender._set_pace()
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            run.log({"loss": 1.0}, step=step)
            step += 1
    run.finish()

    assert 2_000 < step < 20_000  # instead of some 300,000
    assert [step for step, _, _ in fake.runs[run.id].points["loss"]] == list(range(step))
