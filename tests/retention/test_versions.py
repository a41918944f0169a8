"""Versions and models into the bin, out of it, and gone; what history keeps saying of them."""

import pytest

from audit.models import AuditEvent
from core.errors import Conflict
from registry import selectors
from registry import services as registry
from registry.errors import ModelDeleted, ModelPurged, VersionBarred, VersionDeleted, VersionPurged
from registry.models import ManifestFile, Model
from registry.services.lifecycle import RunAway
from retention.errors import Held, NotInBin
from retention.models import Tombstone
from tests.retention.conftest import register_again
from tracking import services


def purged(version, actor, **options):
    registry.delete_version(version=version, actor=actor)
    return registry.purge_version(version=version, actor=actor, **options)


def test_a_deleted_version_is_in_no_list_and_goes_nowhere_until_it_is_restored(make_version, promote, alice):
    version = make_version()
    registry.delete_version(version=version, actor=alice)
    model = version.model

    assert list(selectors.list_versions(model=model)) == []
    assert [each.number for each in selectors.list_versions(model=model, deleted=True)] == [1]
    promotion = promote(version)
    assert (promotion.decision, promotion.detail) == ("frozen", "churn v1 is deleted.")
    with pytest.raises(VersionBarred):
        registry.set_alias(model=model, name="best", version=version, actor=alice)
    for act in (
        lambda: registry.update_version(version=version, changes={"description": "x"}, actor=alice),
        lambda: registry.retire_version(version=version, reason="x", actor=alice),
        lambda: registry.quarantine_version(version=version, reason="x", actor=alice),
        lambda: register_again(model, version.run, alice),
    ):
        with pytest.raises(VersionDeleted):
            act()

    restored = registry.restore_version(version=version, actor=alice)
    assert (restored.standing, promote(restored).decision) == ("verified", "promoted")


def test_a_purged_version_leaves_number_digest_seal_and_who_purged_it_and_why(make_version, alice):
    version = make_version()
    registry.update_version(version=version, changes={"card": {"owner": "Eve"}, "tags": {"a": "b"}}, actor=alice)

    gone = purged(version, alice, reason="trained on the wrong table")

    assert (gone.number, gone.digest, gone.seal, gone.run) == (1, version.digest, version.seal, version.run)
    assert (gone.standing, gone.is_barred, gone.card, gone.tags) == ("purged", True, None, {})
    assert not ManifestFile.objects.filter(version=version).exists()
    stone = Tombstone.objects.get(kind="model_version")
    assert (stone.label, stone.purged_by, stone.reason) == ("churn v1", "alice", "trained on the wrong table")
    event = AuditEvent.objects.get(action="model_version.purge")
    assert event.target_version == version.digest


def test_deleting_and_purging_a_version_twice_is_one_act_each(make_version, alice, recorded_actions):
    version = make_version()
    for _ in range(2):
        registry.delete_version(version=version, actor=alice)
    for _ in range(2):
        registry.purge_version(version=version, actor=alice)

    acts = [action for action in recorded_actions() if action in {"model_version.delete", "model_version.purge"}]
    assert acts == ["model_version.delete", "model_version.purge"]


def test_history_of_a_purged_version_can_still_be_read(make_version, promote, alice, project, run_jobs):
    from audit.testing import sequence_now

    first, second = make_version(), make_version()
    promotion = promote(first)
    sequence_now()
    run_jobs()
    promote(second)
    purged(first, alice)

    held = selectors.slot_history(model=first.model, environment=promotion.environment)
    assert [change.version.number for change in held] == [2, 1]
    assert selectors.get_promotion(project=project, uuid=promotion.uuid).version.digest == first.digest
    assert selectors.get_version(model=first.model, ref=1).purged_at is not None
    assert selectors.get_version(model=first.model, ref=first.digest).number == 1


def test_a_number_is_never_used_again(make_version, alice):
    purged(make_version(), alice)

    assert make_version().number == 2


def test_the_same_bytes_of_the_same_run_are_another_version_after_a_purge(make_version, alice):
    version = make_version()
    purged(version, alice)

    again, files = register_again(version.model, version.run, alice)

    assert (len(files), again.number, again.digest) == (1, 2, version.digest)


def test_a_version_comes_back_after_its_run_and_not_before(make_version, alice):
    version = make_version()
    registry.delete_version(version=version, actor=alice)
    services.delete_run(run=version.run, actor=alice)

    with pytest.raises(RunAway, match="restore it first"):
        registry.restore_version(version=version, actor=alice)
    services.restore_run(run=version.run, actor=alice)
    assert not registry.restore_version(version=version, actor=alice).is_deleted


