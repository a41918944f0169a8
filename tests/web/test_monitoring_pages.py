"""Pages of production: how each deployment stands, one column drawn, performance, alerts and their answers, triggers."""

import html
import re

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from monitoring import services
from monitoring.models import Alert
from tests.registry.factories import new_version
from tests.web.production import watch
from tests.web.story import EVIL

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(project, bob):
    return new_version(project, bob)


@pytest.fixture
def production(version, bob, home):
    return watch(version, by=bob, evil=EVIL)


@pytest.fixture
def quiet(version, bob, home):
    return watch(version, by=bob, days=3, shifted=False)


def page(browser, who, name, *args, **query):
    response = browser(who).client.get(reverse(f"web:{name}", args=args), query, headers={"accept": "text/html"})
    return response.status_code, response.content.decode()


def text_of(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def test_the_overview_shows_each_deployment_with_its_windows_and_open_alerts(browser, project, bob, production):
    status, markup = page(browser, bob, "monitor_list", project.name)
    shown = text_of(markup)

    assert status == 200
    assert "fraud version 1" in shown
    assert "critical" in shown
    assert markup.count('class="ok" href=') == 5
    assert markup.count('class="bad" href=') == 1
    assert str(production.alert.uuid) in markup


def test_a_project_without_production_says_how_to_begin(browser, project, bob):
    status, markup = page(browser, bob, "monitor_list", project.name)

    assert status == 200
    assert "Nothing is watched yet" in markup
    assert "lineal.monitor(" in markup


def test_a_filter_that_matches_nothing_says_so(browser, project, bob, production):
    _, markup = page(browser, bob, "monitor_list", project.name, model="other")

    assert "No monitor matches" in markup


def test_a_deployment_lists_its_columns_the_worst_first(browser, project, bob, production):
    status, markup = page(browser, bob, "monitor_detail", project.name, production.monitor.uuid)
    rows = re.findall(r'<th scope="row" class="any"><a href="[^"]*/columns/([^?"]+)', markup)

    assert status == 200
    assert rows[0] == "age"
    assert {"income", "rooms", "city"} <= set(rows)
    assert '<svg class="spark"' in markup


def test_an_earlier_window_can_be_looked_at(browser, project, bob, production):
    first = production.windows[0]

    status, markup = page(browser, bob, "monitor_detail", project.name, production.monitor.uuid, window=first.uuid)

    assert status == 200
    assert first.start.strftime("%Y-%m-%d") in markup
    assert '<span class="state bad">' not in markup.split('id="windows"')[0].split('id="columns"')[1]


@pytest.mark.parametrize("wanted", ["nonsense", "01890000-0000-7000-8000-000000000000"])
def test_a_window_of_nobody_is_not_found(browser, project, bob, production, wanted):
    assert page(browser, bob, "monitor_detail", project.name, production.monitor.uuid, window=wanted)[0] == 404


@pytest.mark.parametrize("column", ["age", "rooms", "city"])
def test_a_column_is_drawn_beside_its_baseline(browser, project, bob, production, column):
    status, markup = page(browser, bob, "monitor_column", project.name, production.monitor.uuid, column)

    assert status == 200
    assert markup.count('<rect class="reference"') == markup.count('<rect class="current"') > 2
    assert markup.count('class="dot') >= 6
    assert '<line class="limit' in markup


def test_values_that_try_to_be_markup_stay_text(browser, project, bob, production):
    _, markup = page(browser, bob, "monitor_column", project.name, production.monitor.uuid, "city")

    assert "<img src=x" not in markup
    assert "&lt;img" in markup


def test_a_column_that_no_window_had_is_not_found(browser, project, bob, production):
    assert page(browser, bob, "monitor_column", project.name, production.monitor.uuid, "shoe")[0] == 404


def test_performance_is_drawn_with_the_coverage_of_labels(browser, project, bob, production):
    status, markup = page(browser, bob, "monitor_performance", project.name, production.monitor.uuid)
    shown = text_of(markup)

    assert status == 200
    assert "Label coverage" in shown
    assert "accuracy" in shown
    assert 'class="band"' in markup


def test_an_alert_leads_to_what_changed_and_what_it_touches(browser, project, bob, production, version):
    status, markup = page(browser, bob, "alert_detail", project.name, production.alert.uuid)
    shown = text_of(markup)

    assert status == 200
    assert f"/columns/age?window={production.windows[-1].uuid}" in markup
    assert "First window" in shown
    assert reverse("web:version_detail", args=[project.name, "fraud", version.number]) in markup
    assert version.run.uuid.hex in markup
    assert "alert.open" in markup  # the entry on the ledger of the version


@pytest.mark.parametrize(("answer", "state"), [("acknowledge", "acknowledged"), ("close", "closed")])
def test_an_alert_is_answered_by_form(browser, project, bob, production, answer, state):
    address = reverse("web:alert_answer", args=[project.name, production.alert.uuid])
    detail = reverse("web:alert_detail", args=[project.name, production.alert.uuid])

    response = browser(bob).post(address, {"answer": answer, "reason": "a campaign"}, page=detail)

    assert response.status_code == 302
    assert Alert.objects.get(pk=production.alert.pk).state == state
    assert AuditEvent.objects.filter(action__startswith="alert.").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"answer": "close", "reason": " "}, "Say why"), ({"answer": "burn", "reason": "x"}, "An answer is one of")],
)
def test_an_answer_that_cannot_be_keeps_the_page_and_says_why(browser, project, bob, production, fields, said):
    address = reverse("web:alert_answer", args=[project.name, production.alert.uuid])
    detail = reverse("web:alert_detail", args=[project.name, production.alert.uuid])

    response = browser(bob).post(address, fields, page=detail)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert Alert.objects.get(pk=production.alert.pk).state == "open"


def test_who_may_only_read_sees_no_form_and_cannot_answer(browser, project, make_member, production):
    from core.access import Role

    reader = make_member("rita", Role.VIEWER)
    _, markup = page(browser, reader, "alert_detail", project.name, production.alert.uuid)

    assert "Your answer" not in markup


def test_the_list_of_alerts_is_filtered(browser, project, bob, production):
    _, all_of_them = page(browser, bob, "alert_list", project.name)
    _, closed = page(browser, bob, "alert_list", project.name, state="closed")

    assert str(production.alert.uuid) in all_of_them
    assert str(production.alert.uuid) not in closed


def test_an_acknowledged_alert_is_not_listed_as_open_and_still_stands_on_the_overview(
    browser, project, bob, production
):
    services.acknowledge_alert(alert=production.alert, actor=bob, reason="looked at")

    assert str(production.alert.uuid) not in page(browser, bob, "alert_list", project.name, state="open")[1]
    assert str(production.alert.uuid) in page(browser, bob, "monitor_list", project.name)[1]


def test_quiet_days_open_no_alert(browser, project, bob, quiet):
    assert quiet.alert is None
    _, markup = page(browser, bob, "monitor_list", project.name)
    assert "Open alerts</h2>" not in markup


def test_triggers_say_when_there_are_none(browser, project, bob):
    status, markup = page(browser, bob, "trigger_list", project.name)

    assert status == 200
    assert "No trigger yet" in markup
