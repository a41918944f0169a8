"""Monitors over HTTP: what serving code asks and sends, and what people look at and set."""

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest

from audit.models import AuditEvent
from core.ids import uuid7
from monitoring.engine import Limits
from monitoring.models import Alert, Baseline, Monitor, ProfilePart
from monitoring.profiles import DEFAULT_KEY, key_id, reference_of
from monitoring.services.baselines import baseline_profile
from tests.monitoring.building import build_profile
from tests.monitoring.production import (
    body,
    day,
    new_trained_version,
    profile_of,
    promote,
    rows,
    send,
    serve,
    store_artifact,
    the_monitor,
)  # fmt: skip
from tests.registry.factories import new_run, new_version

pytestmark = pytest.mark.django_db

QUESTION = "models/fraud/environments/production/monitor"
OWN_KEY = b"sixteen bytes ok"


@pytest.fixture
def reporter(api, bob):
    """Serving code: a token that may report, and nothing else."""
    return api(bob, scopes=("report",))


@pytest.fixture
def keeper(api, carol):
    return api(carol)


def url(monitor, *parts):
    return "/".join(["monitors", str(monitor.uuid), *parts])


# What serving code asks


def test_serving_code_learns_where_its_profiles_go(watched, reporter):
    answer = reporter.get(QUESTION).json()

    baseline = Baseline.objects.get()
    assert answer == {
        "id": str(watched.uuid),
        "version": {"model": "fraud", "number": 1, "digest": watched.version.digest},
        "environment": "production",
        "window_s": 86_400,
        "privacy": "standard",
        "reference": {"id": baseline.reference_id, "url": f"/api/v1/monitors/{watched.uuid}/reference?project=default"},
        "enabled": True,
    }


def test_the_reference_is_the_baselines_and_is_sent_once(watched, reporter):
    answer = reporter.get(url(watched, "reference"))
    again = reporter.get(url(watched, "reference"), headers={"if-none-match": answer.headers["ETag"]})

    expected = reference_of(baseline_profile(Baseline.objects.get()), DEFAULT_KEY)
    assert answer.json() == expected.to_json()
    assert answer.headers["ETag"] == f'"{expected.id}.{key_id(DEFAULT_KEY)}"'
    assert (again.status_code, again.content) == (304, b"")


def test_without_a_baseline_there_is_a_monitor_and_no_reference(make_watched, reporter):
    monitor = make_watched(profiles={})

    assert reporter.get(QUESTION).json()["reference"] is None
    refused = reporter.get(url(monitor, "reference"))
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/baseline-not-found")


def test_a_question_comes_before_any_worker_has_looked(home, project, bob, reporter):
    promote(new_trained_version(project, bob), bob)

    answer = reporter.get(QUESTION).json()

    assert answer["id"] == str(Monitor.objects.get().uuid)
    assert answer["reference"] is not None


def test_what_runs_is_watched_where_nothing_is_promoted(home, project, bob, reporter):
    version = new_version(project, bob)
    assert reporter.get(QUESTION).json()["type"] == "/problems/monitor-not-found"

    serve(version, bob)

    assert reporter.get(QUESTION).json()["version"]["number"] == 1


def test_serving_code_may_ask_for_the_version_that_it_loaded(watched, project, bob, reporter):
    promote(new_version(project, bob), bob)

    assert reporter.get(QUESTION).json()["version"]["number"] == 2
    assert reporter.get(f"{QUESTION}?version={watched.version.digest}").json()["version"]["number"] == 1


# What serving code sends


def test_a_part_is_new_once_and_known_after(watched, reporter):
    sent = body(profile_of(watched, rows()), day(2))

    first, again = (reporter.post(url(watched, "profiles"), json=sent) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["part"], first.json()["rows"]) == (sent["part"], 2_000)


def test_another_profile_under_a_known_id_is_a_conflict(watched, reporter):
    sent = body(profile_of(watched, rows()), day(2))
    reporter.post(url(watched, "profiles"), json=sent)

    answer = reporter.post(
        url(watched, "profiles"), json=sent | body(profile_of(watched, rows(5)), day(2), part=sent["part"])
    )

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/part-differs")


def tampered(profile):
    raw = bytearray(profile.to_bytes())
    raw[-20] ^= 1
    return bytes(raw)


