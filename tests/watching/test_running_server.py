"""A whole server, scraped as Prometheus does; and every figure that the dashboard and the rules speak of is really there."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import lineal
import pytest
import yaml

from tests.watching.conftest import Figures

pytestmark = pytest.mark.server

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "lineal.json"
RULES = DEPLOY / "prometheus" / "lineal.rules.yml"
METRIC = re.compile(r"\b(?:lineal|process)_[a-z_]+\b")
PARTS = ("_bucket", "_sum", "_count", "_total")
POSTGRESQL_ONLY = {
    "lineal_database_pool_connections",
    "lineal_database_pool_waiting",
    "lineal_database_pool_max_connections",
}


def scrape(server):
    request = urllib.request.Request(f"{server.url}/metrics", headers={"Authorization": f"Bearer {server.token}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return Figures(response.read().decode())


def wait_for(server, what, holds, limit_s=40):
    end = time.monotonic() + limit_s
    while not holds(found := scrape(server)):
        assert time.monotonic() < end, f"waited {limit_s} s for {what}"
        time.sleep(0.5)
    return found


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions():
    """Of the dashboard's panels and of the rules, each with where it stands."""
    for panel in panels():
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield f"rule {rule['alert']}", rule["expr"]


def test_every_figure_of_dashboard_and_rules_is_exposed(server):
    families = set(scrape(server).families)
    if "LINEAL_DATABASE_URL" not in server.env:
        families |= POSTGRESQL_ONLY
    known = families | {name + part for name in families for part in PARTS}

    unknown = [(where, name) for where, text in expressions() for name in METRIC.findall(text) if name not in known]

    assert unknown == []


def test_every_figure_has_its_panel(server):
    """Nothing is exposed that nobody could look at."""
    shown = {name for _, text in expressions() for name in METRIC.findall(text)}

    unseen = [
        name
        for name in scrape(server).families
        if name.startswith("lineal_") and not {name, *(name + part for part in PARTS)} & shown
    ]

    assert unseen == []


def test_the_page_names_every_figure(server):
    page = (DEPLOY.parent / "docs" / "watching.md").read_text()
    names = {name for family in scrape(server).families.values() for name in (family.name, f"{family.name}_total")}

    told = {name for name in names if f"`{name}`" in page}

    assert {name.removesuffix("_total") for name in told} >= {
        name for name in scrape(server).families if name.startswith("lineal_")
    }


