"""Alerts: opened with what was found, one of each kind, told about once, and closed when it is over or by people."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from core import clock, events
from core.jobs import job
from monitoring import services
from monitoring.errors import AlertClosed
from monitoring.models import Alert, Firing
from monitoring.services import watching
from monitoring.services.windows import close_due
from registry.services import end_deployment
from tests.monitoring.building import build_classification, build_profile
from tests.monitoring.production import day, new_trained_version, profile_of, rows, send, serve, the_monitor

pytestmark = pytest.mark.django_db

HEARD = []
TOPICS = ("alert.opened", "alert.updated", "alert.closed")


def _hear(topic):
    job(f"tests.hear.{topic}")(lambda **facts: HEARD.append((topic, facts)))
    return f"tests.hear.{topic}"


@pytest.fixture(autouse=True)
def _listening(monkeypatch):
    HEARD.clear()
    for topic in TOPICS:
        name = _hear(topic)
        monkeypatch.setitem(events._subscribers, topic, [*events._subscribers[topic], name])


def heard():
    return [(topic.removeprefix("alert."), facts["kind"], facts["severity"]) for topic, facts in HEARD]


def alerts():
    return [(each.kind, each.state, each.severity) for each in Alert.objects.order_by("id")]


@pytest.fixture
def bring(judge):
    """`bring(monitor, back, shift=1.0)`: what customers were like so many days ago, judged."""

    def do(monitor, back, n=2_000, *, profile=None, **change):
        send(monitor, profile or profile_of(monitor, rows(n, seed=back, **change)), day(back))
        judge()

    return do


def test_drift_opens_an_alert_that_says_all_about_it(watched, bring):
    bring(watched, 3, shift=2.0)

    alert = Alert.objects.get()
    assert (alert.kind, alert.state, alert.severity, alert.columns) == ("drift", "open", "critical", ["amount"])
    assert alert.message.startswith("amount: the distribution moved")
    assert alert.first_window == alert.last_window
    ((topic, facts),) = HEARD
    assert topic == "alert.opened"
    assert facts["project_id"] == watched.project_id
    assert (facts["model"], facts["number"], facts["digest"]) == ("fraud", 1, watched.version.digest)
    assert (facts["environment"], facts["columns"], facts["alert_id"]) == ("production", ["amount"], str(alert.uuid))
    assert facts["title"] == "Drift, fraud v1 in production"
    assert facts["url"] == f"/projects/default/monitoring/alerts/{alert.uuid}"


def test_an_alert_is_on_the_ledger_with_the_version_as_its_target(watched, bring):
    bring(watched, 3, shift=2.0)

    event = AuditEvent.objects.get(action="alert.open")
    assert (event.target_type, event.target_id) == ("model_version", str(watched.version.uuid))
    assert watched.version.digest in event.body
    assert str(Alert.objects.get().uuid) in event.body


@pytest.mark.parametrize(
    ("change", "kind", "columns"),
    [
        ({"shift": 2.0}, "drift", ["amount"]),
        ({"missing": 0.3}, "missing", ["age"]),
        ({"country": ("de", "fr", "it", "xx")}, "new_category", ["country"]),
    ],
)
def test_each_trouble_has_a_kind_of_its_own(watched, bring, change, kind, columns):
    bring(watched, 3, **change)

    assert Alert.objects.get(kind=kind).columns == columns


def test_changed_columns_are_an_alert_whatever_they_hold(watched, bring):
    table = rows()
    table["unheard_of"] = table.pop("amount")

    bring(watched, 3, profile=profile_of(watched, table))

    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.columns) == ("schema", "critical", ["amount", "unheard_of"])


def test_drift_of_predictions_is_another_kind_than_that_of_features(make_watched, bring):
    roles = {"amount": "prediction"}
    monitor = make_watched(profiles={"reference": build_profile(rows(20_000), roles=roles).to_bytes()})

    bring(monitor, 3, profile=profile_of(monitor, rows(shift=2.0, seed=4), roles=roles))

    assert alerts() == [("prediction_drift", "open", "critical")]


def test_a_small_shift_that_lasts_is_found_in_time(make_watched, bring):
    monitor = make_watched(learn_windows=0, profiles={"reference": build_profile(rows(100_000, seed=7)).to_bytes()})
    for back in range(9, 2, -1):
        bring(monitor, back, n=5_000, shift=0.08)

    assert ("sequential", "open", "warn") in alerts()
    assert Alert.objects.get(kind="sequential").columns == ["amount"]


def test_a_trouble_that_lasts_is_one_alert_and_is_told_of_once(watched, bring):
    for back in (5, 4, 3):
        bring(watched, back, shift=2.0)

    alert = Alert.objects.get()
    assert (alert.first_window.start, alert.last_window.start) == (day(5), day(3))
    assert heard() == [("opened", "drift", "critical")]


def test_what_gets_worse_or_wider_is_told_again(watched, bring):
    bring(watched, 5, n=20_000, shift=0.4)
    bring(watched, 4, shift=2.0)
    bring(watched, 3, shift=2.0, country=("de", "fr", "fr", "fr"))

    assert heard()[:2] == [("opened", "drift", "warn"), ("updated", "drift", "critical")]
    assert ("updated", "drift", "critical") in heard()[2:]
    assert Alert.objects.get(kind="drift").columns == ["amount", "country"]
    assert len({facts["key"] for _, facts in HEARD}) == len(HEARD)


def test_an_alert_is_over_when_a_window_is_well_again(watched, bring):
    bring(watched, 4, shift=2.0)

    bring(watched, 3)

    alert = Alert.objects.get()
    assert (alert.state, alert.closed_by) == ("closed", "worker")
    assert heard() == [("opened", "drift", "critical"), ("closed", "drift", "critical")]


@pytest.mark.parametrize("few", [0, 10])
def test_a_window_that_cannot_tell_closes_nothing(watched, bring, few):
    bring(watched, 4, shift=2.0)

    bring(watched, 3, n=few)

    assert alerts() == [("drift", "open", "critical")]


def test_what_is_found_late_opens_an_alert_too(watched, bring):
    bring(watched, 3)
    bring(watched, 6, shift=2.0)

    assert alerts() == [("drift", "open", "critical")]


def test_a_restatement_does_not_open_again_what_was_closed(watched, bring, alice):
    bring(watched, 4, shift=2.0)
    services.close_alert(alert=Alert.objects.get(), reason="a campaign", actor=alice)

    bring(watched, 4, n=100, shift=2.0)

    assert alerts() == [("drift", "closed", "critical")]


def test_worse_performance_is_known_when_labels_are(make_watched, bring):
    import numpy as np

    rng = np.random.default_rng(0)
    y, noise = rng.random(4_000) < 0.5, rng.random(4_000)
    trained = build_classification(y, np.where(noise < 0.9, y, ~y))
    monitor = make_watched(profiles={"reference": build_profile(rows(4_000), performance=trained).to_bytes()})
    worse = build_classification(y, np.where(noise < 0.6, y, ~y))

    bring(monitor, 3, profile=profile_of(monitor, rows(4_000, seed=1), performance=worse))

    assert alerts() == [("performance", "open", "critical")]


def test_mild_trouble_is_below_a_severe_monitor(make_watched, bring):
    monitor = make_watched(severity="critical")

    bring(monitor, 4, n=20_000, shift=0.4)
    assert alerts() == []

    bring(monitor, 3, shift=2.0)
    assert alerts() == [("drift", "open", "critical")]


def test_a_column_that_is_left_out_alarms_nobody(make_watched, bring):
    monitor = make_watched(columns={"exclude": ["amount"]})

    bring(monitor, 3, shift=2.0)

    assert alerts() == []


def test_the_database_lets_one_alert_of_a_kind_be_open(watched):
    facts = {"project": watched.project, "monitor": watched, "kind": "drift", "severity": "warn", "message": "x"}
    Alert.objects.create(**facts)

    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(**facts, state="acknowledged")

    Alert.objects.create(**facts, state="closed", closed_at=clock.now())


def test_people_take_alerts_on_and_close_them(watched, bring, alice, bob, recorded_actions):
    bring(watched, 3, shift=2.0)
    alert = Alert.objects.get()

    services.acknowledge_alert(alert=alert, actor=bob, reason="looking")
    services.acknowledge_alert(alert=alert, actor=alice)
    services.close_alert(alert=alert, actor=alice, reason="a campaign")
    services.close_alert(alert=alert, actor=bob, reason="too late")

    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.closed_by, alert.reason) == (
        "closed",
        "bob",
        "alice",
        "a campaign",
    )
    assert [action for action in recorded_actions() if action.startswith("alert.")] == [
        "alert.open", "alert.acknowledge", "alert.close",
    ]  # fmt: skip
    with pytest.raises(AlertClosed):
        services.acknowledge_alert(alert=alert, actor=bob)


def test_an_alert_starts_retraining(watched, bring, make_trigger, monkeypatch):
    monkeypatch.setattr("monitoring.services.sending.send_firing", lambda firing_id: None)
    make_trigger(on="alert")

    bring(watched, 3, shift=2.0)

    firing = Firing.objects.get()
    assert firing.cause_label == "drift alert on fraud v1 in production"
    assert firing.cause_id == str(Alert.objects.get().uuid)


def test_quiet_hours_hold_back_the_message_and_not_the_record(make_watched, judge, run_jobs, later, monkeypatch):
    night = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}
    monitor = make_watched(quiet_hours=night)
    real = clock.now()
    at = [datetime(real.year + 1, 7, 1, 21, 30, tzinfo=UTC)]  # 23:30 in Berlin
    monkeypatch.setattr(clock, "now", lambda: at[0])
    send(monitor, profile_of(monitor, rows(shift=2.0)), day(3))
    close_due()
    run_jobs()

    assert alerts() == [("drift", "open", "critical")]
    at[0] += timedelta(hours=7, minutes=29)
    run_jobs()
    assert heard() == []
    at[0] += timedelta(minutes=1)
    run_jobs()
    assert heard() == [("opened", "drift", "critical")]


def test_silence_is_told_once_and_is_over_with_the_next_profile(watched, run_jobs, later):
    def look():
        for monitor_id in watching.find_silent():
            watching.tell_silence(monitor_id=monitor_id)
        run_jobs()

    look()
    assert alerts() == [], "nothing came yet, so nothing has ceased"
    send(watched, profile_of(watched, rows()), day(1))
    look()
    assert alerts() == []

    later(2 * 86_400 + 86_400)
    look()
    look()
    assert alerts() == [("silence", "open", "warn")]

    send(watched, profile_of(watched, rows()), day(0))
    run_jobs()
    assert heard() == [("opened", "silence", "warn"), ("closed", "silence", "warn")]


def test_a_version_that_is_no_longer_in_service_may_be_silent(project, bob, home, run_jobs, later):
    version = new_trained_version(project, bob)
    deployment = serve(version, bob)
    run_jobs()
    monitor = the_monitor(version)
    send(monitor, profile_of(monitor, rows()), day(1))
    end_deployment(deployment=deployment, reason="replaced", actor=bob)

    later(10 * 86_400)

    assert watching.find_silent() == []


def test_what_runs_and_is_not_promoted_is_an_alert(watched, project, bob, run_jobs):
    other = new_trained_version(project, bob)

    deployment = serve(other, bob)
    run_jobs()

    alert = Alert.objects.get()
    assert (alert.kind, alert.monitor, alert.severity) == ("mismatch", the_monitor(other), "warn")
    assert alert.message == f"eu-1 runs fraud v2 ({other.digest}), and {watched.version.digest} is promoted there."
    assert alert.causes == [f"deployment:{deployment.uuid}"]


def test_the_failed_verdict_of_another_tool_is_an_alert(watched, bob, run_jobs):
    document = orjson.dumps(
        {
            "name": "bias audit",
            "verdict": "fail",
            "tool": "aequitas",
            "summary": {"failures": [{"check": "parity", "columns": ["age"]}]},
        }
    )
    services.receive_verdict(version=watched.version, document=document, actor=bob)
    services.receive_verdict(version=watched.version, document=document, actor=bob)
    run_jobs()
    watching.weigh_evidence(
        version_uuid=str(watched.version.uuid),
        report=Alert.objects.get(kind="external").causes[0].removeprefix("report:"),
    )

    alert = Alert.objects.get(kind="external")
    assert (alert.severity, alert.columns, alert.message) == ("critical", ["age"], "aequitas failed: bias audit.")
    assert heard().count(("opened", "external", "critical")) == 1
    assert ("updated", "external", "critical") not in heard()


def test_a_passed_verdict_is_none(watched, bob, run_jobs):
    services.receive_verdict(
        version=watched.version, document=b'{"name": "x", "verdict": "pass", "tool": "y"}', actor=bob
    )
    run_jobs()

    assert not Alert.objects.filter(kind="external").exists()
