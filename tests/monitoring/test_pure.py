"""Profiles, statistics and engine are plain functions: a notebook can import them, and nothing of the server comes along."""

import subprocess
import sys

MODULES = ("monitoring.profiles", "monitoring.statistics", "monitoring.engine")


def test_they_load_without_django_settings_or_the_rest_of_the_server():
    names = ", ".join(MODULES)
    program = f"import sys, {names}; print(*sorted(sys.modules))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={}
    ).stdout.split()

    assert set(MODULES) < set(loaded)
    assert not [
        name for name in loaded if name.partition(".")[0] in ("django", "rest_framework", "core", "config", "lineal")
    ]
