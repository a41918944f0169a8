"""Triggers over HTTP: made strictly, shown without their credentials, changed without letting those go elsewhere."""

import orjson
import pytest

from audit.models import AuditEvent
from core.sealing import unseal
from monitoring.models import Firing, Trigger

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home", "project")]

GITHUB = {
    "name": "retrain",
    "on": "alert",
    "filter": {"kinds": ["drift"], "severity": "critical", "model": "fraud"},
    "action": "github",
    "settings": {"repository": "acme/fraud"},
    "credentials": {"token": "ghp_canary"},
}
WEBHOOK = {
    "name": "nightly",
    "on": "calendar",
    "filter": {"cron": "0 3 * * MON", "timezone": "Europe/Berlin"},
    "action": "webhook",
    "address": "https://jobs.example.org/retrain?key=canary",
}


def credentials_of(trigger):
    return orjson.loads(unseal(trigger.sealed_credentials))


def test_a_trigger_is_made_and_read_back(api, carol):
    made = api(carol).post("triggers", json=GITHUB)

    body = made.json()
    assert made.status_code == 201, made.content
    assert (body["address"], body["owner"], body["cool_down_s"]) == ("https://api.github.com", "carol", 3_600)
    assert body["filter"] == GITHUB["filter"] | {"environment": None}
    assert body["settings"] == {"repository": "acme/fraud", "event_type": "lineal"}
    assert (body["next_at"], body["secret"]) == (None, None)
    shown = api(carol).get(f"triggers/{body['id']}").json()
    assert shown == {key: value for key, value in body.items() if key != "secret"}
    assert [each["name"] for each in api(carol).get("triggers").json()["items"]] == ["retrain"]
    assert api(carol).get("triggers?on=calendar").json()["items"] == []


def test_what_is_shown_can_be_sent_back(api, carol, recorded_actions):
    """A page that edits a trigger sends what it was given."""
    client = api(carol)
    made = client.post("triggers", json=GITHUB).json()
    before = recorded_actions()

    answer = client.patch(
        f"triggers/{made['id']}", json={key: made[key] for key in ("filter", "settings", "address", "enabled", "owner")}
    )

    assert (answer.status_code, recorded_actions()) == (200, before)


def test_a_webhook_without_a_secret_gets_one_that_is_shown_once(api, carol):
    made = api(carol).post("triggers", json=WEBHOOK)

    body = made.json()
    assert body["secret"].startswith("whsec_")
    assert made.headers["Cache-Control"] == "no-store"
    assert credentials_of(Trigger.objects.get()) == {"secret": body["secret"]}
    assert body["next_at"] is not None
    assert "secret" not in api(carol).get(f"triggers/{body['id']}").json()


def test_no_credential_is_shown_logged_or_stored_open(api, carol, caplog):
    client = api(carol)
    hook = client.post("triggers", json=WEBHOOK).json()
    token = client.post("triggers", json=GITHUB).json()
    client.patch(f"triggers/{token['id']}", json={"credentials": {"token": "ghp_canary2"}})
    refused = client.patch(f"triggers/{token['id']}", json={"credentials": {"token": "ghp_canary é"}})
    client.delete(f"triggers/{token['id']}")

    seen = refused.content.decode() + caplog.text
    seen += "".join(event.body for event in AuditEvent.objects.all())
    seen += "".join(client.get(path).content.decode() for path in ("triggers", f"triggers/{hook['id']}"))
    assert refused.status_code == 422
    assert "canary" not in seen, "neither a token nor the query of an address"
    assert hook["secret"] not in seen
    assert not any(b"canary" in bytes(trigger.sealed_credentials) for trigger in Trigger.objects.all())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Re train"}, "name"),
        ({"on": "moon"}, "on"),
        ({"action": "carrier pigeon"}, "action"),
        ({"filter": {"severity": "mild"}}, "filter.severity"),
        ({"filter": {"kinds": "drift"}}, "filter.kinds"),
        ({"filter": {"kind": ["drift"]}}, "filter.kind"),
        ({"on": "calendar", "filter": {"cron": "0 25 * * *"}}, "filter.cron"),
        ({"on": "calendar", "filter": {"cron": "0 3 * * *", "timezone": "Mars"}}, "filter.timezone"),
        ({"on": "calendar", "filter": {}}, "filter.cron"),
        ({"on": "dataset_version", "filter": {}}, "filter.dataset"),
        ({"settings": {}}, "settings.repository"),
        ({"settings": {"repository": "fraud"}}, "settings.repository"),
        ({"settings": {"repository": "acme/.."}}, "settings.repository"),
        ({"settings": {"repository": "acme/fraud", "branch": "x"}}, "settings.branch"),
        ({"credentials": {}}, "credentials.token"),
        ({"credentials": {"token": "two\nlines"}}, "credentials.token"),
        ({"credentials": {"token": "x", "password": "y"}}, "credentials.password"),
        ({"address": "ftp://example.org"}, "address"),
        ({"address": "https://user:pw@example.org"}, "address"),
        ({"address": "javascript:alert(1)"}, "address"),
        ({"address": "https://"}, "address"),
        ({"address": "https://exa mple.org"}, "address"),
        ({"address": "https://example.org:99999"}, "address"),
        ({"cool_down_s": -1}, "cool_down_s"),
        ({"action": "webhook", "settings": {}, "credentials": {"secret": "short"}, "address": "https://x.org"},
         "credentials.secret"),
        ({"action": "webhook", "settings": {}, "credentials": {}}, "address"),
        ({"action": "airflow", "settings": {"dag": "x", "api": "v3"}, "address": "https://x.org"}, "settings.api"),
        ({"action": "airflow", "settings": {"dag": "x"}, "credentials": {"username": "u"}, "address": "https://x.org"},
         "credentials.password"),
        ({"action": "airflow", "settings": {"dag": "x"}, "credentials": {"username": "a:b", "password": "p"},
          "address": "https://x.org"}, "credentials.username"),
    ],
)  # fmt: skip
def test_triggers_that_cannot_be_are_not_made(api, carol, changes, field):
    answer = api(carol).post("triggers", json=GITHUB | changes)

    assert answer.status_code == 422, answer.content
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not Trigger.objects.exists()


