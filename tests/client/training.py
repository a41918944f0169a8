"""Training scripts in processes of their own."""

import os
import subprocess
import sys
import textwrap


def script(tmp_path, text, **env):
    """Runs a training script of its own process."""
    path = tmp_path / "train.py"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(path)],
        env={**os.environ, "LINEAL_FINISH_TIMEOUT": "10", **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def started(tmp_path, text, **env):
    """A training process that has printed `ready`."""
    (tmp_path / "train.py").write_text(textwrap.dedent(text))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "train.py")],
        env={**os.environ, "LINEAL_FINISH_TIMEOUT": "20", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().strip() == "ready", process.communicate()[1]
    return process


def ended(process, number=None):
    if number is not None:
        process.send_signal(number)
    _, words = process.communicate(timeout=60)
    return process.returncode, words
