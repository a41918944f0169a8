"""Subscriptions by form: made, tried, changed and ended by who may, read by who may read, and secrets shown once."""

import re

import pytest

from accounts import services as accounts
from core.access import system_principal
from notify.models import Delivery, Subscription

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

LIST = "/projects/default/notifications"
WISH = {
    "name": "ops",
    "kind": "webhook",
    "target": "https://ops.example.org/canary",
    "events": "alert.*, promotion.waiting",
    "least_severity": "warn",
}


@pytest.fixture
def maintainer(make_member, browser):
    from core.access import Role

    return browser(make_member("mia", Role.MAINTAINER))


@pytest.fixture
def made(maintainer):
    maintainer.post(LIST, WISH)
    return Subscription.objects.get()


def page_of(subscription):
    return f"{LIST}/{subscription.uuid}"


def act(visitor, subscription, name, **fields):
    return visitor.post(f"{page_of(subscription)}/act", {"act": name, **fields}, page=page_of(subscription))


def secrets_in(answer):
    return re.findall(r"<code>(whsec_[^<]+)</code>", answer.content.decode())


def alert_of(answer):
    return re.search(r'role="alert">(.*?)</div>', answer.content.decode(), re.DOTALL).group(1)


def test_a_subscription_is_made_and_its_secret_shown_once(maintainer, recorded_actions):
    answer = maintainer.post(LIST, WISH)

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(secrets_in(answer)) == 1
    subscription = Subscription.objects.get()
    assert (subscription.events, subscription.least_severity) == (["alert.*", "promotion.waiting"], "warn")
    assert recorded_actions()[-1] == "subscription.create"
    for page in (LIST, page_of(subscription)):
        html = maintainer.get(page).content.decode()
        assert "whsec_" not in html
        assert "canary" not in html
        assert "https://ops.example.org/…" in html


def test_a_chat_has_no_secret_and_leads_to_its_page(maintainer):
    answer = maintainer.post(LIST, WISH | {"kind": "slack"})

    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(Subscription.objects.get()))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "Not A Name"}, "A name is"),
        ({"kind": "pager"}, "one of webhook"),
        ({"kind": "email", "target": "ada@example.org"}, "LINEAL_SMTP_URL"),
        ({"target": "nowhere"}, "https://"),
        ({"events": "alert.opend"}, "No event matches"),
        ({"events": " , "}, "1 to 20"),
        ({"least_severity": "fatal"}, "one of info"),
    ],
)
def test_a_wrong_form_is_told_what_is_wrong_and_keeps_its_fields(maintainer, fields, said):
    answer = maintainer.post(LIST, WISH | fields)

    assert answer.status_code == 422
    assert said in alert_of(answer)
    assert f'value="{(WISH | fields)["name"]}"' in answer.content.decode()
    assert "canary" not in answer.content.decode(), "an address is not shown again, not even a refused one"
    assert not Subscription.objects.exists()


def test_mail_is_offered_where_there_is_a_mail_server(maintainer, settings):
    assert 'value="email"' not in maintainer.get(LIST).content.decode()

    settings.SMTP_URL = "smtp://mail"

    assert 'value="email"' in maintainer.get(LIST).content.decode()


def test_who_may_not_write_sees_no_forms_and_is_refused(browser, bob, made, maintainer, recorded_actions):
    act(maintainer, made, "test")
    delivery = Delivery.objects.get()
    reader = browser(bob)

    for page in (LIST, page_of(made), f"/projects/default/deliveries/{delivery.uuid}"):
        answer = reader.get(page)
        assert answer.status_code == 200
        assert 'method="post"' not in answer.content.decode()
    for path in (LIST, f"{page_of(made)}/act", f"/projects/default/deliveries/{delivery.uuid}/replay"):
        answer = reader.post(path, WISH | {"act": "delete"}, page="/settings/tokens")
        assert answer.status_code == 403
        assert recorded_actions()[-1] == "access.denied"
    assert Subscription.objects.count() == 1


def test_a_stranger_meets_nothing(browser, mallory, made):
    answer = browser(mallory).post(f"{page_of(made)}/act", {"act": "delete"}, page="/settings/tokens")

    assert answer.status_code == 404
    assert Subscription.objects.exists()


