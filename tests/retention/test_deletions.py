"""Acts on many things: the dry run tells exactly what the act does, and a worker that dies is followed by another."""

from dataclasses import replace

import pytest

from audit.models import AuditEvent
from core import clock
from core.access import NotAllowed, Role
from core.errors import Invalid, NotFound
from core.models import Job
from registry import services as registry
from registry.models import Model, ModelVersion
from registry.services import lifecycle
from retention import services as retention
from retention.errors import SelectionTooLarge
from retention.kinds import get_kind
from retention.models import Deletion, DeletionItem
from retention.plans import make_plan
from retention.services import deletions
from tests.retention.conftest import store_file
from tracking import services
from tracking.models import Run


@pytest.fixture
def plan(project, alice):
    """`plan("delete", query={"filter": …})`: of runs, as Alice."""

    def make(act, *, kind="run", actor=None, **options):
        return make_plan(project=project, kind=kind, act=act, principal=actor or alice, **options)

    return make


@pytest.fixture
def carry_out(project, alice):
    def ask(plan, actor=None, reason="tests"):
        deletion = retention.request_deletion(project=project, plan=plan, reason=reason, actor=actor or alice)
        deletion.refresh_from_db()
        return deletion

    return ask


def lifecycles():
    return sorted(Run.objects.values_list("lifecycle", flat=True))


def test_a_dry_run_lists_what_goes_with_its_size_and_what_is_held_by_what(
    make_run, make_version, promote, plan, recorded_actions
):
    run = make_run(loss=9.0)
    store_file(run, "model.bin", b"1234567890")
    version = make_version(run=make_run(loss=8.0))
    promote(version)
    make_run(loss=0.1)
    before = recorded_actions()

    made = plan("delete", query={"filter": "metrics.loss > 3"})

    assert [(each.item.key, each.outcome) for each in made.entries] == [
        (run.uuid.hex, "done"),
        (version.run.uuid.hex, "held"),
    ]
    assert made.entries[0].item.points == 2
    assert made.entries[0].item.bytes > 10
    assert made.entries[1].whys == ["churn v1 was registered from it", "churn v1 holds dev"]
    assert recorded_actions() == before
    assert lifecycles() == ["active"] * 3


def test_the_act_does_what_its_dry_run_said(make_run, make_version, plan, carry_out):
    gone = [make_run(loss=9.0) for _ in range(3)]
    make_version(run=make_run(loss=9.0))
    kept = make_run(loss=0.1)
    made = plan("delete", query={"filter": "metrics.loss > 3 AND tags.team = 'risk'"})

    deletion = carry_out(made, reason="smoke")

    assert (deletion.state, deletion.total, deletion.done, deletion.held) == ("done", 4, 3, 1)
    assert set(Run.objects.filter(lifecycle="deleted")) == set(gone)
    assert kept not in set(gone)
    held = DeletionItem.objects.get(deletion=deletion, outcome="held")
    assert "churn v1 was registered from it" in held.detail
    events = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert events.count("run.delete") == 3
    assert events.index("deletion.request") < events.index("run.delete") < events.index("deletion.finish")


def test_the_same_act_again_changes_nothing(make_run, plan, carry_out, recorded_actions):
    ids = [make_run().uuid.hex for _ in range(2)]
    carry_out(plan("delete", ids=ids))
    again = carry_out(plan("delete", ids=ids))

    assert (again.unchanged, again.done) == (2, 0)
    assert recorded_actions().count("run.delete") == 2


def test_a_filter_finds_the_bin_to_purge_and_the_living_to_delete(make_run, plan, carry_out):
    for _ in range(2):
        make_run()
    everything = {"filter": "params.lr = 1"}

    assert carry_out(plan("archive", query=everything)).done == 2
    assert plan("delete", query=everything).entries == []
    assert carry_out(plan("delete", query={**everything, "lifecycle": "archived"})).done == 2
    assert carry_out(plan("restore", query=everything)).done == 2
    assert carry_out(plan("delete", query=everything)).done == 2
    assert carry_out(plan("purge", query=everything)).done == 2
    assert plan("restore", query={**everything, "lifecycle": "all"}).entries == []
    assert lifecycles() == ["purged", "purged"]


