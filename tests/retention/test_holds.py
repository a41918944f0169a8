"""What lives, and all that it came from, cannot be deleted or purged; nor can what people hold."""

import pytest

from core.errors import Conflict, NotFound
from registry import services as registry
from registry.models import Promotion
from retention import services as retention
from retention.errors import Held, UnknownKind
from retention.holds import Holds
from retention.kinds import Act
from tracking import services
from tracking.errors import RunPurged


def whys(project, kind, key, act=Act.DELETE):
    return list(Holds(project).on(kind, [key], act).get(key, []))


def whys_of(version, act=Act.DELETE):
    return whys(version.model.project, "model_version", version.uuid.hex, act)


def test_a_version_that_holds_an_environment_is_held_until_another_one_does(make_version, promote, alice):
    first, second = make_version(), make_version()
    promote(first)

    with pytest.raises(Held, match="churn v1 is held: churn v1 holds dev") as caught:
        registry.delete_version(version=first, actor=alice)
    assert caught.value.extra["holds"] == ["churn v1 holds dev"]

    promote(second)
    assert registry.delete_version(version=first, actor=alice).is_deleted


def test_a_version_that_serves_is_held_until_it_ends(make_version, promote, alice):
    version = make_version()
    where = promote(version).environment
    deployment, _ = registry.report_deployment(version=version, environment=where, target="eu-1", actor=alice)
    promote(make_version())

    assert whys_of(version) == ["churn v1 is deployed at eu-1 (dev)"]
    registry.end_deployment(deployment=deployment, reason="moved", actor=alice)
    assert whys_of(version) == []


def test_a_version_with_an_alias_is_held_until_it_moves(make_version, alice):
    version = make_version()
    registry.set_alias(model=version.model, name="champion", version=version, actor=alice)

    assert whys_of(version) == ["churn v1 is @champion"]
    registry.delete_alias(model=version.model, name="champion", actor=alice)
    assert whys_of(version) == []


def test_a_version_that_waits_for_its_promotion_is_held(make_version, promote, alice):
    version = make_version()
    promotion = promote(version)
    Promotion.objects.filter(pk=promotion.pk).update(decision="waiting", finished_at=None)

    assert "churn v1 waits for its promotion to dev" in whys_of(version)


def test_all_that_a_live_version_came_from_is_held(make_run, make_version, derive, promote, alice, project):
    """Raw data → features → training → version: cleaning up the run that made the features would break the line."""
    parent, raw, features, training, bystander = (make_run() for _ in range(5))
    child = make_run(parent=parent.uuid)
    derive(raw, features, "cleaned")
    derive(features, training, "features")
    derive(child, training, "labels")
    promote(make_version(run=training))

    for run in (raw, features, parent, child):
        with pytest.raises(Held, match="churn v1 holds dev"):
            services.delete_run(run=run, actor=alice)
        assert whys(project, "run", run.uuid.hex, Act.PURGE) == ["churn v1 holds dev"]
    services.delete_run(run=bystander, actor=alice)


def test_what_came_of_a_live_version_is_not_held(make_run, make_version, derive, promote, alice):
    training, later = make_run(), make_run()
    promote(make_version(run=training))
    derive(training, later, "predictions")

    assert services.delete_run(run=later, actor=alice).is_deleted


def test_a_cause_is_not_held_by_what_it_caused(make_run, make_version, promote, alice, project):
    """A retraining that drift set off must not keep every version before it for ever."""
    from lineage.services import connect, ensure_node

    old = make_version()
    run = make_run()
    cause = ensure_node(project=project, kind="cause", key="drift")
    connect(src=ensure_node(project=project, kind="model_version", key=old.uuid.hex), dst=cause, kind="evaluated_by")
    connect(src=cause, dst=ensure_node(project=project, kind="run", key=run.uuid.hex), kind="caused_by")
    promote(make_version(run=run))

    assert whys_of(old) == []


