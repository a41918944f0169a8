"""The pages on evidence and retraining are true: what they show is read, parsed and run."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from monitoring import services
from monitoring.intake import UnreadableVerdict, read_verdict
from monitoring.models import Firing
from tests.server import free_port

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, language):
    text = (DOCS / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_generic_document_is_one_and_its_schema_says_so():
    sample, schema = (json.loads(block) for block in blocks("evidence.md", "json"))
    Draft202012Validator.check_schema(schema)

    Draft202012Validator(schema).validate(sample)
    assert read_verdict(json.dumps(sample).encode()).verdict == "fail"


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "passed"}, {"name": " "}, {"name": None}, {"tool": 5}, {"surprise": 1}, {"url": "ftp://x.org"},
        {"digest": "sha256:short"}, {"summary": []}, {"summary": {"checked": -1}}, {"summary": {"columns": ["x"]}},
        {"summary": {"failures": [{}]}}, {"summary": {"failures": [{"check": "x", "columns": "age"}]}},
        {"summary": {"notes": [1]}}, {"version": None}, {"summary": None}, {"url": None}, {"digest": None},
        {"summary": {}}, {"summary": {"failures": None}}, {"verdict": "error"},
    ],
    ids=str,
)  # fmt: skip
def test_schema_and_reader_agree(change):
    sample, schema = (json.loads(block) for block in blocks("evidence.md", "json"))
    document = sample | change

    fits = Draft202012Validator(schema).is_valid(document)

    try:
        read_verdict(json.dumps(document).encode(), tool="generic")
        is_read = True
    except UnreadableVerdict:
        is_read = False
    assert is_read is fits


def test_the_line_of_shell_signs_as_the_server_checks(tmp_path):
    """As the page has it, with curl replaced by something that shows what would be sent."""
    from core.signatures import new_secret, proven_message_id

    (script,) = blocks("evidence.md", "bash")
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nfor each in "$@"; do printf "%s\\n" "$each"; done\n')
    curl.chmod(0o755)
    secret = new_secret()
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SECRET": secret, "LINEAL_URL": "http://x", "HOOK": "h"}

    shown = subprocess.run(["sh", "-eu", "-c", script], env=environment, capture_output=True, text=True, check=True)

    sent = shown.stdout.splitlines()
    signature = next(line.removeprefix("X-Signature: ") for line in sent if line.startswith("X-Signature"))
    body = sent[sent.index("-d") + 1].encode()
    assert proven_message_id(secret, headers={"X-Signature": signature}, body=body, now_s=0)


def test_the_workflows_are_yaml_that_hands_on_the_cause():
    github, gitlab = (yaml.safe_load(block) for block in blocks("retraining.md", "yaml"))

    dispatch = github[True]["repository_dispatch"]  # YAML 1.1 reads the key `on` as true, and GitHub does not mind
    assert dispatch == {"types": ["lineal"]}
    assert github["jobs"]["train"]["env"]["LINEAL_CAUSED_BY"] == "${{ github.event.client_payload.caused_by }}"
    assert "$LINEAL_CAUSED_BY" in gitlab["retrain"]["rules"][0]["if"]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_programs_compile(index):
    programs = blocks("retraining.md", "python")

    assert len(programs) == 3
    compile(programs[index], f"retraining.md, program {index}", "exec")


@pytest.mark.django_db
def test_the_payload_is_the_one_that_is_shown(make_trigger, carol):
    from monitoring.services.sending import message_of

    (shown,) = (json.loads(block) for block in blocks("retraining.md", "json"))
    firing = services.fire_for_trial(trigger=make_trigger(), actor=carol)
    firing.facts = {"alert": "x", "kind": "drift", "severity": "critical", "columns": ["amount"], "model": "fraud"}

    told = message_of(firing).payload

    assert list(told) == list(shown)
    for key in ("cause", "alert", "version", "links"):
        assert set(told[key]) == set(shown[key]), key


@pytest.mark.django_db
def test_the_receiver_of_the_page_starts_a_job_that_knows_its_cause(make_trigger, carol, run_jobs, settings, tmp_path):
    """The whole way: from a trigger, over the network, into the environment of the job; and once, though sent twice."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    port = free_port()
    trigger = make_trigger(address=f"http://127.0.0.1:{port}/retrain")
    (tmp_path / "receiver.py").write_text(blocks("retraining.md", "python")[2])
    (tmp_path / "train.py").write_text("import os\nopen('causes', 'a').write(os.environ['LINEAL_CAUSED_BY'] + '\\n')\n")
    receiver = subprocess.Popen(
        [sys.executable, "receiver.py", str(port)],
        cwd=tmp_path,
        env={"LINEAL_TRIGGER_SECRET": trigger.secret},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        firing = services.fire_for_trial(trigger=trigger, actor=carol)
        run_jobs()
        Firing.objects.filter(pk=firing.pk).update(state="pending")  # as if the answer had been lost
        services.sending.send_firing(firing_id=firing.pk)
        firing.refresh_from_db()
        causes = wait_for_file(tmp_path / "causes")
    finally:
        receiver.terminate()
        receiver.wait(timeout=10)

    assert (firing.state, firing.answer_status, firing.attempts) == ("sent", 202, 2)
    assert causes == [str(firing.uuid)]


def wait_for_port(port):
    import socket

    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the receiver did not start")


def wait_for_file(path):
    end = time.monotonic() + 10
    while time.monotonic() < end and not (path.exists() and path.read_text().endswith("\n")):
        time.sleep(0.02)
    return path.read_text().splitlines()


def test_the_limits_of_the_page_are_the_defaults():
    from monitoring.engine import Limits

    shown = json.loads(blocks("monitoring.md", "json")[0])

    assert shown == Limits().to_json()


def test_the_page_names_every_kind_of_alert():
    from monitoring.models import Alert

    text = (DOCS / "monitoring.md").read_text()
    shown = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)

    assert shown == Alert.Kind.values


def test_the_part_of_the_page_is_one_that_the_route_takes():
    from monitoring.api.windows import Profiles

    shown = json.loads(blocks("monitoring.md", "json")[1])

    assert set(shown) == set(Profiles.Input().fields)