def test_what_is_not_in_the_bin_is_not_purged(make_run, plan, carry_out):
    run = make_run()
    made = plan("purge", ids=[run.uuid.hex])
    assert [(each.outcome, each.whys) for each in made.entries] == [("failed", ["it is not deleted yet"])]

    deletion = carry_out(made)

    assert (deletion.failed, lifecycles()) == (1, ["active"])
    assert "Delete it first" in DeletionItem.objects.get(deletion=deletion).detail


def test_a_hold_that_comes_after_the_plan_still_holds(make_run, plan, carry_out, project, alice):
    run = make_run()
    made = plan("delete", ids=[run.uuid.hex])
    retention.add_hold(project=project, kind="run", name=run.uuid.hex, reason="late", actor=alice)

    assert carry_out(made).held == 1
    assert lifecycles() == ["active"]


def test_a_large_selection_is_left_to_a_worker_and_can_be_followed(make_run, plan, carry_out, monkeypatch, run_jobs):
    monkeypatch.setattr(deletions, "AT_ONCE", 3)
    monkeypatch.setattr(deletions, "STEP", 2)
    ids = [make_run().uuid.hex for _ in range(5)]

    deletion = carry_out(plan("delete", ids=ids))
    assert (deletion.state, deletion.done) == ("running", 0)

    run_jobs()
    deletion.refresh_from_db()
    assert (deletion.state, deletion.done) == ("done", 5)


@pytest.mark.parametrize("act", ["delete", "purge"])
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on(
    act, make_run, plan, carry_out, monkeypatch, alice, recorded_actions
):
    """Each step is whole or not at all, with its events; nothing is done twice."""
    runs = [make_run() for _ in range(6)]
    if act == "purge":
        for run in runs:
            services.delete_run(run=run, actor=alice)
    monkeypatch.setattr(deletions, "AT_ONCE", 0)
    monkeypatch.setattr(deletions, "STEP", 2)
    deletion = carry_out(plan(act, ids=[run.uuid.hex for run in runs]))
    calls, real = [], deletions._do

    class Killed(BaseException):
        pass

    def die_at_the_fourth(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(deletions, "_do", die_at_the_fourth)
    with pytest.raises(Killed):
        retention.advance_deletion(deletion_id=deletion.pk)
    after = {"delete": "deleted", "purge": "purged"}[act]
    deletion.refresh_from_db()
    assert (deletion.done, lifecycles().count(after), recorded_actions().count(f"run.{act}")) == (2, 2, 2)

    for _ in range(2):
        retention.advance_deletion(deletion_id=deletion.pk)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.done, lifecycles()) == ("done", 6, [after] * 6)
    assert recorded_actions().count(f"run.{act}") == 6
    assert recorded_actions().count("deletion.finish") == 1


def test_a_deletion_that_its_worker_gave_up_is_gone_on_with(make_run, plan, carry_out, monkeypatch, run_jobs):
    monkeypatch.setattr(deletions, "AT_ONCE", 0)
    deletion = carry_out(plan("delete", ids=[make_run().uuid.hex]))
    assert retention.resume_deletions() == 0  # its job waits
    Job.objects.filter(name="retention.advance_deletion").update(failed_at=clock.now())

    assert (retention.resume_deletions(), retention.resume_deletions()) == (1, 0)
    run_jobs()

    deletion.refresh_from_db()
    assert (deletion.state, deletion.done) == ("done", 1)
    assert retention.resume_deletions() == 0


def test_a_cancelled_deletion_leaves_the_rest_alone(make_run, plan, carry_out, monkeypatch, alice, recorded_actions):
    monkeypatch.setattr(deletions, "AT_ONCE", 0)
    monkeypatch.setattr(deletions, "STEP", 1)
    deletion = carry_out(plan("delete", ids=[make_run().uuid.hex for _ in range(3)]))
    deletions._step(deletion.pk)

    for _ in range(2):
        retention.cancel_deletion(deletion=deletion, actor=alice)
    retention.advance_deletion(deletion_id=deletion.pk)

    assert lifecycles() == ["active", "active", "deleted"]
    assert recorded_actions().count("deletion.cancel") == 1


