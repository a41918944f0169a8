"""Files that are written once: whole, closed to others, and the first one's; or not at all."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.folders import write_once


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_the_folders_made_for_it_are_closed_to_others(tmp_path):
    path = tmp_path / "home" / "keys" / "some.key"

    write_once(path, lambda: b"secret")

    assert path.read_bytes() == b"secret"
    assert [mode_of(each) for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_is_kept_and_nothing_is_made(tmp_path):
    (tmp_path / "some.key").write_bytes(b"first")

    write_once(tmp_path / "some.key", lambda: pytest.fail("made though there is one"))

    assert (tmp_path / "some.key").read_bytes() == b"first"


def test_of_many_that_write_at_once_one_is_kept_whole(tmp_path):
    path = tmp_path / "some.key"

    def write_and_read(letter):
        write_once(path, lambda: letter.encode() * 100_000)
        return path.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(write_and_read, "abcdefgh"))

    assert len(found) == 1
    assert len(found.pop()) == 100_000


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left"):
        write_once(tmp_path / "some.key", lambda: b"secret")
    assert list(tmp_path.iterdir()) == []


KEY = "from config import settings; print(settings.SECRET_KEY)"


def key_of(home, code=KEY):
    env = {**os.environ, "LINEAL_HOME": str(home)}
    root = Path(__file__).parents[2]
    return subprocess.run([sys.executable, "-c", code], env=env, cwd=root, capture_output=True, text=True, check=False)


def test_the_key_of_pages_is_never_left_half_written(tmp_path):
    """A process that dies while it makes the key leaves none, and the next one starts."""
    died = key_of(tmp_path, "import os; os.fsync = lambda _: os._exit(9)\n" + KEY)
    assert died.returncode == 9
    assert not (tmp_path / "keys" / "django.key").exists()

    first, second = key_of(tmp_path), key_of(tmp_path)
    assert len(first.stdout.strip()) == 64
    assert first.stdout == second.stdout


def test_a_key_of_pages_that_was_left_empty_is_made_anew(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "django.key").touch()

    assert len(key_of(tmp_path).stdout.strip()) == 64
