"""Seats: each living process has one, and the dead leave theirs to whoever comes after them."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from core import roster

HOLD = """
import sys
from pathlib import Path
from core import roster
print(roster.take_seat(sys.argv[1], Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@contextmanager
def process(role, folder):
    """Another process that holds a seat; it and its seat's name."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, role, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.kill()
        child.communicate()


def test_processes_of_one_role_sit_side_by_side(tmp_path):
    with process("web", tmp_path) as (one, first), process("web", tmp_path) as (two, second):
        assert (first, second) == ("web-0", "web-1")
        assert {(m.seat, m.role, m.pid) for m in roster.living(tmp_path)} == {
            ("web-0", "web", one.pid),
            ("web-1", "web", two.pid),
        }


def test_a_killed_process_leaves_its_seat_to_the_next(tmp_path):
    with process("worker", tmp_path):
        pass
    assert roster.living(tmp_path) == []

    with process("worker", tmp_path) as (child, seat):
        assert seat == "worker-0"
        assert [member.pid for member in roster.living(tmp_path)] == [child.pid]


def test_what_the_dead_counted_stays_and_what_they_had_open_goes(tmp_path):
    for name in ("counter_web-0.db", "gauge_livesum_web-0.db", "gauge_livesum_web-1.db"):
        (tmp_path / name).touch()

    with process("web", tmp_path):
        left = {path.name for path in tmp_path.glob("*.db")}

    assert left == {"counter_web-0.db", "gauge_livesum_web-1.db"}


def test_a_start_forgets_the_dead_and_nobody_else(tmp_path):
    with process("web", tmp_path), process("worker", tmp_path):
        pass
    with process("web", tmp_path):
        for name in ("counter_web-0.db", "counter_worker-0.db"):
            (tmp_path / name).touch()

        roster.forget_the_dead(tmp_path)

        assert {path.name for path in tmp_path.iterdir()} == {"web-0.seat", "counter_web-0.db"}


@pytest.mark.parametrize("role", ["", "Web", "../web", "web_1", "a" * 40])
def test_a_role_is_a_plain_word(tmp_path, role):
    with pytest.raises(ValueError, match="names a role"):
        roster.take_seat(role, tmp_path)


def test_a_seat_that_cannot_be_read_is_passed_over(tmp_path):
    with process("web", tmp_path):
        (tmp_path / "web-0.seat").write_text(json.dumps({"pid": "many"}))
        assert roster.living(tmp_path) == []
