"""Importing the client costs next to nothing and does nothing: no file, no thread, no logging set up, no heavy library."""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "pandas",
    "pyarrow",
    "requests",
    "urllib3",
    "rich",
    "cryptography",
    "msgspec",
    "click",
    "platformdirs",
)


def python(code, *options):
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    "names",
    [
        "",
        "start_run, register, promote, Client, Run, LinealError, sync, digest, profile, Profile, Reference, monitor, Monitor, MonitorStats",
    ],
)
def test_importing_loads_nothing_heavy(names):
    code = f"import lineal\n{f'from lineal import {names}' if names else ''}\nimport sys, json\nprint(json.dumps(list(sys.modules)))"

    loaded = set(json.loads(python(code).stdout))

    assert loaded.isdisjoint(HEAVY)


def test_importing_takes_less_than_60_milliseconds():
    """The best of five, because other work on this machine is not the client's."""
    timed = "import time; t = time.perf_counter(); import lineal; print((time.perf_counter() - t) * 1000)"

    best = min(float(python(timed).stdout) for _ in range(5))

    assert best < 60


def test_importing_opens_starts_and_configures_nothing():
    code = """
import logging, threading, os, sys, builtins, io
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" and not str(args[0]).endswith((".py", ".pyc")) else None)
import lineal
lineal.start_run, lineal.Client, lineal.Run, lineal.sync
assert threading.active_count() == 1
assert not logging.getLogger().handlers and not logging.getLogger("lineal").handlers
assert not [path for path in opened if isinstance(path, str) and "lineal" in path and os.path.isfile(path)], opened
"""
    python(code)
