"""The search box: by name, id, digest and commit, within what the reader may see."""

import pytest

from tests.web.story import EVIL_NAME, new_run

pytestmark = pytest.mark.django_db


def found(visitor, text, **headers):
    answer = visitor.get(f"/search?q={text}", **headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("digits", [8, 13, 32])
def test_a_run_is_found_by_the_beginning_of_its_id(browser, alice, story, digits):
    id = story.run.uuid.hex

    assert f"/projects/default/runs/{id}" in found(browser(alice), id[:digits])


def test_an_id_is_found_as_other_tools_write_it(browser, alice, story):
    assert str(story.promotion.uuid) in found(browser(alice), str(story.promotion.uuid).upper())


def test_a_version_is_found_by_its_digest(browser, alice, story):
    visitor = browser(alice)
    page = "/projects/default/models/fraud/versions/1"

    assert page in found(visitor, story.version.digest)
    assert page in found(visitor, story.version.digest.removeprefix("sha256:")[:10])


def test_names_are_found_from_any_part_and_in_any_case(browser, alice, project, bob, story):
    run = new_run(project, bob, name="Nightly sweep 7")
    visitor = browser(alice)

    assert f"/projects/default/runs/{run.uuid.hex}" in found(visitor, "SWEEP")
    assert "/projects/default/models/fraud" in found(visitor, "rau")


def test_a_run_is_found_by_its_commit(browser, alice, project, bob):
    from tracking.models import Run

    run = new_run(project, bob, name="of a commit")
    Run.objects.filter(pk=run.pk).update(code_commit="c0ffee" + "1" * 34)

    html = found(browser(alice), "c0ffee1")

    assert f"/projects/default/runs/{run.uuid.hex}" in html
    assert "commit c0ffee" in html


def test_a_dataset_is_found_by_name_whatever_the_name(browser, alice, story):
    from html import escape
    from urllib.parse import quote

    html = found(browser(alice), quote(EVIL_NAME))

    assert "<b onmouseover" not in html
    assert f">{escape(EVIL_NAME)}</a>" in html


def test_a_stranger_finds_nothing(browser, mallory, story):
    visitor = browser(mallory)

    for text in ("fraud", story.run.uuid.hex, story.version.digest, str(story.promotion.uuid)):
        assert "Nothing goes by" in found(visitor, text), text


def test_what_is_in_the_bin_is_not_found(browser, alice, story):
    from tracking.models import Run

    Run.objects.filter(pk=story.run.pk).update(lifecycle="deleted")

    assert f"/runs/{story.run.uuid.hex}" not in found(browser(alice), story.run.uuid.hex)


def test_htmx_gets_the_finds_of_the_page_alone(browser, alice, story):
    visitor = browser(alice)
    page, part = found(visitor, "fraud"), found(visitor, "fraud", **{"hx-request": "true"})

    assert part.strip() in page
    assert "<html" not in part


def test_nothing_asked_is_no_query_of_the_store(browser, alice, django_assert_max_num_queries):
    visitor = browser(alice)

    with django_assert_max_num_queries(4):
        assert "beginning on" in found(visitor, "")


def test_a_search_costs_a_bounded_number_of_queries(browser, alice, story, django_assert_max_num_queries):
    visitor = browser(alice)

    with django_assert_max_num_queries(16):
        found(visitor, story.run.uuid.hex[:12])


@pytest.mark.parametrize("text", ["%27%22%3B--", "x" * 5_000, "%E2%80%AE%F0%9F%A6%8A", "%25_%5C"])
def test_hostile_text_finds_nothing_and_breaks_nothing(browser, alice, story, text):
    assert "<script>" not in found(browser(alice), text)


def test_an_address_with_a_nul_is_refused_in_words(browser, alice):
    """PostgreSQL could not even look it up."""
    assert browser(alice).get("/search?q=a%00b").status_code == 422