def test_all_mistakes_are_told_at_once(api, carol):
    answer = api(carol).post("triggers", json=GITHUB | {"filter": {"x": 1}, "settings": {}, "credentials": {}})

    assert {error["field"] for error in answer.json()["errors"]} == {
        "filter.x", "settings.repository", "credentials.token"
    }  # fmt: skip


def test_a_name_is_given_once_until_its_trigger_is_deleted(api, carol):
    client = api(carol)
    first = client.post("triggers", json=GITHUB).json()

    assert client.post("triggers", json=GITHUB).status_code == 409
    client.delete(f"triggers/{first['id']}")
    assert client.post("triggers", json=GITHUB).status_code == 201


def test_credentials_do_not_move_to_another_host(api, carol):
    """Whoever may change a trigger must not thereby read its token."""
    client = api(carol)
    where = f"triggers/{client.post('triggers', json=GITHUB).json()['id']}"

    refused = client.patch(where, json={"address": "https://evil.example"})
    renewed = client.patch(where, json={"address": "https://ghe.example/api/v3", "credentials": {"token": "new"}})
    deeper = client.patch(where, json={"address": "https://ghe.example/api/v4/"})

    assert refused.json()["errors"] == [
        {"field": "credentials", "detail": "Another host needs its credentials to be given anew."}
    ]
    assert (renewed.status_code, deeper.status_code) == (200, 200)
    assert deeper.json()["address"] == "https://ghe.example/api/v4"
    assert credentials_of(Trigger.objects.get()) == {"token": "new"}


def test_a_calendar_that_is_switched_on_waits_for_its_next_moment(api, carol):
    client = api(carol)
    made = client.post("triggers", json=WEBHOOK | {"enabled": False}).json()

    enabled = client.patch(f"triggers/{made['id']}", json={"enabled": True}).json()
    moved = client.patch(f"triggers/{made['id']}", json={"filter": {"cron": "0 4 1 1 *"}}).json()

    assert made["next_at"] is None
    assert enabled["next_at"] is not None
    assert moved["next_at"].endswith("-01-01T04:00:00.000000Z")


def test_each_act_leaves_its_entry(api, carol, recorded_actions):
    client = api(carol)
    before = len(recorded_actions())
    where = f"triggers/{client.post('triggers', json=GITHUB).json()['id']}"
    client.patch(where, json={"cool_down_s": 60})
    client.post(f"{where}/fire")
    client.delete(where)

    acts = [action for action in recorded_actions()[before:] if action.startswith("trigger")]
    assert acts == ["trigger.create", "trigger.update", "trigger.fire", "trigger.delete"]


def test_a_deleted_trigger_keeps_its_firings_and_no_credentials(api, carol):
    client = api(carol)
    where = f"triggers/{client.post('triggers', json=GITHUB).json()['id']}"
    client.post(f"{where}/fire")

    assert client.delete(where).status_code == 204

    assert [client.get(path).status_code for path in (where, f"{where}/firings")] == [404, 404]
    assert bytes(Trigger.objects.get().sealed_credentials) == b""
    assert Firing.objects.count() == 1


def test_firings_are_listed_newest_first(api, carol):
    client = api(carol)
    where = f"triggers/{client.post('triggers', json=GITHUB).json()['id']}"
    first, second = client.post(f"{where}/fire").json(), client.post(f"{where}/fire").json()

    listed = client.get(f"{where}/firings").json()["items"]

    assert [each["id"] for each in listed] == [second["id"], first["id"]]
    assert listed[1] == first
    assert (first["cause"]["type"], first["cause"]["label"], first["state"]) == ("test", "test by carol", "pending")
    assert client.get(f"{where}/firings?state=suppressed").json()["items"] == []


def test_mallory_learns_nothing(api, carol, mallory):
    made = api(carol).post("triggers", json=GITHUB).json()
    stranger = api(mallory)

    for path in ("triggers", f"triggers/{made['id']}", f"triggers/{made['id']}/firings"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"triggers/{made['id']}/fire").status_code == 404
    assert not Firing.objects.exists()


def test_a_contributor_may_look_and_not_touch(api, carol, bob):
    made = api(carol).post("triggers", json=GITHUB).json()

    assert api(bob).get(f"triggers/{made['id']}").status_code == 200
    assert api(bob).post(f"triggers/{made['id']}/fire").status_code == 403
