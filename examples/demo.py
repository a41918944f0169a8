"""Plays Lineal's story on a real server of its own: training logs, CI promotes, risk approves and audits.

    python examples/demo.py                 # keeps the server running at the end, until Ctrl-C
    DEMO_EXIT=1 python examples/demo.py     # stops it and leaves with 0 if everything went as it should

All it makes is in ./demo-home, which is made anew each time. The commands are those you would type; the part before the
prompt tells who types them.
"""

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

EXAMPLES = Path(__file__).resolve().parent
HOME = Path("demo-home")
MARKER = HOME / ".lineal-demo"
FILES = HOME / "demo"  # what the demo itself writes; the rest of the home is the server's
MODEL = "triage"
USUAL_PORT = 8765
START_LIMIT_S = 90
STEP_LIMIT_S = 120


class Surprise(Exception):
    """A step that did not end as it should."""


def main() -> int:
    make_home()
    port = free_port()
    people = make_people(f"http://127.0.0.1:{port}")
    server = Server(port, people["owner"])
    try:
        server.start()
        play(people)
        if os.environ.get("DEMO_EXIT") == "1":
            print("\nAll steps went as they should.")
        else:
            server.keep_running()
    except Surprise as surprise:
        print(f"\nThe demo stops here: {surprise}\nWhat there is so far is in {HOME}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopping.")
    finally:
        server.stop()
    return 0


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
        """Run `lineal …` (or `python …`), show it as in a terminal, and return its stdout.

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
            stderr=subprocess.PIPE,
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
            for line in (stdout + stderr).splitlines():
                print(f"      {line}")
        if self._shown and (expect or code):
            print(f"      [exit code {code}]")
        sys.stdout.flush()
        if code != expect:
            raise Surprise(f"`{self._line}` left with exit code {code}, expected {expect}")
        return stdout


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
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = ["lineal", "up", "--home", str(HOME), "--port", str(self._port), "--no-browser"]
        title("1. A server, with nothing to set up")
        print(f"\n  owner $ {shown(command)}", flush=True)
        begun = time.monotonic()
        self._process = subprocess.Popen(
            real(command),
            env=self._owner.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the demo first, which then ends the server in order
        )
        threading.Thread(target=self._show, daemon=True).start()
        while not self._answers():
            if self._process.poll() is not None:
                raise Surprise(f"the server ended with exit code {self._process.returncode}")
            if time.monotonic() - begun > START_LIMIT_S:
                raise Surprise(f"the server does not answer after {START_LIMIT_S} s")
            time.sleep(0.1)
        print(f"      (answers after {time.monotonic() - begun:.1f} s)", flush=True)

    def _show(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            print(f"      server | {line.rstrip()}", flush=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/healthz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
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


def play(people: Mapping[str, Person]) -> None:
    owner, risk, ci = people["owner"], people["risk"], people["ci"]
    train_models(owner)
    digests = list_digests(owner)
    invite_people(owner, risk, ci)
    set_policies(owner)
    promote_first(ci, risk, digests[1])
    refuse_worse(ci, digests[2])
    promote_better(ci, risk, digests[3], replacing=digests[1])
    report_deployment(ci, digests[3])
    follow_the_line(risk, digests[3])
    audit(owner)
    roll_back(risk, to=digests[1])
    title("11. Look around")
    print("\n  This link signs a browser in as owner, once, within ten minutes:")
    owner.runs("lineal", "login", "--browser", "--no-open")


def train_models(owner: Person) -> None:
    title("2. Training code logs: four runs of an ordinary script, three of them registered by digest")
    folder = make_repository(owner)
    script = ("python", "train_triage.py")
    register = ("--register", MODEL)
    owner.runs(*script, "--family", "boosting", "--learning-rate", "0.05", *register, folder=folder)
    owner.runs(*script, "--family", "logistic", "--columns", "error", folder=folder)
    owner.runs(*script, "--family", "boosting", "--learning-rate", "1.0", "--max-depth", "5", *register, folder=folder)
    owner.runs(*script, "--family", "logistic", "--c", "0.1", *register, folder=folder)
    columns = ("--column", "params.family", "--column", "metrics.auc", "--column", "metrics.recall_at_40")
    owner.runs("lineal", "runs", "search", "metrics.auc > 0.9", "--order", "metrics.auc DESC", *columns)
    owner.runs("lineal", "models", "versions", MODEL)


def make_repository(owner: Person) -> Path:
    """The training script in a git repository of its own, as it would be: the commit is part of the line."""
    if shutil.which("git") is None:
        raise Surprise("git is needed: the policies below ask for the commit that a model was trained by")
    folder = FILES / "training"
    folder.mkdir()
    shutil.copy(EXAMPLES / "train_triage.py", folder)
    identity = ("-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "Train the triage model.")):
        owner.runs("git", *command, folder=folder, quiet=True)
    return folder


def list_digests(owner: Person) -> dict[int, str]:
    versions = owner.reads("lineal", "models", "versions", MODEL)
    return {version["number"]: version["digest"] for version in versions}


def invite_people(owner: Person, risk: Person, ci: Person) -> None:
    title("3. A second person who may approve, and an account for CI that may only propose")
    owner.runs("lineal", "users", "create", "risk", "--display-name", "Risk office")
    owner.runs("lineal", "projects", "members", "set", "default", "risk", "approver")
    link = owner.runs("lineal", "users", "link", "risk", quiet=True).strip()
    risk.runs("lineal", "login", link)
    owner.runs("lineal", "service-accounts", "create", "ci")
    owner.runs("lineal", "projects", "members", "set", "default", "ci", "contributor")
    scopes = ("--scope", "read", "--scope", "promote", "--scope", "report")
    token = owner.runs("lineal", "tokens", "create", "pipeline", "--account", "ci", *scopes, quiet=True).strip()
    ci.environ["LINEAL_TOKEN"] = token
    ci.runs("lineal", "whoami")


def set_policies(owner: Person) -> None:
    title("4. What staging and production ask for")
    for environment in ("staging", "production"):
        file = os.path.relpath(EXAMPLES / "policies" / f"{environment}.toml")
        owner.runs("lineal", "policy", "set", environment, file)
        reason = "every promotion is judged by the same rules"
        owner.runs("lineal", "policy", "attach", environment, "--env", environment, "--reason", reason)
    owner.runs("lineal", "policy", "show", "production")


def promote_first(ci: Person, risk: Person, digest: str) -> None:
    title("5. CI promotes the first model: staging by the gates alone, production with a second person")
    version = f"{MODEL}@{digest}"
    ci.runs("lineal", "promote", version, "--to", "staging", "--reason", "first model", "--wait", "1m")
    again = ("lineal", "promote", version, "--to", "production", "--expect-current", "none", "--reason", "first model")
    key = ("--idempotency-key", "demo:1")
    ci.runs(*again, *key, expect=10)
    which = ("--model", MODEL, "--environment", "production")
    ci.runs("lineal", "approve", *which, "--reason", "trust me", expect=30)
    risk.runs("lineal", "approve", *which, "--reason", "recall holds on the test part, report read")
    ci.runs(*again, *key, "--out", str(FILES / "promotion.json"), "--junit", str(FILES / "gates.xml"))


def refuse_worse(ci: Person, digest: str) -> None:
    title("6. A worse candidate does not get through, whoever asks")
    version = f"{MODEL}@{digest}"
    ci.runs("lineal", "plan", version, "--to", "production", expect=20)
    ci.runs("lineal", "promote", version, "--to", "production", "--reason", "newest is best", expect=20)


def promote_better(ci: Person, risk: Person, digest: str, *, replacing: str) -> None:
    title("7. A better one: the pipeline waits while risk reads, and goes on when it is approved")
    version = f"{MODEL}@{digest}"
    ci.runs("lineal", "promote", version, "--to", "staging", "--reason", "higher AUC", "--wait", "1m")
    expected = ("--expect-current", replacing)
    waiting = ci.begins(
        "lineal", "promote", version, "--to", "production", *expected, "--reason", "higher AUC", "--wait", "2m"
    )
    wait_until_asked(risk, digest)
    which = ("--model", MODEL, "--environment", "production", "--digest", digest)
    risk.runs("lineal", "approve", *which, "--reason", "better on every score")
    print(f"\n  {ci.name}   (the pipeline that waited)")
    waiting.ends(expect=0)
    ci.runs("lineal", "models", "show", MODEL)


def wait_until_asked(risk: Person, digest: str) -> None:
    """Until the promotion is there to be approved: CI's command started a moment ago."""
    limit = time.monotonic() + STEP_LIMIT_S
    while time.monotonic() < limit:
        found = risk.reads("lineal", "promotions", "list", "--model", MODEL, "--state", "waiting")
        if any(promotion["digest"] == digest for promotion in found):
            return
        time.sleep(0.2)
    raise Surprise("the promotion never came to wait for approval")


