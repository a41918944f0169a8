"""Seats: each living process has one, and the dead leave theirs to whoever comes after them."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from core import roster

HOLD = """
import sys
from pathlib import Path
from core import roster
print(roster.take_seat(sys.argv[1], Path(sys.argv[2])), flush=True)
for _ in sys.stdin:
    roster.touch()
    print("touched", flush=True)
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
    with process("worker", tmp_path):
        for name in ("counter_web-0.db", "gauge_livesum_web-0.db", "gauge_livesum_web-1.db"):
            (tmp_path / name).touch()
        with process("web", tmp_path):
            left = {path.name for path in tmp_path.glob("*.db")}

    assert left == {"counter_web-0.db", "gauge_livesum_web-1.db"}


@pytest.mark.parametrize("role", ["web", "worker"])
def test_whoever_comes_where_nobody_lives_forgets_the_dead(tmp_path, role):
    """Whichever role it is: not every machine runs `lineal up`."""
    with process("web", tmp_path), process("worker", tmp_path), process("worker", tmp_path):
        for name in ("counter_web-0.db", "counter_worker-1.db"):
            (tmp_path / name).touch()

    with process(role, tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {f"{role}-0.seat", "door"}


def test_nothing_is_forgotten_while_somebody_lives(tmp_path):
    """A sum of counts that falls is taken for one that began anew, and all of it for new."""
    with process("web", tmp_path):
        with process("worker", tmp_path):
            (tmp_path / "counter_worker-0.db").touch()
        with process("beat", tmp_path):
            assert (tmp_path / "counter_worker-0.db").exists()


def test_machines_that_are_gone_for_good_are_forgotten(tmp_path):
    """Each container has a name of its own, and they may share a folder."""
    old = time.time() - 2 * roster.GONE_S
    with process("worker", tmp_path / "at-work"), process("worker", tmp_path / "stopped-today"):
        with process("worker", tmp_path / "gone"):
            pass
        for machine in ("at-work", "gone"):
            for path in (*(tmp_path / machine).iterdir(), tmp_path / machine):
                os.utime(path, (old, old))
        with process("web", tmp_path / "new"):
            assert {path.name for path in tmp_path.iterdir()} == {"at-work", "stopped-today", "new"}


def test_a_sign_of_life_is_given_by_who_works_and_ends_with_its_process(tmp_path):
    with process("worker", tmp_path) as (child, _):
        assert roster.freshest_s("worker", tmp_path) is None  # it sits there, and has not begun
        child.stdin.write("touch\n")
        child.stdin.flush()
        child.stdout.readline()

        assert roster.freshest_s("worker", tmp_path) < roster.FRESH_S
        assert roster.freshest_s("beat", tmp_path) is None
    assert roster.freshest_s("worker", tmp_path) is None


BESIDE = """
import sys
from pathlib import Path
from core import roster
here = Path(sys.argv[1])
roster.take_seat("worker", here)
touch = roster.sit_beside("beat", here)
print(roster.take_seat("worker", here), flush=True)
for _ in sys.stdin:
    touch()
    print("touched", flush=True)
"""


def test_a_process_of_two_roles_has_a_seat_for_each_and_counts_at_the_first(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", BESIDE, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline().strip() == "worker-0"
        child.stdin.write("touch\n")
        child.stdin.flush()
        child.stdout.readline()

        assert [(m.seat, m.pid, m.beside, m.seen is None) for m in roster.living(tmp_path)] == [
            ("beat-0", child.pid, True, False),
            ("worker-0", child.pid, False, True),
        ]
    finally:
        child.kill()
        child.communicate()
    assert roster.living(tmp_path) == []


@pytest.mark.parametrize("role", ["", "Web", "../web", "web_1", "a" * 40])
def test_a_role_is_a_plain_word(tmp_path, role):
    with pytest.raises(ValueError, match="names a role"):
        roster.take_seat(role, tmp_path)


def test_a_seat_that_cannot_be_read_is_passed_over(tmp_path):
    with process("web", tmp_path):
        (tmp_path / "web-0.seat").write_text(json.dumps({"pid": "many"}))
        assert roster.living(tmp_path) == []
