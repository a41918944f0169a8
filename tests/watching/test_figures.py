"""The figures are true: each is compared with what was done."""

from datetime import timedelta

import orjson
import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import testing
from audit.models import AuditPending
from core import clock, jobs, scrape
from core.models import Job
from registry import services
from registry.figures import promotions

pytestmark = pytest.mark.django_db

AUC = """
[[gate]]
id = "auc"
kind = "metric"
expr = "auc > 0.99"
"""
RUN = "0193" + "ab" * 14


def test_promotions_are_counted_by_outcome_and_failed_gates_by_kind(
    figures, make_version, promote, set_policy, django_capture_on_commit_callbacks
):
    before = figures()
    for metrics in ({"auc": 0.5}, {"auc": 0.6}):
        promote(make_version(metrics=metrics), to="staging")
    promote(make_version(metrics={"auc": 0.7}), to="production")
    set_policy(AUC)
    with django_capture_on_commit_callbacks(execute=True):
        promote(make_version(metrics={"auc": 0.9}), to="production")

    after = figures()
    assert after.sum("lineal_promotions_total", environment="staging", outcome="promoted") == 2
    assert after.sum("lineal_promotions_total", environment="production", outcome="promoted") == 1
    assert after.sum("lineal_promotions_total", environment="production", outcome="gate_failed") == 1
    grown = {
        sample.labels["kind"]: sample.value - before.sum(sample.name, **sample.labels)
        for sample in after.all("lineal_gate_failures_total")
    }
    assert {kind: value for kind, value in grown.items() if value} == {"metric": 1}


def test_an_environment_that_a_team_named_is_not_told(figures, make_version, promote, project, alice):
    """Names that users choose are nobody else's business, and would make series without end."""
    services.create_environment(project=project, name="project-x-secret", position=9, protected=False, actor=alice)

    promote(make_version(), to="project-x-secret")

    assert figures().sum("lineal_promotions_total", environment="other", outcome="promoted") == 1
    assert b"project-x" not in scrape.exposition()


def test_a_scrape_reads_no_more_rows_for_more_projects(figures, make_version, promote, project, alice):
    """Environments are as many as projects times three; a scrape comes every few seconds, for ever."""
    for name in ("sandbox", "canary", "shadow"):
        services.create_environment(project=project, name=name, position=9, protected=False, actor=alice)
        promote(make_version(), to=name)
    with CaptureQueriesContext(connection) as asked:
        list(promotions())

    with connection.cursor() as cursor:
        rows = []
        for query in asked.captured_queries:
            cursor.execute(query["sql"])
            rows.append(len(cursor.fetchall()))
    assert rows == [1, 1, 0]


def test_nothing_of_a_tenant_is_in_any_label(figures, make_version, promote, project, bob):
    promote(make_version())
    Client().get("/api/v1/projects/very-secret-name")

    text = scrape.exposition().decode()

    assert 'route="api/v1/projects/<str:name>"' in text
    for name in ("very-secret-name", '"default"', '"fraud"', '"bob"', '"alice"'):
        assert name not in text


def test_waiting_promotions_and_live_deployments_are_counted(
    figures, make_version, promote, set_policy, environment, bob, later
):
    version = make_version()
    promote(version, to="staging")
    services.report_deployment(version=version, environment=environment("staging"), target="eu-1", actor=bob)
    set_policy('[[gate]]\nid = "four-eyes"\nkind = "approval"\n')
    promote(make_version(), to="production")
    later(100)

    found = figures()
    assert (
        found.sum("lineal_promotions_waiting") == found.sum("lineal_promotions_waiting", environment="production") == 1
    )
    assert 100 <= found.sum("lineal_promotions_oldest_waiting_age_seconds") < 130
    assert found.sum("lineal_deployments_live") == found.sum("lineal_deployments_live", environment="staging") == 1


def test_the_ledger_falls_behind_without_its_sequencer(figures, make_account, home, monkeypatch):
    testing.sequence_now()
    settled = figures()
    make_account("carol")
    real_now = clock.now
    monkeypatch.setattr(clock, "now", lambda: real_now() + timedelta(seconds=90))

    behind = figures()

    assert settled.sum("lineal_ledger_lag_events") == settled.sum("lineal_ledger_lag_seconds") == 0
    assert behind.sum("lineal_ledger_lag_events") == AuditPending.objects.count() > 0
    assert 90 <= behind.sum("lineal_ledger_lag_seconds") < 120
    assert behind.sum("lineal_ledger_size_events") == settled.sum("lineal_ledger_size_events")
    assert behind.sum("lineal_ledger_events_total") > settled.sum("lineal_ledger_events_total")


def test_anchors_and_checks_of_the_ledger_have_an_age(figures, make_account, home, later):
    from audit import anchors, verification

    make_account("carol")
    testing.sequence_now()
    anchors.anchor_latest()
    verification.verify_ledger()
    later(600)

    found = figures()
    assert 600 <= found.sum("lineal_ledger_anchor_age_seconds", anchor="folder") < 660
    assert found.sum("lineal_ledger_anchor_lag_events", anchor="folder") == 0
    assert found.sum("lineal_ledger_anchor_success", anchor="folder") == 1
    assert found.sum("lineal_ledger_verification_success", subject="ledger") == 1
    assert 600 <= found.sum("lineal_ledger_verification_age_seconds", subject="ledger") < 660


