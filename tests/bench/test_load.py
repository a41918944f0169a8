"""The load of all users at once, for a few seconds: nothing fails and no point is lost."""

import os

import pytest

from bench.load.command import Load, put_on, sheet_of


@pytest.mark.slow
@pytest.mark.django_db  # for the choice of the database alone: the load's server has its own
def test_users_at_once_find_what_they_logged():
    load = Load(users=8, seconds=10, database=os.environ["LINEAL_TEST_DATABASE"])

    outcome = put_on(load)

    assert outcome.failures == []
    assert outcome.points > 0
    kinds = {kind["name"]: kind["count"] for kind in outcome.met["kinds"]}
    assert {"log batch", "finish run", "register version", "page: runs"} <= set(kinds)
    assert f"{outcome.points:,} points" in sheet_of(load, outcome, "a machine").note
