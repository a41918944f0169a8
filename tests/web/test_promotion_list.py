"""Promotions to look after: what lacks my word, what waits, what I asked for; and how far each came."""

import re

import pytest

from core.access import Role
from registry import services
from tests.registry.factories import new_version
from tests.web.history import ask
from tests.web.story import want_approval

pytestmark = pytest.mark.django_db

LIST = "/projects/default/promotions"


def shown(visitor, query):
    page = visitor.get(LIST + query).content.decode()
    return [int(number) for number in re.findall(r"version (\d+) to", page)]


@pytest.fixture
def waiting(project, alice, bob):
    """Bob asked for versions 1 and 2; both wait for an approver."""
    want_approval(project, alice)
    return [ask(project, new_version(project, bob, metrics={"auc": 0.9}), bob) for _ in range(2)]


def test_mine_are_those_that_lack_my_word(browser, bob, carol, waiting):
    assert shown(browser(carol), "?mine=1") == [2, 1]
    assert shown(browser(bob), "?mine=1") == []
    assert shown(browser(bob), "?by=me") == [2, 1]


def test_what_i_have_signed_is_no_longer_mine(browser, project, bob, make_member, set_two):
    """Two have to approve: after the first word it waits for somebody else."""
    promotion = ask(project, new_version(project, bob, metrics={"auc": 0.9}), bob)
    first, second = make_member("dan", Role.APPROVER), make_member("dora", Role.APPROVER)
    services.decide_promotion(promotion=promotion, decision="approve", reason="good", actor=first)

    assert shown(browser(first), "?mine=1") == []
    assert shown(browser(second), "?mine=1") == [1]


@pytest.fixture
def set_two(project, alice):
    from registry import selectors
    from registry.policies import parse_toml

    document = parse_toml(b'[[gate]]\nid = "two"\nkind = "approval"\ncount = 2\n')
    services.ensure_environments(project=project)
    revision, _ = services.put_policy(project=project, name="two", document=document, actor=alice)
    production = selectors.get_environment(project=project, name="production")
    services.set_environment_policy(environment=production, policy=revision.policy, reason="x", actor=alice)


def test_who_trained_the_version_is_not_asked_for_a_word(browser, project, alice, make_member, bob):
    want_approval(project, alice)
    dan = make_member("dan", Role.APPROVER)
    ask(project, new_version(project, dan, metrics={"auc": 0.9}), bob)

    assert shown(browser(dan), "?mine=1") == []


def test_a_contributor_is_asked_for_no_word(browser, make_member, waiting):
    assert shown(browser(make_member("eve", Role.CONTRIBUTOR)), "?mine=1") == []


@pytest.mark.parametrize(
    ("query", "numbers"),
    [("?state=waiting", [2, 1]), ("?state=refused", []), ("?model=other", []), ("?environment=staging", [])],
)
def test_filters_narrow_the_list(browser, carol, waiting, query, numbers):
    assert shown(browser(carol), query) == numbers


def test_a_word_of_mine_that_is_wanted_is_marked_in_every_list(browser, carol, waiting):
    assert browser(carol).get(LIST).content.decode().count("needs your word") == 2


def test_the_page_of_one_shows_its_stations(browser, carol, waiting):
    visitor = browser(carol)
    page = visitor.get(f"{LIST}/{waiting[0].uuid}").content.decode()
    steps = re.search(r'<ol class="steps".*?</ol>', page, re.DOTALL)[0]

    assert re.findall(r'<li class="(\w+)"><b>(\w+)', steps) == [
        ("ok", "Asked"), ("ok", "Gates"), ("info", "Approvals"), ("info", "Waiting"),
    ]  # fmt: skip
    assert "0 of 1 given" in steps

    services.decide_promotion(promotion=waiting[0], decision="refuse", reason="no", actor=carol)
    steps = re.search(
        r'<ol class="steps".*?</ol>', visitor.get(f"{LIST}/{waiting[0].uuid}").content.decode(), re.DOTALL
    )[0]
    assert '<li class="bad"><b>Decided</b> <span>refused' in steps


def test_the_list_costs_a_bounded_number_of_queries(
    browser, carol, project, bob, waiting, django_assert_max_num_queries
):
    for _ in range(10):
        ask(project, new_version(project, bob, metrics={"auc": 0.9}), bob)
    visitor = browser(carol)
    visitor.get(LIST)

    with django_assert_max_num_queries(18):
        visitor.get(LIST)