def test_what_was_done_shows_whichever_process_did_it(server, tmp_path, monkeypatch):
    """Requests count in the web process, jobs in the worker; one scrape tells of both."""
    monkeypatch.setenv("LINEAL_URL", server.url)
    monkeypatch.setenv("LINEAL_TOKEN", server.token)
    (tmp_path / "model.bin").write_bytes(os.urandom(1000))
    before = scrape(server)

    with lineal.start_run("watched") as run:
        for step in range(50):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.log_artifact(tmp_path / "model.bin")
    version = lineal.register("watched", run, artifact="model.bin")
    lineal.promote("watched", version.digest, to="staging", reason="a look")

    def grown(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    after = wait_for(
        server,
        "the promotion, and the worker's jobs",
        lambda found: (
            found.sum("lineal_promotions_total", environment="staging", outcome="promoted") == 1
            and found.sum("lineal_job_runs_total", task="registry.issue_receipt", outcome="done") >= 1
        ),
    )
    assert grown("lineal_ingest_points_total") == 50
    assert grown("lineal_artifact_bytes_total", direction="in") >= 1000
    assert grown("lineal_http_requests_total", route="api/v1/runs", method="POST", status="201") == 1
    assert after.sum("lineal_ledger_size_events") > before.sum("lineal_ledger_size_events")
    assert {s.labels["role"]: s.value for s in after.all("lineal_processes")} == dict.fromkeys(
        ("web", "worker", "beat", "sequencer"), 1
    )
    assert after.sum("lineal_process_resident_memory_bytes", process="worker-0") > 10_000_000


def pid_of(server, role):
    (seat,) = (server.home / "run" / "processes").glob(f"*/{role}-0.seat")
    return json.loads(seat.read_text())["pid"]


@pytest.mark.slow
def test_a_sequencer_that_stands_still_shows_as_a_lag_that_grows(server):
    pid = pid_of(server, "sequencer")
    os.kill(pid, signal.SIGSTOP)  # killed, it would be started again at once
    try:
        server.cli("users", "create", "carol")

        first = wait_for(server, "the lag", lambda found: found.sum("lineal_ledger_lag_events") > 0)
        wait_for(
            server,
            "a longer lag",
            lambda found: found.sum("lineal_ledger_lag_seconds") > first.sum("lineal_ledger_lag_seconds") + 2,
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(server, "the end of it", lambda found: found.sum("lineal_ledger_lag_seconds") == 0)


def test_a_killed_process_comes_back_on_its_seat_and_its_counts_go_on(server):
    pid = pid_of(server, "worker")
    before = wait_for(server, "a job to be done", lambda found: found.sum("lineal_job_runs_total") > 0)
    os.kill(pid, signal.SIGKILL)

    after = wait_for(
        server,
        "another worker",
        lambda found: pid_of(server, "worker") != pid and found.sum("lineal_processes", role="worker") == 1,
    )

    assert after.sum("lineal_job_runs_total") >= before.sum("lineal_job_runs_total")
    assert {s.labels["process"] for s in after.all("lineal_process_start_time_seconds", process="worker-1")} == set()


def test_the_dashboard_can_be_imported():
    """What Grafana asks of a dashboard: a title, panels with a place, an id and a data source that the user chooses."""
    document = json.loads(DASHBOARD.read_text())

    assert document["title"] == "Lineal"
    assert document["uid"]
    assert document["id"] is None, "an id is of one Grafana"
    assert document["schemaVersion"] >= 36
    variables = {each["name"]: each for each in document["templating"]["list"]}
    assert variables["datasource"]["query"] == "prometheus"
    assert set(variables) == {"datasource", "job", "instance"}
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids) > 30
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert panel["targets"], panel["title"]
    cells = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy)
        for panel in document["panels"]
        for dx in range(panel["gridPos"]["w"])
        for dy in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "no panel lies on another"
    assert max(x for x, _ in cells) == 23


def test_brackets_of_every_expression_are_closed():
    for where, text in expressions():
        bare = re.sub(r'"[^"]*"', '""', text)
        for opening, closing in ("()", "[]", "{}"):
            assert bare.count(opening) == bare.count(closing), where


def test_every_rule_says_what_is_wrong_and_what_to_do():
    names = []
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
            assert re.fullmatch(r"Lineal[A-Z][A-Za-z]+", rule["alert"])
            assert rule["labels"]["severity"] in ("critical", "warning", "info")
            assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]
            assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
            names.append(rule["alert"])
    assert len(names) == len(set(names)) > 10


def test_one_trouble_is_one_alert_however_many_processes_tell_of_it():
    """A rule's answer has one row for each server, not one for each replica. Only that a replica is down is its own trouble."""
    several = []
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            first = re.match(
                r"\s*(?:histogram_quantile\([\d.]+,\s*)?(?:max|min|sum|count) by \(([a-z, ]+)\)", rule["expr"]
            )
            kept = first[1].split(", ") if first else ["instance"]
            if "job" not in kept or "instance" in kept or "$labels.instance" in str(rule["annotations"]):
                several.append(rule["alert"])

    assert several == ["LinealDown"]


def test_the_scrape_example_reads_our_rules():
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())

    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert job["authorization"]["credentials_file"]
    assert [(DEPLOY / "prometheus" / name).exists() for name in config["rule_files"]] == [True]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_promtool_accepts_rules_and_configuration():
    for command, file in (("rules", RULES), ("config", DEPLOY / "prometheus" / "prometheus.yml")):
        syntax_only = ["--syntax-only"] if command == "config" else []
        done = subprocess.run(["promtool", "check", command, *syntax_only, file], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