@pytest.mark.parametrize(
    "spoil",
    [tampered, lambda profile: profile.to_bytes()[:-1], lambda profile: b"", lambda profile: b"PK\x03\x04",
     lambda profile: profile.to_bytes() + b"x"],
    ids=["tampered", "cut", "empty", "something else", "more behind it"],
)  # fmt: skip
def test_bytes_that_are_no_profile_are_refused(watched, reporter, spoil):
    answer = reporter.post(url(watched, "profiles"), json=body(spoil(profile_of(watched, rows())), day(2)))

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/profile-unreadable")
    assert answer.json()["errors"][0]["field"] == "profile"
    assert not ProfilePart.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [({"profile": "not base64!"}, "profile"), ({"part": "seven"}, "part"), ({"start": "soon"}, "start"),
     ({"end": "1999-01-01T00:00:00Z"}, "end"), ({"start": "2199-01-01T00:00:00Z", "end": "2199-01-01T00:00:00Z"}, "start"),
     ({"profile": None}, "profile")],
)  # fmt: skip
def test_a_request_with_a_mistake_names_it(watched, reporter, change, field):
    answer = reporter.post(url(watched, "profiles"), json=body(profile_of(watched, rows(100)), day(2)) | change)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_profile_of_another_version_is_refused_and_somebody_is_told(watched, reporter):
    stranger = build_profile(rows(), key=OWN_KEY)

    for _ in range(2):
        answer = reporter.post(url(watched, "profiles"), json=body(stranger, day(2)))

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/profile-mismatch")
    alert = Alert.objects.get()
    assert (alert.kind, alert.told) == ("mismatch", 1)
    assert key_id(OWN_KEY) in alert.message


def test_strict_and_standard_profiles_do_not_share_a_window(watched, reporter):
    send(watched, profile_of(watched, rows()), day(2))

    answer = reporter.post(url(watched, "profiles"), json=body(profile_of(watched, rows(), privacy="strict"), day(2)))
    elsewhere = reporter.post(
        url(watched, "profiles"), json=body(profile_of(watched, rows(), privacy="strict"), day(3))
    )

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/profile-mismatch")
    assert elsewhere.status_code == 201


# What people look at


def test_windows_are_listed_with_what_was_found(watched, judge, api, bob):
    for back in (3, 2):
        send(watched, profile_of(watched, rows(seed=back, shift=2.0 * (back == 3))), day(back))
    judge()

    listed = api(bob).get(url(watched, "windows?limit=1")).json()
    rest = api(bob).get(url(watched, f"windows?limit=1&cursor={listed['next_cursor']}")).json()
    one = api(bob).get(f"windows/{rest['items'][0]['id']}").json()

    assert [listed["items"][0]["evaluation"]["state"], rest["items"][0]["evaluation"]["state"]] == ["ok", "critical"]
    assert one["evaluation"]["alarms"] == {"drift": "critical"}
    assert {each["column"] for each in one["result"]["columns"]} == {"amount", "age", "country"}
    assert (one["part_count"], len(one["parts"]), one["monitor"]) == (1, 1, str(watched.uuid))


def test_a_columns_history_has_a_verdict_for_each_window(watched, judge, api, bob):
    for back in (4, 3, 2):
        send(watched, profile_of(watched, rows(seed=back)), day(back))
    judge()

    history = api(bob).get(url(watched, "columns", "amount?kind=drift")).json()["items"]

    assert [each["start"][:10] for each in history] == [str(day(back).date()) for back in (2, 3, 4)]
    assert all(each["state"] == "ok" and each["effects"]["psi"] < 0.1 for each in history)
    assert api(bob).get(url(watched, "columns", "a/b%20c")).json()["items"] == []


def test_monitors_are_found_by_what_they_watch(watched, make_version, api, bob):
    for query, count in (
        ("", 1), ("?model=fraud", 1), ("?model=churn", 0), ("?environment=production&version=1", 1), ("?version=2", 0),
        ("?enabled=true", 1), ("?enabled=false", 0),
    ):  # fmt: skip
        assert len(api(bob).get(f"monitors{query}").json()["items"]) == count, query


def test_alerts_are_found_taken_on_and_closed(watched, judge, api, bob):
    send(watched, profile_of(watched, rows(shift=2.0)), day(2))
    judge()
    client = api(bob)
    (found,) = client.get("alerts?state=active&kind=drift&model=fraud&environment=production").json()["items"]
    assert found["title"] == "Drift, fraud v1 in production"
    assert found["first_window"]["start"] == found["last_window"]["start"]

    taken = client.post(f"alerts/{found['id']}/acknowledge", json={})
    refused = client.post(f"alerts/{found['id']}/close", json={})
    closed = client.post(f"alerts/{found['id']}/close", json={"reason": "a campaign"})

    assert (taken.status_code, taken.json()["state"], taken.json()["acknowledged_by"]) == (200, "acknowledged", "bob")
    assert refused.status_code == 422
    assert (closed.json()["state"], closed.json()["reason"]) == ("closed", "a campaign")
    assert client.post(f"alerts/{found['id']}/acknowledge", json={}).json()["type"] == "/problems/alert-closed"
    assert client.get("alerts?state=active").json()["items"] == []
    assert client.get(f"alerts?state=closed&monitor={watched.uuid}").json()["items"][0]["id"] == found["id"]


