"""Rollback: one call to the last good version, for the worst hour of the week."""

import pytest

from registry import selectors, services
from registry.errors import NothingToRollBackTo
from registry.result import result_document

pytestmark = pytest.mark.django_db

NEVER = '[[gate]]\nid = "never"\nkind = "metric"\nexpr = "1 > 2"\n'


@pytest.fixture
def roll_back(environment, carol):
    def call(model, **options):
        options = {"actor": carol, "reason": "errors at 3 am"} | options
        promotion, _ = services.roll_back(model=model, environment=environment("production"), **options)
        return promotion

    return call


@pytest.fixture
def three(make_version, promote):
    """Versions 1, 2 and 3, promoted in that order."""
    versions = [make_version() for _ in range(3)]
    for version in versions:
        promote(version)
    return versions


def test_it_returns_to_the_version_before(three, roll_back, holder, recorded_actions):
    promotion = roll_back(three[0].model)

    document = result_document(promotion)
    assert (document["kind"], document["decision"], document["version"]) == ("rollback", "promoted", 2)
    assert document["previous"]["version"] == 3
    assert holder(three[0].model) == 2
    assert recorded_actions()[-2:] == ["promotion.request", "promotion.commit"]


def test_twice_goes_two_steps_down_and_not_to_and_fro(three, roll_back, holder):
    roll_back(three[0].model)
    roll_back(three[0].model)

    assert holder(three[0].model) == 1
    with pytest.raises(NothingToRollBackTo):
        roll_back(three[0].model)


def test_version_that_came_back_is_good_again(three, roll_back, promote, make_version, holder):
    """2 was left for 1, then promoted anew: it is what a rollback from 4 returns to."""
    roll_back(three[0].model)
    roll_back(three[0].model)
    promote(three[1])
    promote(make_version())

    roll_back(three[0].model)

    assert holder(three[0].model) == 2


def test_versions_put_away_are_passed_over(three, roll_back, holder, alice):
    services.quarantine_version(version=three[1], reason="odd", actor=alice)

    roll_back(three[0].model)

    assert holder(three[0].model) == 1


def test_policy_does_not_stand_in_its_way(three, roll_back, set_policy, holder):
    """Gates let it through once; what failed at three in the morning is the new one."""
    set_policy(NEVER)

    assert roll_back(three[0].model).decision == "promoted"


def test_it_goes_only_where_the_slot_has_been(three, make_version, roll_back, holder):
    stranger = make_version()

    with pytest.raises(NothingToRollBackTo, match="never held"):
        roll_back(three[0].model, to=stranger.digest)
    assert roll_back(three[0].model, to=three[0].digest).decision == "promoted"
    assert holder(three[0].model) == 1


def test_same_key_again_does_not_roll_back_twice(three, roll_back, holder):
    first = roll_back(three[0].model, idempotency_key="night:1")
    again = roll_back(three[0].model, idempotency_key="night:1")

    assert again.pk == first.pk
    assert holder(three[0].model) == 2


def test_history_tells_promotions_and_rollbacks_apart(three, roll_back, environment):
    roll_back(three[0].model)

    history = selectors.slot_history(model=three[0].model, environment=environment("production"))

    assert [(past.kind, past.version.number) for past in history] == [
        ("rollback", 2),
        ("promotion", 3),
        ("promotion", 2),
        ("promotion", 1),
    ]
