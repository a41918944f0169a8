"""Deployments over time: what ran on a day, trained on what, approved by whom; and the drawing of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from registry import selectors, services
from registry.models import Deployment
from tests.registry.factories import new_version
from tests.web.history import DAY, promote
from tests.web.test_pages import Inspector
from web.serving import lanes_between, served_at
from web.timelines import Lane, Span, timeline
from web.views.deployments import span_of

LIST = "/projects/default/deployments"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ran(page):
    """The rows of "what ran"."""
    section = page.split('id="then"')[1].split("</section>")[0]
    return section.split("<tbody>")[1].split("</tr>")[:-1] if "<tbody>" in section else []


@pytest.mark.django_db
def test_as_of_a_day_says_what_ran_trained_on_what_and_approved_by_whom(browser, bob, past):
    day = (past.began + 9 * DAY).strftime("%Y-%m-%dT%H:%M:%S")
    rows = ran(browser(bob).get(f"{LIST}?as_of={day}").content.decode())

    assert len(rows) == 2
    for row, target in zip(rows, ("eu-1", "us-1"), strict=True):
        assert "churn</bdi> version 2<" in row
        assert target in row
        assert f"sha256:{2:064x}" in row
        assert "carol" in row
        assert "asked by bob" in row
        assert f"/promotions/{past.promotions[1].uuid}" in row


@pytest.mark.django_db
def test_what_was_promoted_and_reported_by_nobody_is_told_as_such(browser, bob, carol, project, past):
    promote(project, new_version(project, bob, model="quiet", metrics={"auc": 0.9}), asker=bob, approver=carol)
    rows = ran(browser(bob).get(f"{LIST}?model=quiet").content.decode())

    assert len(rows) == 1
    assert "promoted; no report of serving code" in rows[0]


@pytest.mark.django_db
def test_what_serves_without_having_been_promoted_then_is_marked(browser, bob, project, past):
    """us-1 stayed behind: it still serves version 2 when version 3 is promoted."""
    Deployment.objects.filter(target="us-1", version__number=2).update(ended_at=None)
    Deployment.objects.filter(target="us-1", version__number=3).delete()
    rows = {("us-1" in row): row for row in ran(browser(bob).get(LIST).content.decode())}

    assert "not what was promoted" in rows[True]
    assert "no promotion of this version stood then" in rows[True]
    assert "not what was promoted" not in rows[False]


@pytest.mark.django_db
def test_before_the_first_promotion_nothing_ran(browser, bob, past):
    page = browser(bob).get(f"{LIST}?as_of=2001-01-01").content.decode()

    assert "Nothing was promoted or reported at that time." in page
    assert 'value="2001-01-01T00:00:00"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "9" * 50])
def test_a_day_that_is_none_is_explained(browser, bob, past, text):
    answer = browser(bob).get(f"{LIST}?as_of={text}")

    assert answer.status_code == 422
    assert "is not a time" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31T23:59:59"])
def test_days_at_the_ends_of_the_calendar_are_days(browser, bob, past, text):
    assert browser(bob).get(f"{LIST}?as_of={text}&range=1y").status_code == 200


@pytest.mark.django_db
def test_the_drawing_has_a_lane_for_what_was_promoted_and_one_for_each_target(project, past):
    end = clock.now()
    lanes = lanes_between(project, past.began - DAY, end).lanes

    assert [lane.label for lane in lanes] == ["churn: promoted", "churn at eu-1", "churn at us-1"]
    assert [[span.label for span in lane.spans] for lane in lanes] == [["v1", "v2", "v3"]] * 3
    assert [span.end is None for span in lanes[0].spans] == [False, False, True]


@pytest.mark.django_db
def test_bars_and_days_of_the_drawing_lead_to_pages(browser, bob, past):
    visitor = browser(bob)
    page = visitor.get(f"{LIST}?range=90d&environment=production").content.decode()
    drawing = re.search(r'<svg class="timeline".*?</svg>', page, re.DOTALL)[0]
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', drawing)}

    assert {link.split("/")[3] for link in links if link.startswith("/")} == {"promotions", "deployments"}
    assert {visitor.get(link if link.startswith("/") else LIST + link).status_code for link in links} == {200}
    assert any("as_of=" in link for link in links)


@pytest.mark.django_db
def test_production_stands_above_the_environments_before_it(project, bob, carol, past):
    promote(project, past.versions[0], asker=bob, approver=carol, to="staging")
    lanes = lanes_between(project, past.began, clock.now()).lanes

    assert [lane.group for lane in lanes] == ["production"] * 3 + ["staging"]


@pytest.mark.django_db
def test_a_deployment_has_its_page(browser, bob, past):
    deployment = past.deployments[2]
    page = browser(bob).get(f"{LIST}/{deployment.uuid}").content.decode()

    assert "churn</bdi> version 2 at <bdi>eu-1" in page
    assert "carol" in page
    assert f"sha256:{2:064x}" in page
    assert 'class="linegraph-svg"' in page


@pytest.mark.django_db
def test_the_page_costs_a_bounded_number_of_queries(browser, bob, project, past, django_assert_max_num_queries):
    production = selectors.get_environment(project=project, name="production")
    for number in range(30):
        services.report_deployment(version=past.versions[2], environment=production, target=f"t{number}", actor=bob)
    visitor = browser(bob)
    visitor.get(LIST)

    with django_assert_max_num_queries(28):
        visitor.get(f"{LIST}?as_of={(past.began + 9 * DAY).strftime('%Y-%m-%d')}")
    assert len(served_at(project, clock.now()).rows) == 32


@pytest.mark.django_db
def test_an_empty_project_says_how_deployments_come(browser, alice, project):
    page = browser(alice).get(LIST).content.decode()

    assert "lineal report-deployment" in page
    assert Inspector(page).faults == []


def make_span(start, end, **more):
    return Span(**({"start": start, "end": end, "label": "v1", "title": "t", "url": "/x", "tone": "ok"} | more))


def test_a_bar_ends_at_the_edge_of_what_is_shown():
    lane = Lane("eu", "production", [make_span(NOON - 40 * DAY, None)])
    drawn = timeline([lane], start=NOON - 10 * DAY, end=NOON + DAY, at=NOON - DAY, now=NOON)
    [bar] = drawn.rows[0].bars

    assert bar.x == drawn.left
    assert bar.x + bar.width == pytest.approx(drawn.now_x, abs=0.2)
    assert drawn.left < drawn.at_x < drawn.now_x


def test_a_stay_outside_of_what_is_shown_has_no_bar_and_a_lane_without_bars_is_left_out():
    lane = Lane("eu", "production", [make_span(NOON - 40 * DAY, NOON - 30 * DAY)])

    assert timeline([lane], start=NOON - 10 * DAY, end=NOON, at=None, now=NOON) is None


def test_a_moment_s_stay_is_still_to_be_seen():
    lane = Lane("eu", "production", [make_span(NOON, NOON + timedelta(seconds=1))])
    drawn = timeline([lane], start=NOON - 365 * DAY, end=NOON + DAY, at=None, now=NOON + DAY)

    assert drawn.rows[0].bars[0].width >= 3
    assert drawn.rows[0].bars[0].label == ""


@pytest.mark.parametrize("days", [1, 7, 30, 90, 365, 3650])
def test_the_axis_has_a_few_round_ticks(days):
    lane = Lane("eu", "production", [make_span(NOON - days * DAY, None)])
    drawn = timeline([lane], start=NOON - days * DAY, end=NOON, at=None, now=NOON)

    assert 2 <= len(drawn.ticks) <= 10
    assert all(drawn.left <= tick.x <= drawn.width for tick in drawn.ticks)


def test_a_day_long_past_is_shown_in_the_middle_of_its_time():
    then = clock.now() - 900 * DAY
    start, end = span_of(30 * DAY, then)

    assert (then - start, end - then) == (15 * DAY, 15 * DAY)