def report_deployment(ci: Person, digest: str) -> None:
    title("8. What really runs, and the line from there back to the data and forward from it")
    image = f"sha256:{'5c' * 32}"
    target = ("--environment", "production", "--target", "eu-west/triage-service", "--image-digest", image)
    ci.runs("lineal", "report-deployment", f"{MODEL}@{digest}", *target)
    ci.runs("lineal", "deployments")


def follow_the_line(risk: Person, digest: str) -> None:
    risk.runs("lineal", "trace", f"model:{MODEL}@production")
    risk.runs("lineal", "impact", "dataset:biopsies-train", "--kind", "deployment", "--live")
    deployed = risk.reads("lineal", "impact", "dataset:biopsies-train", "--kind", "deployment", "--live")
    if not deployed["nodes"]:
        raise Surprise(f"the training data does not lead to the deployment of {digest}")


def audit(owner: Person) -> None:
    title("9. Has anyone touched the record? A file and a public key answer, with no server and no network")
    export, changed, anchor = FILES / "audit.jsonl", FILES / "changed.jsonl", FILES / "anchor.txt"
    vkey = public_key(owner)
    owner.runs("lineal", "audit", "export", "--out", str(export))
    owner.runs("lineal", "audit", "checkpoint", "--out", str(anchor))
    auditor = Person(
        "auditor", {name: value for name, value in owner.environ.items() if not name.startswith("LINEAL_")}
    )
    verify = ("lineal", "audit", "verify")
    auditor.runs(*verify, str(export), "--key", vkey)
    flip_one_byte(export, changed)
    print(f"\n  (one byte of one event is changed in {changed})")
    told = auditor.runs(*verify, str(changed), "--key", vkey, expect=1)
    if "promotion" not in told:
        raise Surprise("the changed event was not named")


