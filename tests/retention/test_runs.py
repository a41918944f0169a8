"""Runs into the bin, out of it, and gone: what goes, what stays, and what a late client is told."""

from uuid import uuid4

import pytest

from audit.models import AuditEvent
from retention.errors import Held, NotInBin
from retention.models import Tombstone
from tests.retention.conftest import store_file
from tracking import selectors, services
from tracking.errors import ExperimentDeleted, ExperimentPurged, RunDeleted, RunPurged
from tracking.metrics.points import make_points
from tracking.models import Artifact, Batch, Chunk, Param, Run, RunInput, Seal, Series, Tag, Upload, WriterPosition
from tracking.search import count_runs, search_runs

LOGGED = (Batch, Chunk, Series, Param, Tag, WriterPosition, Artifact, Upload, RunInput)


def batch(run, sequence=1):
    points = make_points([9], [9], [9.0])
    return services.write_batch(run=run, writer=uuid4(), sequence=sequence, metrics=[("late", points)])


def purged(run, actor, **options):
    services.delete_run(run=run, actor=actor)
    return services.purge_run(run=run, actor=actor, **options)


def test_a_purged_run_leaves_its_id_its_seal_and_who_purged_it_and_why(make_run, alice, run_jobs):
    run = make_run(description="secret plans")
    store_file(run, "model.bin", b"weights")
    kept = make_run()

    gone = purged(run, alice, reason="smoke test")
    run_jobs()

    assert (gone.lifecycle, gone.description, gone.status) == ("purged", "", "finished")
    assert {table: table.objects.filter(run=run).count() for table in LOGGED} == dict.fromkeys(LOGGED, 0)
    assert all(table.objects.filter(run=kept).exists() for table in (Series, Param, Tag))
    assert Run.objects.get(pk=run.pk).emptied_at is not None
    assert Seal.objects.filter(run=run).exists()
    stone = Tombstone.objects.get(kind="run", key=run.uuid.hex)
    event = AuditEvent.objects.get(action="run.purge")
    assert (stone.purged_by, stone.reason, stone.event_id) == ("alice", "smoke test", event.uuid)
    assert Seal.objects.get(run=run).digest in event.body


def test_purging_deleting_and_restoring_twice_are_one_act_each(make_run, alice, recorded_actions):
    run = make_run()

    for _ in range(2):
        services.delete_run(run=run, actor=alice)
    for _ in range(2):
        services.restore_run(run=run, actor=alice)
    for _ in range(2):
        services.archive_run(run=run, actor=alice)
    services.delete_run(run=run, actor=alice)
    for _ in range(2):
        services.purge_run(run=run, actor=alice)

    acts = [action for action in recorded_actions() if action.startswith("run.")][3:]
    assert acts == ["run.delete", "run.restore", "run.archive", "run.delete", "run.purge"]


def test_only_what_lies_in_the_bin_is_purged(make_run, alice, recorded_actions):
    run = make_run()
    before = recorded_actions()

    with pytest.raises(NotInBin, match="Delete it first"):
        services.purge_run(run=run, actor=alice)

    assert recorded_actions() == before


def test_a_run_in_the_bin_is_archived_by_nobody(make_run, alice):
    run = make_run()
    services.delete_run(run=run, actor=alice)

    with pytest.raises(RunDeleted):
        services.archive_run(run=run, actor=alice)


def test_a_client_that_still_logs_is_told_when_and_why_its_run_was_purged(make_run, alice, bob, project, run_jobs):
    """It keeps what it has, and makes no second run of the same id."""
    run = make_run(ended=False)
    purged(run, alice, reason="wrong data")
    run_jobs()

    for act in (
        lambda: batch(run),
        lambda: services.finish_run(run=run, status="finished", actor=alice),
        lambda: services.resume_run(run=run, actor=alice),
        lambda: services.set_tag(run=run, key="a", value="b"),
        lambda: services.update_run(run=run, name="x", actor=alice),
        lambda: store_file(run, "a", b"a"),
        lambda: services.create_run(project=project, experiment="churn", actor=alice, id=run.uuid),
        lambda: services.create_run(project=project, experiment="churn", actor=bob, id=run.uuid),
        lambda: services.create_run(project=project, experiment="churn", actor=alice, parent=run.uuid),
        lambda: services.restore_run(run=run, actor=alice),
        lambda: services.delete_run(run=run, actor=alice),
    ):
        with pytest.raises(RunPurged, match=r"purged on 20..-..-.. by alice: wrong data"):
            act()

    assert not Batch.objects.filter(run=run).exists()


def test_a_part_of_an_upload_that_comes_after_the_purge_finds_no_upload(make_run, alice, api, run_jobs):
    from tracking.services.artifacts import check_announced

    run = make_run()
    announced = check_announced(path="a", size=1, sha256="0" * 64, field="files")
    (wanted,) = services.announce_files(run=run, files=[announced])
    purged(run, alice)
    run_jobs()

    answer = api(alice).put(f"uploads/{wanted.upload.uuid}", data=b"a", content_type="application/octet-stream")

    assert answer.status_code == 404