def test_a_contributor_puts_own_runs_away_and_nobody_elses(make_run, plan, bob, alice):
    own, other = make_run(actor=bob), make_run(actor=alice)

    assert plan("delete", actor=bob, ids=[own.uuid.hex]).going
    for ids in ([other.uuid.hex], [own.uuid.hex, other.uuid.hex]):
        with pytest.raises(NotAllowed, match=r"run\.delete"):
            plan("delete", actor=bob, ids=ids)


def test_a_purge_is_an_administrators(make_run, plan, bob, make_member):
    run = make_run(actor=bob)
    services.delete_run(run=run, actor=bob)

    for actor in (bob, make_member("mia", Role.MAINTAINER)):
        with pytest.raises(NotAllowed, match=r"project\.purge"):
            plan("purge", actor=actor, ids=[run.uuid.hex])


def test_nothing_of_a_strangers_project_is_selected(make_run, make_project, plan):
    other = make_run(of=make_project("fraud"))

    with pytest.raises(NotFound):
        plan("delete", ids=[other.uuid.hex])
    assert plan("delete", query={"filter": ""}).entries == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "either ids, or a filter"),
        ({"ids": ["0" * 32], "query": {"filter": ""}}, "either ids, or a filter"),
        ({"kind": "model", "query": {"filter": ""}}, "not found by a filter"),
        ({"kind": "model", "act": "archive", "ids": ["churn"]}, "no act 'archive'"),
        ({"kind": "dataset", "ids": ["x"]}, "none of experiment, model"),
        ({"query": {"filter": "metrics.loss >"}}, "filter"),
    ],
    ids=["nothing", "both", "filter of models", "act of models", "kind", "filter"],
)
def test_what_cannot_be_selected_is_refused_with_what_was_expected(plan, options, said):
    with pytest.raises(Invalid) as caught:
        plan(options.pop("act", "delete"), **options)
    assert said in str(caught.value) or said in str(caught.value.extra)


def test_too_many_at_once_are_refused(make_run, plan, monkeypatch):
    from retention import plans

    monkeypatch.setattr(plans, "MOST_SELECTED", 1)
    for _ in range(2):
        make_run()

    with pytest.raises(SelectionTooLarge, match="narrow the filter"):
        plan("delete", query={"filter": ""})


def test_versions_models_and_experiments_are_put_away_likewise(make_version, make_run, plan, carry_out):
    for _ in range(3):
        make_version()
    make_run("old")

    assert carry_out(plan("delete", kind="model_version", ids=["churn/1", "churn/2"])).done == 2
    assert carry_out(plan("purge", kind="model_version", ids=["churn/1"])).done == 1
    assert carry_out(plan("restore", kind="model_version", ids=["churn/2"])).done == 1
    assert carry_out(plan("delete", kind="model", ids=["churn"])).done == 1
    assert carry_out(plan("purge", kind="model", ids=["churn"])).done == 1
    assert carry_out(plan("delete", kind="experiment", ids=["old"])).done == 1
    assert carry_out(plan("purge", kind="experiment", ids=["old"])).done == 1


def test_the_bin_lets_go_after_its_days_and_of_nothing_held(
    make_run, make_version, derive, promote, alice, later, settings, run_jobs
):
    settings.BIN_DAYS = 30
    expired, version = make_run(), make_version()
    services.delete_run(run=expired, actor=alice)
    registry.delete_version(version=version, actor=alice)
    services.delete_run(run=version.run, actor=alice)
    later(29 * 24 * 3600)
    fresh = make_run()
    services.delete_run(run=fresh, actor=alice)
    assert retention.empty_bins() == 0

    later(2 * 24 * 3600)
    assert retention.empty_bins() == 3  # the version goes before the run that it is of
    assert retention.empty_bins() == 0

    assert dict(Run.objects.values_list("pk", "lifecycle")) == {
        expired.pk: "purged",
        version.run.pk: "purged",
        fresh.pk: "deleted",
    }
    assert set(Deletion.objects.values_list("reason", flat=True)) == {"in the bin for 30 days"}


