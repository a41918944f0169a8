"""Params are written once and corrected on the record; tags change as they like."""

import pytest

from audit.models import AuditEvent
from core.errors import Invalid
from tracking import selectors, services
from tracking.errors import ParamNotFound, TagNotFound
from tracking.limits import RUN_PARAMS, RUN_TAGS
from tracking.models import Param, Run, Tag


def params_of(run):
    return selectors.run_rows([run])[0].params


def tags_of(run):
    return selectors.run_rows([run])[0].tags


def test_params_keep_their_types(make_run, write):
    run = make_run()
    given = {"text": "a", "whole": 3, "real": 0.5, "flag": True, "nothing": None, "digits": "007"}

    write(run, params=given)

    assert params_of(run) == given


def test_the_same_value_again_is_fine_and_another_is_refused(make_run, write):
    run = make_run(params={"lr": 0.1})

    assert write(run, params={"lr": 0.1}).rejected == []
    (refused,) = write(run, params={"lr": 0.2}).rejected

    assert (refused.kind, refused.key, refused.stored, refused.given) == ("param", "lr", 0.1, 0.2)
    assert params_of(run) == {"lr": 0.1}


def test_a_correction_stands_on_the_ledger_with_both_values(make_run, alice):
    run = make_run(params={"lr": 0.1})

    services.correct_param(run=run, key="lr", value=0.01, actor=alice, reason="wrong config file")

    assert params_of(run) == {"lr": 0.01}
    event = AuditEvent.objects.get(action="param.correct")
    assert '"lr":"0.1"' in event.body
    assert '"lr":"0.01"' in event.body


def test_a_correction_to_the_same_value_is_none(make_run, alice, recorded_actions):
    run = make_run(params={"lr": 0.1})
    before = recorded_actions()

    services.correct_param(run=run, key="lr", value=0.1, actor=alice, reason="sure?")

    assert recorded_actions() == before


def test_a_correction_of_an_ended_run_unseals_it(make_run, alice):
    run = services.finish_run(run=make_run(params={"lr": 0.1}), status="finished", actor=alice)

    services.correct_param(run=run, key="lr", value=0.2, actor=alice, reason="typo")

    assert not Run.objects.get(pk=run.pk).sealed


def test_what_is_not_there_cannot_be_corrected(make_run, alice):
    with pytest.raises(ParamNotFound):
        services.correct_param(run=make_run(), key="lr", value=1, actor=alice, reason="typo")
    with pytest.raises(Invalid):
        services.correct_param(
            run=make_run(params={"lr": 1}), key="lr", value="x" * 6_001, actor=alice, reason="too much"
        )


def test_a_run_has_room_for_so_many_params(make_run, write):
    run = make_run()
    fill = [
        Param(run=run, experiment=run.experiment, key=f"p{i}", value="1", head="1", kind="i", number=1)
        for i in range(RUN_PARAMS - 1)
    ]
    Param.objects.bulk_create(fill)

    outcome = write(run, params={"p0": 1, "one": 1, "more": 1})

    assert [(each.kind, each.key) for each in outcome.rejected] == [("param", "more")]
    assert Param.objects.filter(run=run).count() == RUN_PARAMS


def test_tags_change_and_go(make_run, write):
    run = make_run(tags={"a": "1", "b": "2"})

    write(run, tags={"a": "changed", "b": None, "c": "", "never": None})
    services.set_tag(run=run, key="d/e f", value="x")

    assert tags_of(run) == {"a": "changed", "c": "", "d/e f": "x"}
    services.delete_tag(run=run, key="a")
    with pytest.raises(TagNotFound):
        services.delete_tag(run=run, key="a")


def test_a_tag_that_cannot_be_stored_leaves_the_old_one(make_run):
    run = make_run(tags={"a": "1"})

    with pytest.raises(Invalid):
        services.set_tag(run=run, key="a", value="x" * 8_001)

    assert tags_of(run) == {"a": "1"}


def test_a_run_has_room_for_so_many_tags(make_run, write):
    run = make_run()
    Tag.objects.bulk_create(
        Tag(run=run, experiment=run.experiment, key=f"t{i}", value="1", head="1") for i in range(RUN_TAGS - 1)
    )

    outcome = write(run, tags={"t0": "again", "one": "1", "more": "1"})

    assert [each.key for each in outcome.rejected] == ["more"]
    assert Tag.objects.get(run=run, key="t0").value == "again"


def test_tags_over_rest(api, bob, make_run):
    run = make_run()
    client = api(bob)
    path = f"runs/{run.uuid.hex}/tags/team/of two"

    assert client.put(path, json={"value": "risk"}).status_code == 204
    assert tags_of(run) == {"team/of two": "risk"}
    assert client.put(path, json={"value": 1, "extra": 2}).status_code == 422
    assert client.delete(path).status_code == 204
    assert client.delete(path).json()["type"] == "/problems/tag-not-found"


def test_a_correction_of_anothers_run_needs_more_than_writing(api, bob, make_run):
    run = make_run(params={"lr": 0.1})

    refused = api(bob).post(f"runs/{run.uuid.hex}/params/lr/corrections", json={"value": 1, "reason": "mine"})

    assert refused.status_code == 403
    assert params_of(run) == {"lr": 0.1}
