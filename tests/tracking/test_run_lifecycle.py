"""Ended, resumed, archived, deleted, restored: each act once, on the ledger, and writes obey it."""

import pytest

from core.errors import Invalid
from tracking import services
from tracking.errors import RunDeleted
from tracking.models import Run, Seal


def test_finishing_ends_and_seals(make_run, alice, recorded_actions):
    run = services.finish_run(run=make_run(), status="failed", actor=alice)

    assert (run.status, run.sealed) == ("failed", True)
    assert run.ended_at is not None
    assert Seal.objects.get(run=run).number == 1
    assert recorded_actions()[-2:] == ["run.finish", "run.seal"]


def test_the_same_end_again_changes_nothing(make_run, alice, recorded_actions):
    run = services.finish_run(run=make_run(), status="finished", actor=alice)
    before = recorded_actions()

    again = services.finish_run(run=run, status="finished", actor=alice)

    assert again.ended_at == run.ended_at
    assert Seal.objects.count() == 1
    assert recorded_actions() == before


def test_another_end_is_a_correction_and_sealed_anew(make_run, alice):
    run = services.finish_run(run=make_run(), status="finished", actor=alice)

    corrected = services.finish_run(run=run, status="killed", actor=alice)

    assert (corrected.status, corrected.ended_at) == ("killed", run.ended_at)
    first, second = Seal.objects.order_by("number")
    assert first.digest != second.digest


def test_a_resumed_run_is_unsealed_until_its_next_end(make_run, alice, write, recorded_actions):
    run = services.finish_run(run=make_run(), status="finished", actor=alice)

    resumed = services.resume_run(run=run, actor=alice)
    write(resumed, loss=[1.0])
    services.resume_run(run=resumed, actor=alice)

    assert (resumed.status, resumed.sealed, resumed.ended_at) == ("running", False, None)
    assert recorded_actions().count("run.resume") == 1
    services.finish_run(run=resumed, status="finished", actor=alice)
    assert list(Seal.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    ("act", "lifecycle", "action"),
    [
        (services.archive_run, "archived", "run.archive"),
        (services.delete_run, "deleted", "run.delete"),
    ],
)
def test_a_run_put_away_comes_back(make_run, alice, recorded_actions, act, lifecycle, action):
    run = make_run()

    act(run=run, actor=alice)
    act(run=run, actor=alice)

    assert Run.objects.get(pk=run.pk).lifecycle == lifecycle
    assert recorded_actions().count(action) == 1
    services.restore_run(run=run, actor=alice)
    assert Run.objects.get(pk=run.pk).lifecycle == "active"
    assert recorded_actions()[-1] == "run.restore"


def test_a_deleted_run_refuses_every_write(make_run, alice, write, recorded_actions):
    run = make_run(params={"lr": 1})
    services.delete_run(run=run, actor=alice)
    before = recorded_actions()

    for act in (
        lambda: write(run, loss=[1.0]),
        lambda: services.set_tag(run=run, key="a", value="b"),
        lambda: services.delete_tag(run=run, key="a"),
        lambda: services.correct_param(run=run, key="lr", value=2, actor=alice, reason="typo"),
        lambda: services.update_run(run=run, actor=alice, name="new"),
        lambda: services.finish_run(run=run, status="finished", actor=alice),
        lambda: services.resume_run(run=run, actor=alice),
        lambda: services.announce_files(run=run, files=[]),
        lambda: services.record_datasets(run=run, uses=[], direction=services.Direction.INPUT),
    ):
        with pytest.raises(RunDeleted):
            act()

    assert recorded_actions() == before


def test_renaming_keeps_what_was_before(make_run, alice, recorded_actions):
    run = make_run(name="old")

    services.update_run(run=run, actor=alice, name="new", description="better")
    services.update_run(run=run, actor=alice, name="new")

    changed = Run.objects.get(pk=run.pk)
    assert (changed.name, changed.description) == ("new", "better")
    assert recorded_actions().count("run.update") == 1
    with pytest.raises(Invalid):
        services.update_run(run=run, actor=alice, name="")