def test_naming_many_versions_costs_as_much_as_naming_one(make_run, make_version, project, django_assert_num_queries):
    run = make_run()
    versions = [make_version(run=run, content=b"%d" % number) for number in range(5)]
    names = [f"churn/{version.number}" for version in versions]
    kind, model = get_kind("model_version"), versions[0].model

    with django_assert_num_queries(2):
        assert kind.resolve(project, names) == [version.uuid.hex for version in versions]
    with django_assert_num_queries(3):
        assert kind.resolve(project, ["churn/2", "churn/02", f"churn@{versions[0].digest}"]) == [
            versions[1].uuid.hex,
            versions[0].uuid.hex,
        ]
    with django_assert_num_queries(1):
        assert get_kind("model").resolve(project, ["churn", "churn"]) == [model.uuid.hex]
    for missing in ("churn/9", "churn/x", "fraud/1", "churn@sha256:" + "0" * 64, "churn"):
        with pytest.raises(NotFound):
            kind.resolve(project, ["churn/1", missing])


def test_what_is_held_in_the_bin_hides_nothing_behind_it(make_run, alice, project, later, monkeypatch):
    monkeypatch.setattr(deletions, "EXPIRED_AT_ONCE", 2)
    runs = [make_run() for _ in range(6)]
    for run in runs:
        services.delete_run(run=run, actor=alice)
    for run in runs[:4]:
        retention.add_hold(project=project, kind="run", name=run.uuid.hex, reason="lawsuit", actor=alice)
    later(31 * 24 * 3600)

    assert retention.empty_bins() == 2

    assert [run.lifecycle for run in Run.objects.order_by("pk")] == ["deleted"] * 4 + ["purged"] * 2


def test_a_model_of_very_many_versions_leaves_the_bin_after_them(make_version, alice, later, monkeypatch):
    monkeypatch.setattr(lifecycle, "VERSIONS_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "EXPIRED_AT_ONCE", 2)
    versions = [make_version() for _ in range(3)]
    registry.delete_version(version=versions[1], actor=alice)
    later(5 * 24 * 3600)
    registry.delete_model(model=versions[0].model, actor=alice)
    later(27 * 24 * 3600)
    assert retention.empty_bins() == 1  # the one that was deleted by itself

    later(5 * 24 * 3600)
    assert retention.empty_bins() == 3

    assert not ModelVersion.objects.filter(purged_at=None).exists()
    assert not Model.objects.filter(purged_at=None).exists()
    assert not Deletion.objects.filter(failed__gt=0).exists()


def test_a_bin_without_days_keeps_everything(make_run, alice, later, settings):
    settings.BIN_DAYS = 0
    services.delete_run(run=make_run(), actor=alice)
    later(400 * 24 * 3600)

    assert retention.empty_bins() == 0


def test_runs_deleted_by_an_earlier_release_get_their_days_from_now(make_run, alice, later):
    run = make_run()
    services.delete_run(run=run, actor=alice)
    Run.objects.update(deleted_at=None)

    services.empty_purged()
    later(31 * 24 * 3600)

    assert retention.empty_bins() == 1


def test_whoever_asked_is_named_by_the_ledger_when_a_worker_acts(
    make_run, plan, carry_out, monkeypatch, run_jobs, alice
):
    monkeypatch.setattr(deletions, "AT_ONCE", 0)
    person = replace(alice, auth_method="api_token")
    carry_out(plan("delete", ids=[make_run().uuid.hex]), actor=person)
    run_jobs()

    body = AuditEvent.objects.get(action="run.delete").body
    assert str(alice.id) in body
    assert '"method":"api_token"' in body