def public_key(owner: Person) -> str:
    credentials = json.loads(Path(owner.environ["LINEAL_CREDENTIALS_FILE"]).read_text())
    return str(credentials["origins"][owner.environ["LINEAL_URL"]]["vkey"])


def flip_one_byte(export: Path, changed: Path) -> None:
    """Change the model's name by one letter in the last event about a promotion."""
    lines = export.read_bytes().splitlines(keepends=True)
    name = MODEL.encode()
    at = max(number for number, line in enumerate(lines) if b'"promotion.' in line.replace(b"\\", b"") and name in line)
    lines[at] = lines[at].replace(name, name[:-1] + b"f", 1)
    changed.write_bytes(b"".join(lines))


def roll_back(risk: Person, *, to: str) -> None:
    title("10. And back: one call, with a reason")
    risk.runs("lineal", "rollback", MODEL, "--env", "production", "--reason", "false alarms since this morning")
    model = risk.reads("lineal", "models", "show", MODEL)
    held = {slot["environment"]: slot["digest"] for slot in model["environments"]}
    if held.get("production") != to:
        raise Surprise(f"production holds {held.get('production')} after the rollback, expected {to}")
    risk.runs("lineal", "audit", "list", "--limit", "8")


if __name__ == "__main__":
    sys.exit(main())