def test_neither_a_version_nor_its_model_comes_back_before_the_experiment_of_its_run(make_version, alice):
    single, other = make_version(), make_version(model="fraud")
    registry.delete_version(version=single, actor=alice)
    registry.delete_model(model=other.model, actor=alice)
    services.delete_experiment(experiment=single.run.experiment, actor=alice)

    with pytest.raises(RunAway, match="experiment 'churn' is deleted; restore it first"):
        registry.restore_version(version=single, actor=alice)
    with pytest.raises(RunAway, match="experiment 'churn' is deleted; restore it first"):
        registry.restore_model(model=other.model, actor=alice)
    services.restore_experiment(experiment=single.run.experiment, actor=alice)
    assert not registry.restore_version(version=single, actor=alice).is_deleted
    assert registry.restore_model(model=other.model, actor=alice).deleted_at is None


def test_a_version_is_purged_from_the_bin_alone_and_never_comes_back(make_version, alice):
    version = make_version()
    with pytest.raises(NotInBin):
        registry.purge_version(version=version, actor=alice)
    purged(version, alice, reason="old")

    with pytest.raises(VersionPurged, match="by alice: old"):
        registry.restore_version(version=version, actor=alice)


def test_a_model_takes_its_versions_into_the_bin_and_back(make_version, promote, alice, project):
    version, other = make_version(), make_version()
    registry.delete_version(version=other, actor=alice)
    registry.delete_model(model=version.model, actor=alice)
    version.refresh_from_db()

    assert list(selectors.list_models(project=project)) == []
    assert list(selectors.list_models(project=project, deleted=True)) == [version.model]
    assert version.is_deleted
    assert promote(version).decision == "frozen"
    with pytest.raises(ModelDeleted):
        register_again(version.model, other.run, alice)

    registry.restore_model(model=version.model, actor=alice)
    assert [each.number for each in selectors.list_versions(model=Model.objects.get())] == [1]


def test_a_model_with_a_live_version_is_held(make_version, promote, alice):
    version = make_version()
    promote(version)

    with pytest.raises(Held, match="churn v1 holds dev"):
        registry.delete_model(model=version.model, actor=alice)


def test_a_purged_model_begins_again_after_its_last_number(make_version, alice, project):
    """Two things called churn v1 would make the ledger ambiguous."""
    first = make_version()
    registry.delete_model(model=first.model, actor=alice)
    registry.purge_model(model=first.model, actor=alice, reason="renamed")
    first.refresh_from_db()
    assert first.purged_at is not None
    with pytest.raises(ModelPurged):
        registry.restore_model(model=first.model, actor=alice)

    second = make_version()
    assert second.number == 2
    registry.delete_model(model=second.model, actor=alice)
    registry.purge_model(model=second.model, actor=alice, reason="again")

    assert Tombstone.objects.get(kind="model").reason == "again"
    assert Tombstone.objects.filter(kind="model_version").count() == 2


def test_a_model_does_not_come_back_without_the_runs_of_its_versions(make_version, alice):
    version = make_version()
    registry.delete_model(model=version.model, actor=alice)
    services.delete_run(run=version.run, actor=alice)

    with pytest.raises(RunAway):
        registry.restore_model(model=version.model, actor=alice)


def test_a_model_of_too_many_versions_asks_to_have_them_purged_first(make_version, alice, monkeypatch):
    from registry.services import lifecycle

    monkeypatch.setattr(lifecycle, "VERSIONS_AT_ONCE", 1)
    model = make_version().model
    make_version()
    registry.delete_model(model=model, actor=alice)

    with pytest.raises(Conflict, match="2 versions; purge them first"):
        registry.purge_model(model=model, actor=alice)


def test_a_version_is_not_made_of_a_run_that_was_put_away(make_run, make_version, alice):
    from tests.retention.conftest import store_file
    from tracking.errors import ExperimentDeleted, RunDeleted, RunPurged

    model = make_version().model
    run = make_run("other")
    store_file(run, "model.bin", b"w")

    def register():
        register_again(model, run, alice)

    services.delete_experiment(experiment=run.experiment, actor=alice)
    with pytest.raises(ExperimentDeleted):
        register()
    services.restore_experiment(experiment=run.experiment, actor=alice)
    services.delete_run(run=run, actor=alice)
    with pytest.raises(RunDeleted):
        register()
    services.purge_run(run=run, actor=alice)
    with pytest.raises(RunPurged):
        register()


def test_the_line_of_a_purged_version_says_so(make_version, alice, project):
    from lineage.selectors import impact, resolve

    version = make_version()
    purged(version, alice, reason="old")

    graph = impact(starts=resolve(project, f"run:{version.run.uuid.hex}"), visible_to=alice)

    (node,) = graph.of_kind("model_version")
    assert (node.label, node.about["purged"]["reason"]) == ("churn v1", "old")
