"""A run may say what made it start: a trigger's message carries the cause's id into the job."""

import logging

import lineal
import pytest
from lineal import _ids

CAUSE = "0192f0c1-1111-7222-8333-444455556666"


@pytest.fixture
def body_of_run(monkeypatch):
    """`body_of_run(caused_by=…)`: what the start of such a run tells the server."""
    from lineal import _starting

    said = []

    class Sender:
        def __init__(self, header, body, *_, **__):
            said.append(body)
            self.header, self.notices = header, None

        def start(self): ...

        def put(self, item): ...

    monkeypatch.setattr(_starting, "Sender", Sender)
    monkeypatch.setattr(_starting, "Run", lambda *_, **__: None)

    def start(**options):
        _starting.start(
            None,
            project="default",
            experiment="churn",
            name=None,
            parent=None,
            description=None,
            run_id=None,
            **options,
        )
        return said[-1]

    return start


def test_the_cause_is_given_or_found_in_the_environment(body_of_run, monkeypatch):
    assert "caused_by" not in body_of_run(caused_by=None)
    assert body_of_run(caused_by=CAUSE.replace("-", ""))["caused_by"] == CAUSE

    monkeypatch.setenv("LINEAL_CAUSED_BY", CAUSE.upper())
    assert body_of_run(caused_by=None)["caused_by"] == CAUSE


def test_a_wrong_cause_in_the_environment_stops_no_training(body_of_run, monkeypatch, caplog):
    monkeypatch.setenv("LINEAL_CAUSED_BY", "the weather")

    with caplog.at_level(logging.WARNING, logger="lineal"):
        assert "caused_by" not in body_of_run(caused_by=None)

    assert "the weather" in caplog.text


def test_a_wrong_cause_in_the_code_is_told_to_its_author():
    with pytest.raises(ValueError, match="not the id of a cause"):
        _ids.parse_cause_id("the weather")
    with pytest.raises(ValueError, match="not the id of a cause"):
        lineal.Client().start_run("churn", caused_by="the weather")
