"""Other tools, each in an environment of its own, because ours has no place for their dependencies."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENTS = Path(__file__).parents[3] / ".venv" / "peers"
INSTALL_S = 900
RUN_S = 600


class Unavailable(Exception):
    """A peer cannot be installed or does not run here; the sentence says why."""


@dataclass(frozen=True)
class Peer:
    """Versions are pinned, so that a table says what it was measured with."""

    name: str
    version: str
    others: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{self.name.capitalize()} {self.version}" if self.name == "evidently" else f"{self.name} {self.version}"

    def run(self, script: str, *arguments: str) -> Any:
        """What a script of this folder prints in its last line, which is JSON.

        Raises:
            Unavailable: it cannot be installed, or fails.
        """
        command = [str(self._python()), str(HERE / script), *arguments]
        done = _done(command, RUN_S, f"{self.label} did not run")
        return json.loads(done.splitlines()[-1])

    def _python(self) -> Path:
        folder = ENVIRONMENTS / f"{self.name}-{self.version}"
        python, stamp = folder / "bin" / "python", folder / "installed"
        if not stamp.exists():
            print(
                f"installing {self.label} in {folder.relative_to(ENVIRONMENTS.parents[1])} …",
                file=sys.stderr,
                flush=True,
            )
            _done([sys.executable, "-m", "venv", "--clear", str(folder)], INSTALL_S, f"no environment for {self.label}")
            install = [str(python), "-m", "pip", "install", "--quiet", f"{self.name}=={self.version}", *self.others]
            _done(install, INSTALL_S, f"{self.label} cannot be installed")
            stamp.touch()
        return python


def _done(command: list[str], limit_s: float, trouble: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        words = (getattr(exc, "stderr", None) or str(exc)).strip().splitlines() or [""]
        raise Unavailable(f"{trouble}: {words[-1][:200]}") from exc
    return done.stdout


EVIDENTLY = Peer("evidently", "0.7.23", ("pandas<3", "pyarrow"))
WHYLOGS = Peer("whylogs", "1.6.4", ("pandas<2.3", "numpy<2"))
