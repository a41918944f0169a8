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
    assert "Waiting for" not in html


def test_what_waits_for_the_readers_word_stands_apart(browser, alice, bob, carol, story):
    """Carol may approve; Bob asked, so it waits for others; who has signed is asked no more."""
    promotion = f"/projects/default/promotions/{story.promotion.uuid}"
    asked, bystander = browser(carol).get("/").content.decode(), browser(bob).get("/").content.decode()

    assert f'href="{promotion}#decide"' in asked
    assert "Waiting for you" not in bystander
    assert promotion in bystander


def test_who_has_signed_is_asked_no_more(browser, carol, story):
    from registry.models import Approval

    Approval.objects.create(
        promotion=story.promotion, account_id=carol.id, account_name="carol", role="approver", decision="approve",
        reason="good", auth_method="tests", signed_digest=story.version.digest,
        evidence_sha256=story.promotion.evidence_sha256, event_id=story.promotion.event_id or story.run.uuid,
    )  # fmt: skip

    html = browser(carol).get("/").content.decode()

    assert "Waiting for you" not in html
    assert "Waiting for others" in html


def test_who_trained_the_version_is_not_asked_for_their_word(browser, carol, story):
    """The gate asks for somebody else's, and `decide_promotion` would refuse theirs."""
    version = story.promotion.version
    version.created_by_id = carol.id
    version.save(update_fields=["created_by_id"])

    html = browser(carol).get("/").content.decode()

    assert "Waiting for you" not in html
    assert "Waiting for others" in html


def test_open_alerts_come_with_the_worst_first(browser, alice, project, story):
    alerts(project, story, ("warn", "open"), ("critical", "acknowledged"), ("critical", "closed"))

    html = browser(alice).get("/").content.decode()

    assert 'Open alerts <span class="count">2</span>' in html
    assert html.index("critical number 1") < html.index("warn number 0")
    assert "critical number 2" not in html


def test_a_version_in_production_counts_all_alerts_there_and_no_other(
    browser, carol, project, story, monkeypatch, django_assert_max_num_queries
):
    """Also those beyond the few that are listed, and none of another environment."""
    from registry.services import decide_promotion
    from web import overview

    decide_promotion(promotion=story.promotion, decision="approve", reason="good", actor=carol)
    alerts(project, story, ("warn", "open"), ("critical", "acknowledged"), ("critical", "closed"))
    alerts(project, story, ("critical", "open"), environment="staging")
    monkeypatch.setattr(overview, "SHOWN_ALERTS", 1)
    visitor = browser(carol)
    visitor.get("/")

    with django_assert_max_num_queries(20):
        html = visitor.get("/").content.decode()

    assert ">2 open</a>" in html
    assert 'Open alerts <span class="count">3</span>' in html


def alerts(project, story, *kinds, environment="production"):
    from core.clock import now
    from monitoring.models import Alert, Monitor
    from registry.models import Environment

    environment = Environment.objects.get(project=project, name=environment)
    monitor = Monitor.objects.create(
        project=project, version=story.version, environment=environment, limits={}, columns=[], owner="alice"
    )
    for number, (severity, state) in enumerate(kinds):
        kind = ("drift", "schema", "silence")[number]
        Alert.objects.create(
            project=project, monitor=monitor, kind=kind, severity=severity, state=state,
            message=f"{severity} number {number}", acknowledged_at=now() if state == "acknowledged" else None,
            closed_at=now() if state == "closed" else None,
        )  # fmt: skip


def test_runs_that_go_on_come_first_and_are_counted(browser, alice, bob, project):
    from tests.web.story import new_run

    going_on = new_run(project, bob, name="long one", finish=False)
    for number in range(15):
        new_run(project, bob, name=f"short {number}")

    html = browser(alice).get("/").content.decode()

    assert "1 running now" in html
    assert html.index(going_on.uuid.hex) < html.index("short 14")
    assert "short 2<" not in html


def test_a_project_that_was_quiet_for_long_still_shows_its_runs(
    browser, alice, bob, project, make_project, monkeypatch
):
    """However many runs others have started since."""
    from tests.web.story import new_run
    from web import overview

    monkeypatch.setattr(overview, "MOST_COUNTED", 3)
    old = new_run(project, bob, name="of long ago")
    busy = make_project("busy")
    for number in range(5):
        new_run(busy, bob, name=f"busy {number}")

    html = browser(alice).get("/").content.decode()

    assert old.uuid.hex in html
    assert "busy" not in html


def test_it_shows_nothing_of_projects_one_is_not_in(browser, mallory, story):
    html = browser(mallory).get("/").content.decode()

    assert "You have no role in any project yet" in html
    assert story.run.uuid.hex not in html
    assert str(story.promotion.uuid) not in html


def test_its_cost_does_not_grow_with_projects(browser, root, make_project, django_assert_max_num_queries):
    for number in range(6):
        make_project(f"project-{number}")
    visitor = browser(root)

    with django_assert_max_num_queries(20):
        assert visitor.get("/").status_code == 200


def test_its_cost_does_not_grow_with_what_waits(browser, carol, bob, project, story, django_assert_max_num_queries):
    from tests.registry.factories import new_version
    from tests.web.history import ask

    for _ in range(8):
        ask(project, new_version(project, bob, metrics={"auc": 0.9}), bob)
    visitor = browser(carol)

    with django_assert_max_num_queries(20):
        html = visitor.get("/").content.decode()

    assert 'Waiting for you <span class="count">9</span>' in html


def test_it_says_how_the_ledger_stands(browser, alice, story, sequence):
    sequence()
    html = browser(alice).get("/").content.decode()

    assert "over " in html
    assert "nowhere yet" in html
