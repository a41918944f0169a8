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
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stage import (
    FILES,
    HOME,
    STEP_LIMIT_S,
    Person,
    Server,
    Surprise,
    free_port,
    make_home,
    make_people,
    public_key,
    shown,
    stranger,
    title,
)

EXAMPLES = Path(__file__).resolve().parent
MODEL = "triage"


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has started this in the background
        signal.signal(number, signal.default_int_handler)
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


def play(people: Mapping[str, Person]) -> None:
    owner, risk, ci = people["owner"], people["risk"], people["ci"]
    train_models(owner)
    digests = list_digests(owner)
    invite_people(owner, risk, ci)
    set_policies(owner)
    promote_first(ci, risk, digests[1])
    refuse_worse(ci, digests[2])
    promotion = promote_better(ci, risk, digests[3], replacing=digests[1])
    deploy(ci, promotion)
    follow_the_line(risk, digests[3])
    production_reports_back(owner, ci, digests[3])
    audit(owner)
    roll_back(risk, to=digests[1])
    title("13. Look around")
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
    ci.runs(*again, *key, "--junit", str(FILES / "gates.xml"))


def refuse_worse(ci: Person, digest: str) -> None:
    title("6. A worse candidate does not get through, whoever asks")
    version = f"{MODEL}@{digest}"
    ci.runs("lineal", "plan", version, "--to", "production", expect=20)
    ci.runs("lineal", "promote", version, "--to", "production", "--reason", "newest is best", expect=20)


def promote_better(ci: Person, risk: Person, digest: str, *, replacing: str) -> Any:
    """The result document, as the pipeline kept it."""
    title("7. A better one: the pipeline waits while risk reads, and goes on when it is approved")
    version = f"{MODEL}@{digest}"
    ci.runs("lineal", "promote", version, "--to", "staging", "--reason", "higher AUC", "--wait", "1m")
    out = FILES / "promotion.json"
    promote = ("lineal", "promote", version, "--to", "production", "--expect-current", replacing)
    waiting = ci.begins(*promote, "--reason", "higher AUC", "--wait", "2m", "--out", str(out))
    wait_until_asked(risk, digest)
    which = ("--model", MODEL, "--environment", "production", "--digest", digest)
    risk.runs("lineal", "approve", *which, "--reason", "better on every score")
    print(f"\n  {ci.name}   (the pipeline that waited)")
    waiting.ends(expect=0)
    ci.runs("lineal", "models", "show", MODEL)
    return json.loads(out.read_text())


def wait_until_asked(risk: Person, digest: str) -> None:
    """Until the promotion is there to be approved: CI's command started a moment ago."""
    limit = time.monotonic() + STEP_LIMIT_S
    while time.monotonic() < limit:
        found = risk.reads("lineal", "promotions", "list", "--model", MODEL, "--state", "waiting")
        if any(promotion["digest"] == digest for promotion in found):
            return
        time.sleep(0.2)
    raise Surprise("the promotion never came to wait for approval")


def deploy(ci: Person, promotion: Mapping[str, Any]) -> None:
    title("8. A deployer checks the receipt and the bytes, with a public key alone, and reports what it serves")
    receipt, files = FILES / "receipt.json", FILES / "files"
    version = f"{MODEL}@{promotion['digest']}"
    run = ci.reads("lineal", "models", "show", version)["run"]
    ci.runs("lineal", "promotions", "receipt", promotion["id"], "--out", str(receipt))
    ci.runs("lineal", "artifacts", "download", run, "model", "--to", str(files))
    vkey = ci.reads("lineal", "promotions", "receipt", promotion["id"], "--out", str(receipt))["vkey"]
    verify = ("lineal", "verify", str(receipt), "--key", vkey, "--model-dir", str(files / "model"))
    stranger("deployer", ci).runs(*verify, "--environment", "production")
    stranger("deployer", ci).runs(*verify, "--environment", "staging", expect=1)
    target = ("--environment", "production", "--target", "eu-west/triage-service")
    ci.runs("lineal", "report-deployment", version, *target, "--image-digest", f"sha256:{'5c' * 32}")
    ci.runs("lineal", "deployments")


def follow_the_line(risk: Person, digest: str) -> None:
    title("9. The line from what is deployed back to data and code, and from the data forward")
    risk.runs("lineal", "trace", f"model:{MODEL}@production")
    risk.runs("lineal", "impact", "dataset:biopsies-train", "--kind", "deployment", "--live")
    deployed = risk.reads("lineal", "impact", "dataset:biopsies-train", "--kind", "deployment", "--live")
    if not deployed["nodes"]:
        raise Surprise(f"the training data does not lead to the deployment of {digest}")