def test_jobs_are_told_apart_by_what_they_wait_for(figures):
    now = timezone.now()
    make = {"name": "core.forget_old_jobs", "created_at": now}
    Job.objects.create(**make, due_at=now + timedelta(hours=1))
    Job.objects.create(**make, due_at=now - timedelta(seconds=50))
    Job.objects.create(**make, due_at=now - timedelta(hours=2), leased_until=now + timedelta(minutes=1))
    Job.objects.create(**make, due_at=now - timedelta(seconds=10), leased_until=now - timedelta(seconds=1))
    Job.objects.create(**make, due_at=now, failed_at=now)
    Job.objects.create(**make, due_at=now, done_at=now)

    found, task = figures(), {"task": "core.forget_old_jobs"}

    states = {sample.labels["state"]: sample.value for sample in found.all("lineal_jobs", **task)}
    assert states == {"waiting": 1, "due": 2, "leased": 1}
    assert found.sum("lineal_jobs_failed", **task) == 1
    assert 50 <= found.sum("lineal_jobs_oldest_due_age_seconds", **task) < 60, "the leased one is being done"


def test_runs_of_jobs_are_counted_and_timed(figures):
    before = figures()
    with transaction.atomic():
        jobs.enqueue("core.forget_old_jobs")
    jobs.run_pending()
    after = figures()

    labels = {"task": "core.forget_old_jobs"}
    for name, more in (
        ("lineal_job_runs_total", labels | {"outcome": "done"}),
        ("lineal_job_duration_seconds_count", labels),
    ):
        assert after.sum(name, **more) - before.sum(name, **more) == 1


def test_batches_points_and_refusals_are_counted(figures, api, bob, project):
    client = api(bob)
    assert client.post("runs", json={"experiment": "e", "id": RUN}).status_code == 201
    before = figures()
    batch = {
        "writer": "1" * 32,
        "sequence": 1,
        "metrics": [{"key": "m", "steps": [0, 1], "times": [0, 0], "values": [1, 2]}],
    }
    body = orjson.dumps(batch)

    for sent in (batch, batch, batch | {"sequence": 9}, {"writer": 3}):
        client.post(f"runs/{RUN}/batches", json=sent)

    after = figures()

    def grown(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert [grown("lineal_ingest_batches_total", outcome=o) for o in ("stored", "repeated", "refused")] == [1, 1, 2]
    assert grown("lineal_ingest_points_total") == 2
    assert grown("lineal_ingest_bytes_total") == len(body)
    assert grown("lineal_ingest_refused_total", reason="sequence-gap") == 1
    assert grown("lineal_ingest_refused_total", reason="invalid") == 1


def test_open_alerts_are_counted_until_they_are_closed(figures, home, project, bob, run_jobs):
    from monitoring.models import Alert, Monitor
    from tests.monitoring.production import new_trained_version, the_monitor
    from tests.monitoring.production import promote as promote_to

    version = new_trained_version(project, bob, None)
    promote_to(version, bob, "production")
    run_jobs()
    monitor = the_monitor(version)
    alert = Alert.objects.create(
        project=project, monitor=monitor, kind="drift", severity=Monitor.Severity.CRITICAL, message="moved"
    )

    found = figures()
    assert (
        found.sum("lineal_alerts_open")
        == found.sum("lineal_alerts_open", kind="drift", severity="critical", state="open")
        == 1
    )

    alert.state, alert.closed_at = Alert.State.CLOSED, timezone.now()
    alert.save()
    assert figures().sum("lineal_alerts_open") == 0


def test_lost_and_waiting_messages_are_counted(figures, project):
    from notify.models import Delivery, Subscription

    now = timezone.now()
    subscription = Subscription.objects.create(
        project=project,
        name="s",
        kind="slack",
        sealed_target=b"",
        shown_target="",
        events=[],
        least_severity="info",
        failing_since=now,
        created_by_id=project.uuid,
        created_by="x",
    )
    make = {
        "subscription": subscription,
        "event": "e",
        "severity": "info",
        "title": "",
        "text": "",
        "url": "",
        "payload": {},
        "since": now,
    }
    Delivery.objects.create(**make, key="1")
    Delivery.objects.create(**make, key="2", state="dead", ended_at=now)
    Delivery.objects.create(**make, key="3", state="failed", ended_at=now - timedelta(days=3))

    found = figures()
    assert found.sum("lineal_deliveries_waiting") == 1
    assert found.sum("lineal_deliveries_lost", state="dead") == 1
    assert found.sum("lineal_deliveries_lost", state="failed") == 0, "three days ago is not lately"
    assert found.sum("lineal_subscriptions_failing", kind="slack") == 1


def test_a_source_that_fails_is_said_to_and_the_others_stand(figures, monkeypatch):
    def broken():
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute("SELECT * FROM no_such_table")
        yield

    monkeypatch.setitem(scrape._sources, "broken", broken)

    found = figures()
    assert found.sum("lineal_scrape_success", source="broken") == 0
    assert found.sum("lineal_scrape_success", source="ledger") == 1


def test_a_query_that_takes_too_long_is_cut_off(figures, monkeypatch):
    """A scrape must not hurt: neither the database for long, nor Prometheus' patience."""

    def slow():
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n"
            )
        yield

    monkeypatch.setattr(scrape, "SOURCE_LIMIT_S", 0.2)
    monkeypatch.setitem(scrape._sources, "slow", slow)

    found = figures()
    assert found.sum("lineal_scrape_success", source="slow") == 0
    assert found.sum("lineal_scrape_duration_seconds", source="slow") < 5
    assert found.sum("lineal_scrape_success", source="promotions") == 1


def test_scrapes_in_a_row_ask_the_database_once(figures, django_assert_num_queries):
    figures()

    with django_assert_num_queries(0):
        scrape.exposition()
