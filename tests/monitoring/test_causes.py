"""Causes in the lines of descent: from what was seen in production to the run and the version that came of it."""

import pytest

from core.ids import uuid7
from lineage import selectors as lineage
from monitoring import services
from monitoring.models import Firing
from registry.services import register_version
from tests.registry.factories import new_artifact
from tracking.services import create_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_sent(monkeypatch):
    monkeypatch.setattr("monitoring.services.sending.send_firing", lambda firing_id: None)


@pytest.fixture
def firing(make_trigger, carol):
    return services.fire_for_trial(trigger=make_trigger(), actor=carol)


@pytest.fixture
def retrain(project, bob):
    """`retrain(cause)`: a run that names its cause as the client does, and the version registered from it."""

    def act(cause):
        run, _ = create_run(project=project, experiment="churn", actor=bob, caused_by=cause)
        new_artifact(run, "model.bin", run.uuid.bytes)
        version, _ = register_version(project=project, model="fraud", run_id=run.uuid, artifact="model.bin", actor=bob)
        return run, version

    return act


def test_the_run_and_the_version_that_came_of_it_are_known(firing, retrain, run_jobs, api, carol):
    run, version = retrain(firing.uuid)
    run_jobs()

    (shown,) = api(carol).get(f"triggers/{firing.trigger.uuid}/firings").json()["items"]

    assert shown["run"] == run.uuid.hex
    assert shown["version"] == {"model": "fraud", "number": 1, "digest": version.digest}


def test_the_first_run_is_kept_and_the_line_has_all(firing, retrain, run_jobs, project):
    first, _ = retrain(firing.uuid)
    run_jobs()
    second, _ = retrain(firing.uuid)
    run_jobs()

    firing.refresh_from_db()
    assert firing.run == first
    graph = lineage.impact(starts=lineage.resolve(project, f"cause:{firing.uuid}"), kinds=["run"])
    assert {node.key for node in graph.nodes} == {first.uuid.hex, second.uuid.hex}


def test_impact_of_a_cause_leads_to_the_model(firing, retrain, api, bob):
    run, version = retrain(firing.uuid)

    graph = api(bob).get(f"lineage/impact?of=cause:{firing.uuid}").json()

    by_kind = {node["kind"]: node for node in graph["nodes"]}
    assert set(by_kind) == {"cause", "run", "model_version"}
    assert by_kind["cause"]["label"] == "test by carol"
    assert by_kind["cause"]["url"] == f"/api/v1/triggers/{firing.trigger.uuid}/firings?project=default"
    assert by_kind["run"]["key"] == run.uuid.hex
    assert by_kind["model_version"]["digest"] == version.digest
    assert {edge["kind"] for edge in graph["edges"]} == {"caused_by", "generated"}


def test_trace_of_a_model_leads_back_to_why_it_was_trained(firing, retrain, project):
    _, version = retrain(firing.uuid)

    graph = lineage.trace(starts=lineage.resolve(project, f"model:fraud/{version.number}"), kinds=["cause"])

    assert [node.label for node in graph.nodes] == ["test by carol"]


def test_a_suppressed_firing_is_no_cause(make_trigger, project, retrain, run_jobs):
    """Nothing was started, so whoever names it is wrong, and their run is kept all the same."""
    trigger = make_trigger()
    held = Firing.objects.create(
        trigger=trigger, cause_type="alert", cause_id="x", cause_key="x", cause_label="x", state="suppressed"
    )

    run, _ = retrain(held.uuid)
    run_jobs()

    held.refresh_from_db()
    assert (run.caused_by, held.run, held.version) == (held.uuid, None, None)


def test_a_cause_of_another_project_is_as_unknown(firing, make_project, api, mallory, alice_account, principal):
    make_project("elsewhere", admin=alice_account)
    alice = principal(alice_account)
    absent = f"cause:{uuid7()}"

    there = api(alice).get(f"lineage/impact?project=elsewhere&of=cause:{firing.uuid}")
    nowhere = api(alice).get(f"lineage/impact?project=elsewhere&of={absent}")

    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert api(mallory).get(f"lineage/impact?of=cause:{firing.uuid}").status_code == 404


@pytest.mark.parametrize("text", ["nonsense", "0" * 32, "'; drop table", "x" * 300])
def test_what_names_no_cause_finds_none(firing, project, text):
    assert lineage.resolve(project, f"cause:{text}") == []


def test_very_many_causes_are_described_in_few_queries(make_trigger, project, django_assert_num_queries):
    from lineage import kinds

    trigger = make_trigger()
    Firing.objects.bulk_create(
        [
            Firing(
                trigger=trigger,
                cause_type="test",
                cause_id="x",
                cause_key=str(n),
                cause_label=f"cause {n}",
                state="sent",
            )
            for n in range(600)
        ]
    )
    keys = [str(uuid) for uuid in Firing.objects.values_list("uuid", flat=True)]

    with django_assert_num_queries(2):
        described = kinds.describe(kind="cause", keys=[*keys, "nonsense"], project=project)

    assert len(described) == 600