def test_a_run_is_kept_while_a_version_of_it_is(make_version, alice):
    version = make_version()
    run = version.run

    with pytest.raises(Held, match="churn v1 was registered from it"):
        services.delete_run(run=run, actor=alice)
    registry.delete_version(version=version, actor=alice)
    services.delete_run(run=run, actor=alice)
    with pytest.raises(Held):
        services.purge_run(run=run, actor=alice)
    registry.purge_version(version=version, actor=alice)
    assert services.purge_run(run=run, actor=alice).is_purged


def test_a_hold_keeps_a_thing_and_its_line_until_it_is_lifted(make_run, derive, alice, project, recorded_actions):
    raw, training = make_run(), make_run()
    derive(raw, training)
    hold = retention.add_hold(project=project, kind="run", name=training.uuid.hex, reason="lawsuit 12/26", actor=alice)

    for run in (raw, training):
        with pytest.raises(Held, match="by alice: lawsuit 12/26"):
            services.delete_run(run=run, actor=alice)

    for _ in range(2):
        retention.remove_hold(hold=hold, reason="settled", actor=alice)
    assert services.delete_run(run=raw, actor=alice).is_deleted
    assert [action for action in recorded_actions() if action.startswith("hold.")] == ["hold.add", "hold.remove"]


def test_a_hold_on_something_in_the_bin_keeps_it_there(make_run, alice, project, later, run_jobs):
    run = make_run()
    services.delete_run(run=run, actor=alice)
    retention.add_hold(project=project, kind="run", name=run.uuid.hex, reason="evidence", actor=alice)

    with pytest.raises(Held):
        services.purge_run(run=run, actor=alice)
    later(40 * 24 * 3600)
    assert retention.empty_bins() == 0
    assert services.restore_run(run=run, actor=alice).lifecycle == "active"


def test_a_hold_on_a_model_keeps_its_versions_and_their_runs(make_version, alice, project):
    version = make_version()
    retention.add_hold(project=project, kind="model", name="churn", reason="audit", actor=alice)

    for act in (
        lambda: registry.delete_version(version=version, actor=alice),
        lambda: registry.delete_model(model=version.model, actor=alice),
        lambda: services.delete_run(run=version.run, actor=alice),
    ):
        with pytest.raises(Held, match="audit"):
            act()


def test_holds_of_one_project_say_nothing_of_another(make_run, make_project, make_version, promote, alice, project):
    other = make_project("fraud")
    stranger = make_version(of=other, model="churn")
    promote(stranger)
    run = make_run()

    assert whys(project, "run", run.uuid.hex) == []
    assert whys(project, "run", stranger.run.uuid.hex) == []


def test_only_what_is_there_can_be_held(make_run, alice, project, recorded_actions):
    before = recorded_actions()
    with pytest.raises(NotFound):
        retention.add_hold(project=project, kind="run", name="0" * 32, reason="x", actor=alice)
    with pytest.raises(UnknownKind, match=r"experiment, model, model_version, run"):
        retention.add_hold(project=project, kind="dataset", name="x", reason="x", actor=alice)
    assert recorded_actions() == before


def test_a_run_of_a_purged_experiment_is_held_by_nobody(make_run, alice, project):
    """The job that purges it may be an hour away; a hold would promise what is lost already."""
    run = make_run()
    services.delete_experiment(experiment=run.experiment, actor=alice)
    services.purge_experiment(experiment=run.experiment, actor=alice, reason="done with it")

    with pytest.raises(Conflict, match="was purged"):
        retention.add_hold(project=project, kind="run", name=run.uuid.hex, reason="lawsuit", actor=alice)
    for act in (services.archive_run, services.delete_run, services.restore_run):
        with pytest.raises(RunPurged, match="done with it"):
            act(run=run, actor=alice)
    with pytest.raises(RunPurged, match="done with it"):
        services.set_tag(run=run, key="late", value="x")


def test_many_reasons_are_told_up_to_a_bound(make_run, make_version, derive, alice):
    raw = make_run()
    for number in range(5):
        training = make_run()
        derive(raw, training, "features")
        version = make_version(run=training)
        registry.set_alias(model=version.model, name=f"a{number}", version=version, actor=alice)

    with pytest.raises(Held) as caught:
        services.delete_run(run=raw, actor=alice)

    assert len(caught.value.extra["holds"]) == 5
    assert str(caught.value).endswith("and 2 more.")