def test_search_counts_and_lists_know_no_purged_run_and_the_bin_on_demand(make_run, alice, project):
    active, archived, binned, gone = (make_run() for _ in range(4))
    services.archive_run(run=archived, actor=alice)
    services.delete_run(run=binned, actor=alice)
    purged(gone, alice)

    def found(lifecycle):
        page = search_runs(project=project, filter="params.lr = 1", lifecycle=lifecycle)
        assert count_runs(project=project, lifecycle=lifecycle) == len(page.items)
        return {run.pk for run in page.items}

    assert found("active") == {active.pk}
    assert found("archived") == {archived.pk}
    assert found("deleted") == {binned.pk}
    assert found("all") == {active.pk, archived.pk, binned.pk}


def test_a_worker_that_rewrites_or_seals_a_purged_run_does_nothing(make_run, alice, run_jobs):
    run = make_run()
    batch(run)  # a late write: another seal is due
    seals = Seal.objects.filter(run=run).count()
    purged(run, alice)

    services.reseal_run(run_id=run.pk)
    run_jobs()
    services.compact_run(run_id=run.pk)

    assert Seal.objects.filter(run=run).count() == seals
    assert not Chunk.objects.filter(run=run).exists()


def test_a_killed_worker_leaves_rows_that_the_next_one_takes(make_run, alice, monkeypatch):
    from tracking.services import emptying

    run = make_run()
    purged(run, alice)
    tables, seen = emptying.SOURCES, []

    class Killed(BaseException):
        pass

    def drop(*arguments, real=emptying._drop_some):
        seen.append(arguments)
        if len(seen) == 4:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(emptying, "_drop_some", drop)
    with pytest.raises(Killed):
        services.empty_purged()
    assert Param.objects.filter(run=run).exists()
    assert not Series.objects.filter(run=run).exists()

    assert services.empty_purged() == 1
    assert not any(table.objects.filter(run=run).exists() for table, *_ in tables)
    assert services.empty_purged() == 0


def test_many_rows_go_a_bounded_number_at_a_time(make_run, alice, monkeypatch, django_assert_max_num_queries):
    from tracking.services import emptying

    run = make_run()
    services.write_batch(run=run, writer=uuid4(), sequence=1, params={f"p{n}": n for n in range(50)})
    purged(run, alice)
    monkeypatch.setattr(emptying, "SOURCES", tuple((table, column, 7) for table, column, _ in emptying.SOURCES))

    services.empty_purged()

    assert not Param.objects.filter(run=run).exists()


def test_a_trace_tells_of_a_purged_run_instead_of_breaking(make_run, derive, alice, project, run_jobs):
    from lineage.selectors import resolve, trace

    maker, reader = make_run(), make_run()
    derive(maker, reader)
    purged(maker, alice, reason="too old")
    run_jobs()

    graph = trace(starts=resolve(project, f"run:{reader.uuid.hex}"), visible_to=alice)

    (found,) = [node for node in graph.of_kind("run") if node.key == maker.uuid.hex]
    assert (found.label, found.about["purged"]["by"], found.about["purged"]["reason"]) == (
        maker.name,
        "alice",
        "too old",
    )


def test_children_outlive_their_parent(make_run, alice, project, run_jobs):
    parent = make_run()
    child = make_run(parent=parent.uuid)

    purged(parent, alice)
    run_jobs()

    assert selectors.get_run(project=project, id=child.uuid).parent.uuid == parent.uuid


def test_a_deleted_experiment_closes_its_runs_to_writes(make_run, alice):
    run = make_run()
    services.delete_experiment(experiment=run.experiment, actor=alice)

    with pytest.raises(ExperimentDeleted):
        batch(run)


def test_a_purged_experiment_takes_its_runs_along_and_frees_its_name(make_run, alice, project, run_jobs, monkeypatch):
    from tracking.services import emptying

    monkeypatch.setattr(emptying, "RUNS_AT_ONCE", 2)
    runs = [make_run() for _ in range(5)]
    services.archive_run(run=runs[0], actor=alice)
    old = runs[0].experiment
    services.delete_experiment(experiment=old, actor=alice)
    services.purge_experiment(experiment=old, actor=alice, reason="spring cleaning")
    services.purge_experiment(experiment=old, actor=alice)

    run_jobs()
    new = make_run()

    assert new.experiment_id != old.pk
    assert set(Run.objects.filter(experiment=old).values_list("lifecycle", flat=True)) == {"purged"}
    reasons = set(Tombstone.objects.filter(kind="run").values_list("reason", flat=True))
    assert reasons == {"with the experiment churn: spring cleaning"}
    assert AuditEvent.objects.filter(action="run.purge").count() == 5
    with pytest.raises(ExperimentPurged):
        services.restore_experiment(experiment=old, actor=alice)


def test_an_experiment_is_purged_from_the_bin_alone(make_run, alice):
    with pytest.raises(NotInBin):
        services.purge_experiment(experiment=make_run().experiment, actor=alice)


def test_an_experiment_is_held_by_any_of_its_runs(make_version, promote, alice):
    version = make_version()

    with pytest.raises(Held, match="churn v1 was registered from it"):
        services.delete_experiment(experiment=version.run.experiment, actor=alice)