def test_an_archived_project_is_told_nothing_new(maintainer, made, project):
    accounts.update_project(project=project, archived=True, actor=system_principal("tests"))

    answer = maintainer.post(f"{page_of(made)}/act", {"act": "test"}, page="/settings/tokens")

    assert answer.status_code == 409
    assert 'method="post"' not in maintainer.get(page_of(made)).content.decode()


def test_a_test_is_sent_and_what_came_of_it_is_shown(maintainer, made, run_jobs, settings):
    answer = act(maintainer, made, "test")
    assert "on its way" in maintainer.get(answer.headers["Location"]).content.decode()

    Subscription.objects.update(sealed_target=b"altered")
    run_jobs()

    html = maintainer.get(page_of(made)).content.decode()
    assert "Test of the subscription ops" in html
    assert "failed" in html
    delivery = Delivery.objects.get()
    assert "another key" in maintainer.get(f"/projects/default/deliveries/{delivery.uuid}").content.decode()


def test_a_delivery_is_replayed_by_form(maintainer, made, run_jobs, recorded_actions):
    act(maintainer, made, "test")
    Delivery.objects.update(state="failed", next_at=None)
    page = f"/projects/default/deliveries/{Delivery.objects.get().uuid}"

    answer = maintainer.post(f"{page}/replay", {}, page=page)

    assert answer.headers["Location"] == f"{page}?said=replayed"
    assert Delivery.objects.get().state == "pending"
    assert recorded_actions()[-1] == "delivery.replay"


def test_a_replay_that_cannot_be_is_explained(maintainer, made):
    act(maintainer, made, "test")
    Delivery.objects.update(event="alert.opened")
    act(maintainer, made, "disable")
    page = f"/projects/default/deliveries/{Delivery.objects.get().uuid}"

    answer = maintainer.post(f"{page}/replay", {}, page=page)

    assert answer.status_code == 409
    assert "enable it first" in alert_of(answer)


def test_what_it_is_told_is_changed_by_form(maintainer, made):
    target = bytes(Subscription.objects.get().sealed_target)

    answer = act(maintainer, made, "change", events="*", least_severity="info", target="")

    assert answer.status_code == 302
    changed = Subscription.objects.get()
    assert (changed.events, changed.least_severity, bytes(changed.sealed_target)) == (["*"], "info", target)

    act(maintainer, made, "change", events="*", least_severity="info", target="https://new.example.org/x")
    assert Subscription.objects.get().shown_target == "https://new.example.org/…"


def test_a_change_that_cannot_be_keeps_what_was_written(maintainer, made):
    answer = act(maintainer, made, "change", events="alert.opend", least_severity="info", target="")

    assert answer.status_code == 422
    assert "No event matches" in alert_of(answer)
    assert 'value="alert.opend"' in answer.content.decode()


def test_it_is_disabled_enabled_and_deleted_by_form(maintainer, made, recorded_actions):
    act(maintainer, made, "disable")
    assert not Subscription.objects.get().enabled
    act(maintainer, made, "enable")
    assert Subscription.objects.get().enabled

    answer = act(maintainer, made, "delete")

    assert answer.headers["Location"] == LIST
    assert not Subscription.objects.exists()
    assert recorded_actions()[-1] == "subscription.delete"


def test_a_new_secret_is_shown_once(maintainer, made):
    answer = act(maintainer, made, "rotate")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert len(secrets_in(answer)) == 1
    assert "whsec_" not in maintainer.get(page_of(made)).content.decode()


def test_an_act_that_is_none_is_refused(maintainer, made):
    answer = act(maintainer, made, "explode")

    assert answer.status_code == 422
    assert "one of test" in alert_of(answer)


def test_the_ledgers_entry_leads_to_the_subscription(maintainer, made, browser, alice):
    from audit.models import AuditEvent

    event = AuditEvent.objects.get(action="subscription.create")

    assert page_of(made) in browser(alice).get(f"/projects/default/audit/{event.uuid}").content.decode()
