"""The overview: across projects, of the reader's own, and a first step where there is nothing."""

import pytest

pytestmark = pytest.mark.django_db


def test_an_empty_store_shows_the_lines_that_log_a_first_run(browser, alice):
    html = browser(alice).get("/").content.decode()

    assert "import lineal" in html
    assert "lineal.start_run" in html


def test_it_shows_what_waits_and_what_runs(browser, alice, story):
    html = browser(alice).get("/").content.decode()

    assert f"/projects/default/promotions/{story.promotion.uuid}" in html
    assert story.run.uuid.hex in html
    assert "Nothing is promoted to production." in html
    assert "import lineal" not in html


def test_it_shows_what_production_holds_and_since_when(browser, carol, story):
    from registry.services import decide_promotion

    decide_promotion(promotion=story.promotion, decision="approve", reason="good", actor=carol)

    html = browser(carol).get("/").content.decode()
    assert story.version.digest in html
    assert "/projects/default/models/fraud/versions/1" in html
    assert "Waiting for approval" not in html


def test_it_shows_nothing_of_projects_one_is_not_in(browser, mallory, story):
    html = browser(mallory).get("/").content.decode()

    assert "You have no role in any project yet" in html
    assert story.run.uuid.hex not in html
    assert str(story.promotion.uuid) not in html


def test_its_cost_does_not_grow_with_projects(browser, root, make_project, django_assert_max_num_queries):
    for number in range(6):
        make_project(f"project-{number}")
    visitor = browser(root)

    with django_assert_max_num_queries(16):
        assert visitor.get("/").status_code == 200


def test_it_says_how_the_ledger_stands(browser, alice, story, sequence):
    sequence()
    html = browser(alice).get("/").content.decode()

    assert "over " in html
    assert "nowhere yet" in html