def production_reports_back(owner: Person, ci: Person, digest: str) -> None:
    title(
        "10. Production reports back: quiet days raise nothing, a changed scanner raises one alert, and that retrains"
    )
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    narrowed = ("--alert", "--kind", "drift", "--model", MODEL, "--environment", "production")
    add = ("lineal", "triggers", "add", "retrain", *narrowed, "--webhook", address)
    print(
        f"\n  owner $ {shown(add)}\n      (prints a secret once, which the receiver of the messages is given)",
        flush=True,
    )
    secret = owner.runs(*add, quiet=True).strip()
    retrainer = Person("retrainer", owner.environ | {"LINEAL_TRIGGER_SECRET": secret})
    train = (
        sys.executable,
        "train_triage.py",
        "--family",
        "logistic",
        "--c",
        "0.3",
        "--name",
        "retrained",
        "--register",
        MODEL,
    )
    receiver = ("python", str(EXAMPLES / "retrain_on_alert.py"), str(port))
    waiting = retrainer.begins(*receiver, *train, folder=FILES / "training", quiet=True)
    serve = ("python", "examples/serve_triage.py", f"{MODEL}@{digest}", "--from-days-ago")
    try:
        serving = Person("serving", ci.environ)
        serving.runs(*serve, "6", "--to-days-ago", "3", folder=EXAMPLES.parent)
        judged = wait_for_windows(owner, 4)
        if alerts(owner) or any(window["state"] != "ok" for window in judged):
            raise Surprise(f"days like the training data were not judged well: {judged}")
        owner.runs("lineal", "monitors", "show", f"{MODEL}@production")
        serving.runs(*serve, "2", "--to-days-ago", "2", "--new-scanner", folder=EXAMPLES.parent)
        wait_for_windows(owner, 5)
        expect_one_alert(alerts(owner))
        run = wait_for_retraining(owner)
    finally:
        waiting.stop()
    owner.runs("lineal", "alerts", "list")
    owner.runs("lineal", "trace", f"run:{run}")


def wait_for_windows(owner: Person, count: int) -> list[Any]:
    """Once so many days are judged: what came of each. A job looks every 20 s for days that are over."""
    limit = time.monotonic() + STEP_LIMIT_S
    while time.monotonic() < limit:
        windows = owner.reads("lineal", "monitors", "show", f"{MODEL}@production")["windows"]
        judged = [window["evaluation"] for window in windows if window["evaluation"]]
        if len(judged) >= count:
            return judged
        time.sleep(1)
    raise Surprise(f"{count} days were not judged in {STEP_LIMIT_S} s")


def alerts(owner: Person) -> list[Any]:
    return owner.reads("lineal", "alerts", "list", "--model", MODEL)


def expect_one_alert(found: list[Any]) -> None:
    told = [(alert["kind"], sorted(alert["columns"])) for alert in found]
    if told != [("drift", ["mean symmetry", "symmetry error"])]:
        raise Surprise(f"one alert about the two columns was expected, and there are: {told}")


def wait_for_retraining(owner: Person) -> str:
    """The run that names the alert as its cause, once it has ended."""
    limit = time.monotonic() + STEP_LIMIT_S
    while time.monotonic() < limit:
        found = owner.reads("lineal", "runs", "search", "attributes.name = 'retrained'")
        done = [run for run in found if run["status"] == "finished"]
        if done:
            return str(done[0]["id"])
        time.sleep(1)
    raise Surprise("the alert started no training")


def audit(owner: Person) -> None:
    title("11. Has anyone touched the record? A file and a public key answer, with no server and no network")
    export, changed, anchor = FILES / "audit.jsonl", FILES / "changed.jsonl", FILES / "anchor.txt"
    vkey = public_key(owner)
    owner.runs("lineal", "audit", "checkpoint", "--out", str(anchor))
    owner.runs("lineal", "audit", "export", "--out", str(export))
    auditor = stranger("auditor", owner)
    verify = ("lineal", "audit", "verify")
    auditor.runs(*verify, str(export), "--key", vkey, "--anchor", str(anchor))
    flip_one_byte(export, changed)
    print(f"\n  (one byte of one event is changed in {changed})")
    told = auditor.runs(*verify, str(changed), "--key", vkey, expect=1)
    if "promotion" not in told:
        raise Surprise("the changed event was not named")


def flip_one_byte(export: Path, changed: Path) -> None:
    """Change the model's name by one letter in the last event about a promotion."""
    lines = export.read_bytes().splitlines(keepends=True)
    name = MODEL.encode()
    at = max(number for number, line in enumerate(lines) if b'"promotion.' in line.replace(b"\\", b"") and name in line)
    lines[at] = lines[at].replace(name, name[:-1] + b"f", 1)
    changed.write_bytes(b"".join(lines))


def roll_back(risk: Person, *, to: str) -> None:
    title("12. And back: one call, with a reason")
    risk.runs("lineal", "rollback", MODEL, "--env", "production", "--reason", "false alarms since this morning")
    model = risk.reads("lineal", "models", "show", MODEL)
    held = {slot["environment"]: slot["digest"] for slot in model["environments"]}
    if held.get("production") != to:
        raise Surprise(f"production holds {held.get('production')} after the rollback, expected {to}")
    risk.runs("lineal", "audit", "list", "--limit", "8")


if __name__ == "__main__":
    sys.exit(main())
