"""Training scripts in processes of their own."""

import os
import subprocess
import sys


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
