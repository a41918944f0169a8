"""Runs begin once, whoever asks how often, and bring their lineage and ledger entry with them."""

from uuid import UUID, uuid4

import pytest

from audit.models import AuditEvent
from core.errors import Invalid
from core.ids import uuid7
from lineage.models import Edge
from lineage.services import ensure_node
from tracking import selectors, services
from tracking.errors import ExperimentDeleted, RunDeleted, RunIdTaken, RunNotFound
from tracking.models import Experiment, Param, Run
from tracking.services.runs import Origin

COMMIT = "c0ffee" * 6 + "abcd"
LOCK = "sha256:" + "e" * 64


def begin(project, actor, **options):
    return services.create_run(project=project, experiment="churn", actor=actor, **options)


def test_a_run_brings_its_experiment_values_and_entries(project, alice, recorded_actions):
    run, created = begin(project, alice, name="first", params={"lr": 0.1}, tags={"team": "risk"})

    assert created
    assert (run.name, run.status, run.experiment.name, run.created_by) == ("first", "running", "churn", "alice")
    row = selectors.run_rows([run])[0]
    assert (row.params, row.tags) == ({"lr": 0.1}, {"team": "risk"})
    assert recorded_actions()[-2:] == ["experiment.create", "run.create"]


def test_the_same_id_again_is_the_same_run(project, alice, recorded_actions):
    """A client that lost the answer asks again, and a job that was requeued goes on."""
    id = uuid7()
    first, _ = begin(project, alice, id=id)
    before = recorded_actions()

    again, created = begin(project, alice, id=id, params={"never": 1})

    assert (again.pk, created) == (first.pk, False)
    assert recorded_actions() == before
    assert not Param.objects.exists()


def test_an_id_of_another_creator_or_experiment_is_taken(project, alice, bob):
    id = uuid7()
    begin(project, alice, id=id)

    with pytest.raises(RunIdTaken):
        begin(project, bob, id=id)
    with pytest.raises(RunIdTaken):
        services.create_run(project=project, experiment="other", actor=alice, id=id)
    assert not Experiment.objects.filter(name="other").exists()


def test_an_id_is_unique_per_project_only(project, make_project, alice, alice_account, principal):
    """Else a clash would tell of a stranger's run."""
    elsewhere = make_project("elsewhere", admin=alice_account)
    id = uuid7()

    begin(project, alice, id=id)
    _, created = begin(elsewhere, principal(alice_account), id=id)

    assert created
    assert Run.objects.filter(uuid=id).count() == 2


def test_code_environment_and_parent_are_upstream(project, alice):
    parent, _ = begin(project, alice)
    origin = Origin(code={"commit": COMMIT, "diff": "+1"}, environment={"digest": LOCK, "lock": "numpy==2"})

    run, _ = begin(project, alice, parent=parent.uuid, origin=origin)

    edges = Edge.objects.filter(dst__key=run.uuid.hex).values_list("src__kind", "src__key", "kind")
    assert set(edges) == {
        ("run", parent.uuid.hex, "parent_run"),
        ("code_commit", COMMIT, "used"),
        ("environment", LOCK, "used"),
    }
    assert selectors.code_diff(run) == "+1"


def test_a_parent_has_to_be_there(project, alice, make_run):
    with pytest.raises(RunNotFound):
        begin(project, alice, parent=uuid4())
    gone = make_run()
    services.delete_run(run=gone, actor=alice)
    with pytest.raises(RunDeleted):
        begin(project, alice, parent=gone.uuid)


def test_a_deleted_experiment_takes_no_runs(project, alice, make_run):
    services.delete_experiment(experiment=make_run().experiment, actor=alice)

    with pytest.raises(ExperimentDeleted):
        begin(project, alice)


@pytest.mark.parametrize(
    "options",
    [{"name": "x" * 251}, {"name": "a\nb"}, {"params": {"k" * 251: 1}}, {"tags": {"t": "x" * 8_001}}],
)
def test_what_cannot_be_stored_stops_the_whole_start(project, alice, options, recorded_actions):
    before = recorded_actions()

    with pytest.raises(Invalid):
        begin(project, alice, **options)

    assert not Run.objects.exists()
    assert recorded_actions() == before


def test_a_run_joins_the_line_of_its_cause(project, alice):
    cause = ensure_node(project=project, kind="cause", key=str(uuid4()))

    run, _ = begin(project, alice, caused_by=UUID(cause.key))

    edge = Edge.objects.get(src=cause)
    assert (edge.kind, edge.dst.kind, edge.dst.key) == ("caused_by", "run", run.uuid.hex)
    recorded = AuditEvent.objects.get(action="run.create")
    assert cause.key in recorded.body


def test_a_cause_that_nobody_knows_is_kept_and_refuses_no_run(project, make_project, alice):
    """A wrong id in a job's environment costs no training; another project's cause answers like none."""
    elsewhere = ensure_node(project=make_project("elsewhere"), kind="cause", key=str(uuid4()))

    run, created = begin(project, alice, caused_by=UUID(elsewhere.key))

    assert created
    assert str(run.caused_by) == elsewhere.key
    assert not Edge.objects.filter(kind="caused_by").exists()


def test_a_caused_run_is_announced(project, alice, monkeypatch):
    said = []
    monkeypatch.setattr("core.events.announce", lambda event, **payload: said.append((event, payload)))
    cause = ensure_node(project=project, kind="cause", key=str(uuid4()))

    run, _ = begin(project, alice, caused_by=UUID(cause.key))

    assert said == [("run.caused", {"project_id": project.id, "run": run.uuid.hex, "cause": cause.key})]
