"""The bench of the client: its script measures what it says, compares what came back, and goes on without tools that are not here."""

import json
from types import SimpleNamespace

import pytest

from bench import client_cost, client_peers
from bench.peers import Unavailable, logging_cost


@pytest.fixture
def short(monkeypatch):
    for name, value in {
        "TIGHT_ONE": 50,
        "TIGHT_TEN": 40,
        "PACED": 3,
        "THREAD_CALLS": 20,
        "PAIRS": 3,
        "STEPS": 2,
    }.items():
        monkeypatch.setattr(logging_cost, name, value)
    monkeypatch.setattr(logging_cost, "STEP_S", 0.0005)
    monkeypatch.setattr(logging_cost, "DURABLE_STEPS", 10)


@pytest.mark.slow
def test_every_scenario_measures_every_call(short, capsys):
    logging_cost.main(["null"])

    found = json.loads(capsys.readouterr().out.splitlines()[-1])["null"]
    assert found["one, tight"]["n"] == 50
    assert found["ten, paced"]["n"] == 3
    assert found["one, 4 threads"]["n"] == 80
    assert found["step loop"]["n"] == 6
    assert found["durable"]["points"] == 100
    assert 0 < found["one, tight"]["p50"] <= found["one, tight"]["p99"] <= found["one, tight"]["max"]
    assert client_cost._call("one, tight", found["one, tight"], found["one, tight"]).ratio == 1.0


@pytest.mark.parametrize("lost", [True, False])
def test_points_that_did_not_come_back_make_the_figures_worthless(lost):
    run = logging_cost.Lineal.__new__(logging_cost.Lineal)
    run.run = SimpleNamespace(id="a" * 32)
    steps = [0, 1] if lost else [0, 1, 2]
    run.client = SimpleNamespace(
        history=lambda run, key: SimpleNamespace(steps=steps, values=[0.5 * step for step in steps])
    )

    if lost:
        with pytest.raises(RuntimeError, match="2 points of loss came back, 3 were logged"):
            run.check(range(3), ())
    else:
        run.check(range(3), ())


@pytest.mark.slow
def test_a_tool_that_is_not_here_is_named_under_the_table(short, capsys, tmp_path, monkeypatch):
    def run(self, script, *arguments, env):
        raise Unavailable(f"{self.label} cannot be installed")

    monkeypatch.setattr(client_peers.Peer, "run", run)
    monkeypatch.setattr(client_peers, "PEERS", {"trackio": ("trackio",)})
    logging_cost.main(["null"])
    floor = json.loads(capsys.readouterr().out.splitlines()[-1])["null"]

    sheet = client_cost._sheet(floor, [client_peers.Tool("lineal", floor), *client_peers.beside(tmp_path)])

    assert [row[0] for row in sheet.rows] == ["append to a list", "lineal"]
    assert "trackio 0.43.0 cannot be installed." in sheet.note