@pytest.mark.parametrize(
    "path", ["monitors/{}", "windows/{}", "alerts/{}", "monitors/{}/windows", "monitors/{}/columns/x"]
)
def test_what_is_not_there_is_said_so(project, api, bob, path):
    answer = api(bob).get(path.format(uuid7()))

    assert answer.status_code == 404
    assert answer.json()["type"].endswith("-not-found")


def test_another_projects_things_are_not_there(watched, judge, make_project, api, alice_account, alice):
    make_project("elsewhere", admin=alice_account)
    send(watched, profile_of(watched, rows(shift=2.0)), day(2))
    judge()
    window, alert = watched.windows.get(), Alert.objects.get()

    for path in (url(watched), url(watched, "reference"), f"windows/{window.uuid}", f"alerts/{alert.uuid}"):
        assert api(alice).get(f"{path}?project=elsewhere").status_code == 404, path


# What people set


def test_a_monitor_is_set_and_the_ledger_has_before_and_after(watched, keeper):
    changes = {
        "window_s": 3_600,
        "limits": {"psi_warn": 0.05, "columns": {"age": {"ignore": True}}},
        "columns": {"include": ["amount", "age"], "exclude": ["request_id"]},
        "severity": "critical",
        "quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"},
        "owner": "dave",
    }

    answer = keeper.patch(url(watched), json=changes)

    assert answer.status_code == 200
    shown = answer.json()
    assert shown["limits"] == Limits.from_json(changes["limits"]).to_json()
    assert {name: shown[name] for name in changes if name not in ("limits", "columns")} == {
        name: value for name, value in changes.items() if name not in ("limits", "columns")
    }
    assert shown["columns"] == {"include": ["age", "amount"], "exclude": ["request_id"]}
    event = AuditEvent.objects.get(action="monitor.update")
    assert "22:00" in event.body
    assert "psi_warn" in event.body
    assert keeper.patch(url(watched), json=changes).status_code == 200
    assert AuditEvent.objects.filter(action="monitor.update").count() == 1, "nothing had changed"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"limits": {"psi": 1}}, "limits.psi"),
        ({"limits": {"psi_warn": 3.0, "psi_critical": 1.0}}, "limits.psi_warn"),
        ({"limits": []}, "limits"),
        ({"window_s": 5}, "window_s"),
        ({"severity": "mild"}, "severity"),
        ({"columns": {"include": ["unheard of"]}}, "columns.include"),
        ({"columns": {"only": []}}, "columns.only"),
        ({"quiet_hours": {"from": "25:00", "to": "07:00", "timezone": "UTC"}}, "quiet_hours"),
        ({"quiet_hours": {"from": "22:00", "to": "22:00", "timezone": "UTC"}}, "quiet_hours"),
        ({"quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Mars"}}, "quiet_hours"),
        ({"quiet_hours": {"from": "22:00"}}, "quiet_hours.to"),
        ({"windows": 1}, "windows"),
        ({"owner": ""}, "owner"),
    ],
)
def test_settings_that_no_monitor_can_have_are_refused(watched, keeper, changes, field):
    answer = keeper.patch(url(watched), json=changes)

    assert answer.status_code == 422, answer.content
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not AuditEvent.objects.filter(action="monitor.update").exists()


def test_the_next_version_is_watched_as_the_last_one_was(watched, keeper, project, bob, run_jobs):
    keeper.patch(url(watched), json={"window_s": 3_600, "owner": "dave"})

    promote(new_trained_version(project, bob), bob)
    run_jobs()

    latest = Monitor.objects.latest("id")
    assert (latest.version.number, latest.window_s, latest.owner) == (2, 3_600, "dave")


def test_a_window_is_accepted_and_no_longer(watched, judge, keeper):
    send(watched, profile_of(watched, rows(shift=2.0)), day(2))
    window = watched.windows.get()
    assert (
        keeper.put(f"windows/{window.uuid}/acceptance", json={"reason": "x"}).json()["type"] == "/problems/not-judged"
    )
    judge()

    accepted = keeper.put(f"windows/{window.uuid}/acceptance", json={"reason": "a campaign"})
    dropped = keeper.delete(f"windows/{window.uuid}/acceptance")

    assert accepted.json()["accepted"] == "accepted"
    assert dropped.status_code == 204
    assert keeper.get(f"windows/{window.uuid}").json()["accepted"] == ""


