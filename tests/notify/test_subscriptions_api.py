"""Subscriptions over REST: what is refused and why, what is shown, and what nobody is shown twice."""

import pytest
from django.apps import apps
from django.core import serializers

from core.signatures import check_secret
from notify import services
from notify.models import Delivery, Subscription
from notify.services.subscriptions import MOST_SUBSCRIPTIONS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home", "reachable")]

WISH = {"name": "ops", "kind": "webhook", "target": "https://ops.example.org/hook/canary-path?key=canary-key"}


@pytest.fixture
def client(api, carol):
    return api(carol)


def test_a_webhook_is_made_and_its_secret_shown_once(client, recorded_actions):
    answer = client.post("subscriptions", json=WISH)

    made = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert check_secret(made["secret"])
    assert (made["target"], made["events"], made["least_severity"]) == ("https://ops.example.org/…", ["*"], "info")
    assert recorded_actions()[-1] == "subscription.create"

    shown = client.get(f"subscriptions/{made['id']}").json()
    assert "secret" not in shown
    assert client.get("subscriptions").json()["items"] == [shown]


@pytest.mark.parametrize(
    ("kind", "target", "shown"),
    [
        ("slack", "https://hooks.slack.com/services/T0/B0/canary", "https://hooks.slack.com/…"),
        ("teams", "https://prod-1.westeurope.logic.azure.com:443/workflows/canary?sig=x", "https://prod-1.westeurope.logic.azure.com:443/…"),
        ("webhook", "https://ops.example.org", "https://ops.example.org"),
        ("email", "ada@example.org,bo@example.net", "a…@example.org, b…@example.net"),
    ],
)  # fmt: skip
def test_only_webhooks_have_a_secret_and_targets_are_shown_in_part(client, mail_server, kind, target, shown):
    made = client.post("subscriptions", json=WISH | {"kind": kind, "target": target}).json()

    assert made["target"] == shown
    assert (made["secret"] is not None) is (kind == "webhook")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": "Not A Name"}, "name", "1 to 64"),
        ({"kind": "pager"}, "kind", "pager"),
        ({"target": "ftp://x.org"}, "target", "https://"),
        ({"target": "ops.example.org"}, "target", "https://"),
        ({"target": "https://user:pass@x.org/"}, "target", "user or password"),
        ({"target": "https://x.org/" + "x" * 2_000}, "target", "2000 characters"),
        ({"target": ""}, "target", "blank"),
        ({"kind": "email", "target": "ada"}, "target", "not an e-mail address"),
        ({"kind": "email", "target": " , "}, "target", "1 to 20"),
        ({"kind": "email", "target": "ada@example.org\r\nBcc: x@y.org"}, "target", "not an e-mail address"),
        ({"kind": "email", "target": ",".join(f"a{n}@example.org" for n in range(21))}, "target", "1 to 20"),
        ({"events": []}, "events", "1 to 20"),
        ({"events": ["alert.opend"]}, "events", "known are alert.closed"),
        ({"events": ["promotions.*"]}, "events", "No event matches"),
        ({"events": ["[a-z]*"]}, "events", "No event matches"),
        ({"events": "alert.*"}, "events", "list"),
        ({"least_severity": "fatal"}, "least_severity", "fatal"),
        ({"colour": "red"}, "colour", "Unknown key"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wish_that_cannot_stand_is_refused_with_its_reason(client, mail_server, changes, field, words):
    answer = client.post("subscriptions", json=WISH | changes)

    assert answer.status_code == 422
    (problem,) = [error for error in answer.json()["errors"] if error["field"].split(".")[0] == field]
    assert words in problem["detail"]
    assert not Subscription.objects.exists()


def test_all_mistakes_are_told_at_once(client):
    answer = client.post("subscriptions", json=WISH | {"target": "x", "events": ["nothing", "none.*"]})

    assert [error["field"] for error in answer.json()["errors"]] == ["target", "events", "events"]


def test_mail_needs_a_mail_server(client):
    answer = client.post("subscriptions", json=WISH | {"kind": "email", "target": "ada@example.org"})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/mail-not-set")
    assert "LINEAL_SMTP_URL" in answer.json()["detail"]


def test_a_name_is_taken_once_per_project(client, make_subscription):
    make_subscription(name="ops")

    answer = client.post("subscriptions", json=WISH)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/name-taken")


def test_a_project_has_so_many_and_no_more(client, make_subscription, project, carol):
    subscription = make_subscription(name="first")
    copies = [
        Subscription(project=project, name=f"n-{n}", kind="slack", sealed_target=b"", events=["*"], created_by_id=carol.id)
        for n in range(MOST_SUBSCRIPTIONS - 1)
    ]  # fmt: skip
    Subscription.objects.bulk_create(copies)

    assert client.post("subscriptions", json=WISH).json()["type"] == "/problems/too-many-subscriptions"

    client.delete(f"subscriptions/{subscription.uuid}")
    assert client.post("subscriptions", json=WISH).status_code == 201


def test_a_change_is_on_the_ledger_and_no_change_is_not(client, make_subscription, recorded_actions):
    subscription = make_subscription()
    where = f"subscriptions/{subscription.uuid}"

    changed = client.patch(where, json={"events": ["alert.*"], "least_severity": "critical", "enabled": False}).json()
    assert (changed["events"], changed["least_severity"], changed["enabled"]) == (["alert.*"], "critical", False)
    assert recorded_actions()[-1] == "subscription.update"

    before = len(recorded_actions())
    client.patch(where, json={"events": ["alert.*"], "enabled": False})
    assert len(recorded_actions()) == before


def test_a_change_is_whole_or_not_at_all(client, make_subscription):
    subscription = make_subscription()

    answer = client.patch(f"subscriptions/{subscription.uuid}", json={"enabled": False, "target": "nowhere"})

    assert answer.status_code == 422
    assert Subscription.objects.get().enabled


def test_messages_go_to_the_new_address_after_a_change(client, make_subscription, tell, run_jobs, webhook, slack):
    make_subscription(slack, kind="slack")
    subscription = Subscription.objects.get()
    tell()

    client.patch(f"subscriptions/{subscription.uuid}", json={"target": f"{webhook.address}/x"})
    webhook.take = lambda *_: (200, "ok")
    run_jobs()

    assert (len(slack.requests), len(webhook.requests)) == (0, 1)


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day(
    client, make_subscription, tell, run_jobs, webhook, later
):
    """So a receiver can change over in peace."""
    subscription = make_subscription(webhook)
    old = webhook.secret

    answer = client.post(f"subscriptions/{subscription.uuid}/secret")
    new = answer.json()["secret"]
    assert (answer.status_code, answer.headers["Cache-Control"], new != old) == (200, "no-store", True)

    tries = [(old, 0, True), (new, 0, True), (new, 25 * 3_600, True), (old, 0, False)]
    for number, (secret, after_s, is_taken) in enumerate(tries):
        later(after_s)
        webhook.secret = secret
        (delivery,) = tell(key=f"a-{number}")
        run_jobs()
        assert (Delivery.objects.get(pk=delivery.pk).state == "delivered") is is_taken


def test_what_is_not_signed_has_no_secret_to_renew(client, make_subscription):
    subscription = make_subscription(kind="slack")

    answer = client.post(f"subscriptions/{subscription.uuid}/secret")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/has-no-secret")


def test_a_test_message_says_that_it_works_even_to_a_disabled_one(client, make_subscription, run_jobs, webhook):
    subscription = make_subscription(webhook, enabled=False, events=["alert.*"], least_severity="critical")

    answer = client.post(f"subscriptions/{subscription.uuid}/test")
    run_jobs()

    delivery = client.get(f"deliveries/{answer.json()['id']}").json()
    assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    assert (delivery["state"], delivery["event"], delivery["facts"]) == ("delivered", "test", {"by": "carol"})
    assert [(attempt["status"], attempt["answer"]) for attempt in delivery["tries"]] == [(202, '{"ok": true}')]
    assert webhook.taken[0][1]["type"] == "test"
    assert not Subscription.objects.get().enabled


def test_deliveries_are_listed_by_state(client, make_subscription, tell, run_jobs, webhook):
    subscription = make_subscription(webhook)
    webhook.answers = [404]
    (first,) = tell(key="a-1")
    run_jobs()
    (second,) = tell(key="a-2")
    run_jobs()
    where = f"subscriptions/{subscription.uuid}/deliveries"

    assert [row["id"] for row in client.get(where).json()["items"]] == [str(second.uuid), str(first.uuid)]
    assert [row["id"] for row in client.get(f"{where}?state=failed").json()["items"]] == [str(first.uuid)]
    assert client.get(f"{where}?state=lost").status_code == 422
    page = client.get(f"{where}?limit=1").json()
    assert [row["id"] for row in client.get(f"{where}?cursor={page['next_cursor']}").json()["items"]] == [
        str(first.uuid)
    ]
    assert client.get("subscriptions").json()["items"][0]["last_state"] == "delivered"


def test_a_replay_over_rest(client, make_subscription, tell, run_jobs, webhook):
    make_subscription(webhook)
    webhook.answers = [404]
    (delivery,) = tell()
    run_jobs()

    answer = client.post(f"deliveries/{delivery.uuid}/replay")
    run_jobs()

    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    assert client.get(f"deliveries/{delivery.uuid}").json()["state"] == "delivered"


def test_nothing_is_replayed_to_a_disabled_subscription(client, make_subscription, tell, carol):
    subscription = make_subscription()
    (delivery,) = tell()
    services.update_subscription(subscription=subscription, changes={"enabled": False}, actor=carol)

    answer = client.post(f"deliveries/{delivery.uuid}/replay")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/subscription-disabled")


def test_enabling_forgets_that_it_failed(client, make_subscription, tell, run_jobs, webhook):
    subscription = make_subscription(webhook)
    webhook.answers = [410]
    tell()
    run_jobs()
    where = f"subscriptions/{subscription.uuid}"
    assert "410" in client.get(where).json()["disabled_because"]

    shown = client.patch(where, json={"enabled": True}).json()

    assert (shown["enabled"], shown["disabled_because"], shown["failing_since"]) == (True, "", None)


def test_deleting_takes_the_deliveries_along(client, make_subscription, tell, recorded_actions):
    subscription = make_subscription()
    tell()

    assert client.delete(f"subscriptions/{subscription.uuid}").status_code == 204
    assert client.get(f"subscriptions/{subscription.uuid}").status_code == 404
    assert not Delivery.objects.exists()
    assert recorded_actions()[-1] == "subscription.delete"


def test_a_strangers_delivery_is_a_missing_one(api, mallory, client, make_subscription, tell, make_project):
    make_subscription()
    (delivery,) = tell()
    make_project("elsewhere")

    assert api(mallory).get(f"deliveries/{delivery.uuid}").status_code == 404
    assert client.get(f"deliveries/{delivery.uuid}?project=elsewhere").status_code == 404


def test_no_secret_is_stored_in_the_clear(client, make_subscription, tell, run_jobs, webhook):
    made = client.post("subscriptions", json=WISH | {"name": "canary"}).json()
    client.post(f"subscriptions/{made['id']}/secret")
    make_subscription(webhook)
    tell()
    run_jobs()

    stored = "".join(
        serializers.serialize("json", model.objects.all())
        for model in apps.get_models()
        if model._meta.app_label in ("notify", "audit", "core")
    )

    assert '"name": "canary"' in stored
    assert [
        secret for secret in (made["secret"], "canary-path", "canary-key", webhook.secret) if secret in stored
    ] == []
