"""Other tools, each in an environment of its own, because ours has no place for their dependencies.

    bench/peers/<name>.txt      what pip installs for it, versions pinned; the first line is the tool itself
    bench/peers/<name>.lock     all that this needs, with hashes, where the versions of the rest matter: `make lock-peers`
    .venv/peers/<name>-<version>    the environment, made the first time that a bench asks for it

What they run are scripts in the folder of the bench that compares, which know nothing of ours and print JSON.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENVIRONMENTS = Path(__file__).parents[2] / ".venv" / "peers"
INSTALL_S = 900
RUN_S = 600


class Unavailable(Exception):
    """A peer cannot be installed or does not run here; the sentence says why."""


@dataclass(frozen=True)
class Peer:
    """A tool by the name that its package has in the index."""

    name: str

    @property
    def requirements(self) -> Path:
        return HERE / f"{self.name}.txt"

    @property
    def lock(self) -> Path:
        return HERE / f"{self.name}.lock"

    @property
    def version(self) -> str:
        return self.requirements.read_text().split(None, 1)[0].partition("==")[2]

    @property
    def label(self) -> str:
        return f"{self.name.capitalize()} {self.version}" if self.name == "evidently" else f"{self.name} {self.version}"

    def run(
        self,
        script: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        order: Mapping[str, Any] | None = None,
        limit_s: float = RUN_S,
    ) -> Any:
        """What a script prints in its last line of JSON; tools may have their say after it. `order` is its standard input, in JSON.

        Raises:
            Unavailable: it cannot be installed, or fails.
        """
        command = [str(self.python()), str(script), *arguments]
        given = None if order is None else json.dumps(order)
        done = _done(command, limit_s, f"{self.label} did not run", env, given)
        lines = [line for line in done.splitlines() if line.startswith("{")]
        if not lines:
            raise Unavailable(f"{self.label} printed no figures")
        return json.loads(lines[-1])

    def python(self) -> Path:
        """Its interpreter, installed if need be, or anew where the requirements have changed. Raises Unavailable."""
        folder = ENVIRONMENTS / f"{self.name}-{self.version}"
        python, stamp = folder / "bin" / "python", folder / "installed"
        locked = self.lock.exists()
        source = self.lock if locked else self.requirements
        wanted = sha256(source.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            print(
                f"installing {self.label} in {folder.relative_to(ENVIRONMENTS.parents[1])} …",
                file=sys.stderr,
                flush=True,
            )
            _done([sys.executable, "-m", "venv", "--clear", str(folder)], INSTALL_S, f"no environment for {self.label}")
            hashes = ["--require-hashes"] if locked else []
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _done([*install, *hashes, "-r", str(source)], INSTALL_S, f"{self.label} cannot be installed")
            stamp.write_text(wanted)
        return python


def _done(
    command: list[str], limit_s: float, trouble: str, env: Mapping[str, str] | None = None, given: str | None = None
) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, check=True, env=env, input=given
        )
    except (OSError, subprocess.SubprocessError) as exc:
        words = (getattr(exc, "stderr", None) or str(exc)).strip().splitlines() or [""]
        raise Unavailable(f"{trouble}: {words[-1][:200]}") from exc
    return done.stdout


EVIDENTLY = Peer("evidently")
WHYLOGS = Peer("whylogs")
