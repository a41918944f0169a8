"""`make demo` is a promise of the first page a newcomer reads, so it is a test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


@pytest.mark.server
def test_the_demo_goes_from_a_training_script_to_production_and_back(tmp_path):
    """Each step of it checks the exit code that it promises; the demo leaves with 0 if all of them did."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")} | {"DEMO_EXIT": "1"}

    done = subprocess.run([sys.executable, DEMO], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for words in ("exit code 10", "exit code 20", "PROVEN", "All steps went as they should."):
        assert words in done.stdout
    assert (tmp_path / "demo-home" / "db.sqlite3").exists()
