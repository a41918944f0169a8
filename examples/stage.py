"""What the demo is played on: a home of its own, people at terminals of their own, and a real server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

HOME = Path("demo-home")
MARKER = HOME / ".lineal-demo"
FILES = HOME / "demo"  # what the demo itself writes; the rest of the home is the server's
USUAL_PORT = 8765
START_LIMIT_S = 90
STEP_LIMIT_S = 120


class Surprise(Exception):
    """A step that did not end as it should."""


def make_home() -> None:
    """An empty demo-home. One of an earlier demo is removed; anything else of that name is not ours to touch."""
    if HOME.exists() and not MARKER.exists():
        stop(f"{HOME.resolve()} is not from an earlier demo. Move it away, or run the demo in another folder.")
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(mode=0o700)
    MARKER.write_text("Made by examples/demo.py, which removes this folder when it runs again.\n")
    FILES.mkdir(mode=0o700)


def free_port() -> int:
    """The usual port, or any free one where that is taken."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(1)


class Person:
    """Somebody at a terminal of their own: an environment, a credentials file, a prompt."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.environ = dict(environ)

    def runs(self, *command: str, expect: int = 0, folder: Path | None = None, quiet: bool = False) -> str:
        """Run `lineal …` (or `python …`) and show it as in a terminal; its output, of a `quiet` one stdout alone.

        Raises:
            Surprise: it left with another exit code than `expect`.
        """
        return self.begins(*command, folder=folder, quiet=quiet).ends(expect=expect)

    def begins(self, *command: str, folder: Path | None = None, quiet: bool = False) -> "Typed":
        """As `runs`, without waiting for the end."""
        return Typed(self, command, folder=folder, quiet=quiet)

    def reads(self, *command: str) -> Any:
        """What a command prints with --json, not shown."""
        return json.loads(self.runs(*command, "--json", quiet=True))


class Typed:
    """A command that was typed: echoed at once, its output shown when it ends."""

    def __init__(self, person: Person, command: Sequence[str], *, folder: Path | None, quiet: bool) -> None:
        self._shown = not quiet
        self._line = f"{person.name} $ {shown(command)}"
        if self._shown:
            print(f"\n  {self._line}", flush=True)
        self._process = subprocess.Popen(
            real(command),
            env=person.environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else subprocess.STDOUT,  # shown as a terminal shows it: in its order
            text=True,
        )

    def ends(self, *, expect: int) -> str:
        try:
            stdout, stderr = self._process.communicate(timeout=STEP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise Surprise(f"`{self._line}` took longer than {STEP_LIMIT_S} s") from None
        code = self._process.returncode
        if self._shown or code != expect:
            for line in (stdout + (stderr or "")).splitlines():
                print(f"      {line}")
        if self._shown and (expect or code):
            print(f"      [exit code {code}]")
        sys.stdout.flush()
        if code != expect:
            raise Surprise(f"`{self._line}` left with exit code {code}, expected {expect}")
        return stdout

    def stop(self) -> None:
        """End a command that would go on for ever, and show what it said."""
        self._process.terminate()
        try:
            stdout, stderr = self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            stdout, stderr = self._process.communicate()
        print(f"\n  {self._line}   (until now)")
        for line in (stdout + (stderr or "")).splitlines():
            print(f"      {line}", flush=True)


def real(command: Sequence[str]) -> list[str]:
    """`lineal` and `python` are those of this interpreter, whatever PATH says."""
    programs = {"lineal": [sys.executable, "-m", "lineal.cli"], "python": [sys.executable]}
    return [*programs.get(command[0], [command[0]]), *command[1:]]


def shown(command: Sequence[str]) -> str:
    """The command as one would type it; digests and secrets shortened."""
    return " ".join(shown_word(word) for word in command)


def shown_word(word: str) -> str:
    before, mark, digest = word.partition("sha256:")
    if mark and len(digest) == 64:
        return f"{before}sha256:{digest[:12]}…"
    address, mark, _ = word.partition("/login#")
    if mark:
        return f"'{address}/login#…'"
    return f"'{word}'" if any(character in word for character in " >*#'") or not word else word


class Server:
    """`lineal up` in a process of its own, its words shown as they come."""

    def __init__(self, port: int, owner: Person) -> None:
        self._owner = owner
        self._port = port
        self._url = f"http://127.0.0.1:{port}"
        self._has_spoken = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = ["lineal", "up", "--home", str(HOME), "--port", str(self._port), "--no-browser"]
        title("1. A server, with nothing to set up")
        print(f"\n  owner $ {shown(command)}", flush=True)
        begun = time.monotonic()
        self._process = subprocess.Popen(
            real(command),
            env=self._owner.environ | {"LINEAL_OUTBOUND_ALLOW": "127.0.0.1"},  # step 10 has a receiver of its own here
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the demo first, which then ends the server in order
        )
        threading.Thread(target=self._show, daemon=True).start()
        while not (self._answers() and self._is_ours()):
            if self._process.poll() is not None:
                raise Surprise(f"the server ended with exit code {self._process.returncode}")
            if time.monotonic() - begun > START_LIMIT_S:
                raise Surprise(f"the server does not answer after {START_LIMIT_S} s")
            time.sleep(0.1)
        self._has_spoken.wait(timeout=START_LIMIT_S)
        print(f"      (answers after {time.monotonic() - begun:.1f} s)", flush=True)

    def _show(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            print(f"      server | {line.rstrip()}", flush=True)
            if (
                "Ctrl-C" in line
            ):  # the last of its first words; without them nothing but the order on screen would change
                self._has_spoken.set()
        self._has_spoken.set()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/healthz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _is_ours(self) -> bool:
        """Whether it has the ledger key that our server wrote into the owner's credentials: ports can be raced for."""
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/server", timeout=2) as response:
                return bool(json.load(response)["vkey"] == public_key(self._owner))
        except (urllib.error.URLError, OSError, LookupError):
            return False

    def keep_running(self) -> None:
        assert self._process is not None
        print("\nThe server keeps running until Ctrl-C.", flush=True)
        if self._process.wait() != 0:
            raise Surprise(f"the server ended by itself with exit code {self._process.returncode}")

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def make_people(url: str) -> dict[str, Person]:
    """Owner, risk officer and CI: three credentials files, so that nobody's own is touched and none sees another's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINEAL_", "GITHUB_"))}
    people = {}
    for name in ("owner", "risk", "ci"):
        folder = (FILES / name).resolve()
        folder.mkdir()
        own = {
            "LINEAL_URL": url,
            "LINEAL_CREDENTIALS_FILE": str(folder / "credentials.json"),
            "LINEAL_SPOOL_DIR": str(folder / "spool"),
            "LINEAL_CACHE_DIR": str(folder / "cache"),
            "PYTHONUNBUFFERED": "1",
        }
        people[name] = Person(name, {**kept, **own})
    return people


def title(text: str) -> None:
    print(f"\n{'─' * 100}\n{text}", flush=True)


def stranger(name: str, like: Person) -> Person:
    """Somebody on the same machine who knows neither the server nor a token."""
    return Person(name, {key: value for key, value in like.environ.items() if not key.startswith("LINEAL_")})


def public_key(owner: Person) -> str:
    credentials = json.loads(Path(owner.environ["LINEAL_CREDENTIALS_FILE"]).read_text())
    return str(credentials["origins"][owner.environ["LINEAL_URL"]]["vkey"])
