"""The record of a version for paper: whole, escaped, and only for members of the project."""

import pytest

from audit.models import AuditLeaf
from registry import services as registry
from tests.web.story import EVIL
from tests.web.test_pages import Inspector

pytestmark = pytest.mark.django_db

PAGE = "/projects/default/models/fraud/versions/1/record"


def words(answer):
    return " ".join("".join(Inspector(answer.content.decode()).words).split())


def test_it_holds_all_that_is_known(browser, alice, carol, story, sequence):
    registry.decide_promotion(
        promotion=story.promotion, decision="approve", reason="looked at it twice", actor=carol, digest=None
    )
    sequence()
    said = words(browser(alice).get(PAGE))

    assert story.version.digest in said  # identity
    assert story.run.uuid.hex in said
    assert "model.bin" in said  # manifest
    assert "auc" in said
    assert "0.9" in said
    assert "four-eyes" in said
    assert "auc >= 0.5" in said
    assert "looked at it twice" in said  # approvals
    assert story.deployment.image_digest in said
    assert "approved the promotion fraud v1 to production" in said  # ledger
    assert "Signed" in said
    assert "over the first" in said


def test_its_entries_are_numbered_as_in_the_ledger_oldest_first(browser, alice, story, sequence):
    sequence()
    html = browser(alice).get(PAGE).content.decode()
    first = AuditLeaf.objects.get(event__action="model_version.register").seq
    later = AuditLeaf.objects.get(event__action="promotion.request").seq

    assert html.index(f">{first}</a></th>") < html.index(f">{later}</a></th>")


def test_it_is_made_before_anything_is_signed_and_says_so(browser, alice, story):
    assert "No checkpoint is signed yet" in words(browser(alice).get(PAGE))


def test_nothing_logged_acts_in_it(browser, alice, story):
    answer = browser(alice).get(PAGE)

    assert Inspector(answer.content.decode()).faults == []
    assert EVIL in "".join(Inspector(answer.content.decode()).words)


def test_a_stranger_meets_nothing(browser, mallory, story):
    assert browser(mallory).get(PAGE).status_code == 404


def test_a_version_that_is_none_has_no_record(browser, alice, story):
    assert browser(alice).get(PAGE.replace("/1/", "/99/")).status_code == 404


def test_the_version_leads_to_it(browser, alice, story):
    assert f'href="{PAGE}"' in browser(alice).get(PAGE.removesuffix("/record")).content.decode()


def test_it_costs_as_many_questions_for_a_long_history(
    browser, alice, carol, project, bob, story, django_assert_max_num_queries
):
    from tests.web import story as tale

    for _ in range(5):
        registry.decide_promotion(promotion=story.promotion, decision="refuse", reason="no", actor=carol, digest=None)
        story.promotion = tale._ask(project, story.version, bob)
        tale._deploy(project, story.version, bob)
    visitor = browser(alice)

    with django_assert_max_num_queries(35):
        assert visitor.get(PAGE).status_code == 200