# Baselines


@pytest.mark.parametrize(
    ("kept", "frozen"),
    [
        (("other", "train", "reference"), "reference"),
        (("other", "train"), "train"),
        (("other",), "other"),
        (("one", "another"), None),
        ((), None),
    ],
)
def test_the_baseline_is_what_the_run_kept(home, project, bob, run_jobs, api, kept, frozen):
    documents = {name: build_profile(rows(100 + n)).to_bytes() for n, name in enumerate(kept)}
    new_trained_version(project, bob, documents)
    run_jobs()

    answer = api(bob).get("models/fraud/versions/1/baseline")

    if frozen is None:
        assert answer.json()["type"] == "/problems/baseline-not-found"
        return
    assert b64decode(answer.json()["profile"]) == documents[frozen]
    assert answer.json()["source"] == f"lineal/profiles/{frozen}.lineal-profile"
    assert AuditEvent.objects.filter(action="baseline.freeze").count() == 1


def test_a_baseline_that_cannot_be_read_is_on_the_ledger_and_stops_nothing(home, project, bob, run_jobs):
    run = new_run(project, bob)
    store_artifact(run, "lineal/profiles/reference.lineal-profile", b"lineal-profile/1\n" + bytes(60))
    version = new_version(project, bob, run=run)
    promote(version, bob)

    run_jobs()

    assert the_monitor(version)
    assert not Baseline.objects.exists()
    assert set(AuditEvent.objects.filter(action="baseline.freeze").values_list("outcome", flat=True)) == {"error"}


def test_a_baseline_is_replaced_by_people_alone(watched, project, bob, keeper, run_jobs):
    frozen = Baseline.objects.get().sha256
    store_artifact(watched.version.run, "lineal/profiles/later.lineal-profile", build_profile(rows(50)).to_bytes())
    serve(watched.version, bob)
    run_jobs()
    assert Baseline.objects.get().sha256 == frozen
    better = {"profile": b64encode(build_profile(rows(5_000)).to_bytes()).decode(), "reason": "the old one was of 2019"}

    answers = [keeper.put("models/fraud/versions/1/baseline", json=better) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert (answers[0].json()["rows"], answers[0].json()["frozen_by"]) == (5_000, "carol")
    event = AuditEvent.objects.get(action="baseline.replace")
    assert frozen in event.body


def test_a_baseline_with_a_key_of_its_own_needs_it_for_a_reference(make_watched, keeper, api, bob):
    document = build_profile(rows(5_000), key=OWN_KEY, privacy="strict").to_bytes()
    monitor = make_watched(profiles={"reference": document})
    assert keeper.get("models/fraud/versions/1/baseline").json()["reference"] is None
    assert "key" in keeper.get(url(monitor, "reference")).json()["detail"]
    put = {"profile": b64encode(document).decode(), "reason": "with its key"}

    wrong = keeper.put("models/fraud/versions/1/baseline", json=put | {"key": b64encode(DEFAULT_KEY).decode()})
    short = keeper.put("models/fraud/versions/1/baseline", json=put | {"key": b64encode(b"short").decode()})
    right = keeper.put("models/fraud/versions/1/baseline", json=put | {"key": b64encode(OWN_KEY).decode()})

    assert [wrong.status_code, short.status_code, right.status_code] == [422, 422, 200]
    assert wrong.json()["type"] == "/problems/profile-mismatch"
    reference = keeper.get(url(monitor, "reference")).json()
    assert b64decode(reference["key"]) == OWN_KEY
    assert keeper.get(QUESTION).json()["privacy"] == "strict"
    assert OWN_KEY not in bytes(Baseline.objects.get().sealed_key)


def test_windows_without_a_baseline_wait_for_one(make_watched, judge, keeper):
    """Nothing is lost: what came before is judged when there is something to judge it by."""
    monitor = make_watched(profiles={})
    send(monitor, build_profile(rows(shift=2.0)), day(2))
    send(monitor, build_profile(rows(), key=OWN_KEY), day(3) + timedelta(hours=1))
    judge()
    found = keeper.get(url(monitor, "windows")).json()["items"]
    assert [each["evaluation"]["state"] for each in found] == ["no_reference"] * 2

    put = {"profile": b64encode(build_profile(rows(20_000)).to_bytes()).decode(), "reason": "first"}
    keeper.put("models/fraud/versions/1/baseline", json=put)
    judge()

    found = keeper.get(url(monitor, "windows")).json()["items"]
    assert [each["evaluation"]["state"] for each in found] == ["critical", "no_reference"]
    assert set(Alert.objects.values_list("kind", flat=True)) == {"drift", "mismatch"}
