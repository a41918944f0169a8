"""What happens in the other rooms is told, each in words and with a link; and every event that is offered does happen."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import orjson
import pytest
from django.db import transaction
from django.urls import resolve

from core import clock, events
from monitoring import services as monitoring
from notify.models import Delivery
from notify.topics import TOPICS, Topic
from registry import services as registry
from registry.models import Promotion
from tests.web import story

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
ALERT = {
    "alert_id": "0190a000-0000-7000-8000-0000000000a1",
    "kind": "drift",
    "severity": "critical",
    "model": "fraud",
    "number": 7,
    "digest": "sha256:" + "9f" * 32,
    "environment": "production",
    "columns": ["amount", "age"],
}


@pytest.fixture
def told(make_subscription, home, monkeypatch, run_jobs):
    """`told()`: what was told so far, by event. Nothing is sent."""
    make_subscription()
    monkeypatch.setattr("notify.services.sending.deliver", lambda **_: None)

    def read():
        run_jobs()
        return {delivery.event: delivery for delivery in Delivery.objects.order_by("pk")}

    return read


@pytest.fixture
def announce(project):
    def say(event, **facts):
        with transaction.atomic():
            events.announce(event, project_id=project.id, **facts)

    return say


def test_a_promotions_way_is_told(told, project, alice, bob, make_member):
    from core.access import Role

    story.want_approval(project, alice)
    promotion = story.tell(project, bob).promotion
    dave = make_member("dave", Role.APPROVER)

    assert told().keys() >= {"model_version.registered", "promotion.requested", "promotion.waiting"}
    waiting = told()["promotion.waiting"]
    assert waiting.title == "fraud v1 to production: waits for approval"
    assert waiting.text == f"Asked for by bob: {story.EVIL}"
    assert waiting.url == f"/projects/default/promotions/{promotion.uuid}"

    registry.decide_promotion(promotion=promotion, decision="approve", reason="fine", actor=dave)

    assert told()["promotion.committed"].severity == "info"
    assert told()["promotion.committed"].payload["digest"] == promotion.version.digest


@pytest.mark.parametrize(("act", "event"), [("refuse", "promotion.refused"), ("cancel", "promotion.cancelled")])
def test_the_end_of_a_promotion_is_told(told, project, alice, bob, make_member, act, event):
    from core.access import Role

    story.want_approval(project, alice)
    promotion = story.tell(project, bob).promotion

    if act == "refuse":
        dave = make_member("dave", Role.APPROVER)
        registry.decide_promotion(promotion=promotion, decision="refuse", reason="it drifts", actor=dave)
    else:
        registry.cancel_promotion(promotion=promotion, reason="it drifts", actor=bob)

    assert "it drifts" in told()[event].text
    assert "promotion.committed" not in told()


def test_a_promotion_that_nobody_decides_on_is_told(told, project, alice, bob):
    story.want_approval(project, alice)
    story.tell(project, bob)

    Promotion.objects.update(expires_at=clock.now())
    registry.expire_promotions()

    assert told()["promotion.expired"].severity == "warn"


def test_gates_that_refuse_are_told(told, project, alice, bob):
    registry.ensure_environments(project=project)
    gates = b'[[gate]]\nid = "auc"\nkind = "metric"\nexpr = "auc >= 0.95"\n'
    revision, _ = registry.put_policy(project=project, name="strict", document=story.parse_toml(gates), actor=alice)
    production = story.selectors.get_environment(project=project, name="production")
    registry.set_environment_policy(environment=production, policy=revision.policy, reason="x", actor=alice)

    story.tell(project, bob)

    refused = told()["promotion.refused"]
    assert refused.payload["decision"] == "gate_failed"
    assert refused.severity == "warn"
    assert "promotion.waiting" not in told()


def test_what_runs_is_told_and_a_mismatch_is_critical(told, project, bob, alice):
    story.want_approval(project, alice)
    deployment = story.tell(project, bob).deployment
    registry.end_deployment(deployment=deployment, reason="moved", actor=bob)

    mismatch = told()["deployment.mismatch"]
    assert mismatch.severity == "critical"
    assert "Promoted: nothing" in mismatch.text
    assert told().keys() >= {"deployment.reported", "deployment.ended"}


def test_a_version_that_is_barred_or_put_away_is_told(told, project, alice, bob):
    story.want_approval(project, alice)
    version = story.tell(project, bob).version
    registry.quarantine_version(version=version, reason="leak", actor=alice)
    registry.retire_version(version=version, reason="old", actor=alice)

    assert told()["model_version.quarantined"].severity == "critical"
    assert told()["model_version.retired"].title == "fraud v1 was retired"


@pytest.mark.parametrize(("verdict", "severity"), [("pass", "info"), ("fail", "warn")])
def test_evidence_is_told_and_a_failure_is_a_warning(told, project, alice, bob, verdict, severity):
    story.want_approval(project, alice)
    version = story.tell(project, bob).version
    document = orjson.dumps({"name": "bias audit", "verdict": verdict, "tool": "aequitas"})
    monitoring.receive_verdict(version=version, document=document, actor=bob)

    attached = told()["evidence.attached"]
    assert (attached.title, attached.severity) == (f"bias audit on fraud v1: {verdict}", severity)


def test_a_trigger_is_told(told, project, alice):
    from monitoring.services import sending
    from monitoring.services.triggers import Wish

    wish = Wish(
        name="retrain", on="dataset_version", filter={"dataset": "train"}, action="webhook", address="http://10.0.0.1/"
    )
    trigger, _ = monitoring.create_trigger(project=project, wish=wish, actor=alice)
    firing = monitoring.fire_for_trial(trigger=trigger, actor=alice)
    sending.send_firing(firing_id=firing.pk)

    assert told()["trigger.fired"].title == "The trigger retrain fired"
    assert "LINEAL_OUTBOUND_ALLOW" in told()["trigger.failed"].text
    assert resolve(urlsplit(told()["trigger.failed"].url).path).url_name == "trigger-firings"


def test_an_alert_is_told_in_its_own_words_and_once_per_key(told, announce):
    said = {"title": "amount drifts", "text": "PSI 0.4", "url": "/projects/default/alerts/1"}
    announce("alert.opened", **ALERT, **said, key="a1:1")
    announce("alert.opened", **ALERT, **said, key="a1:1")
    announce("alert.updated", **ALERT, **said, key="a1:2")

    assert [delivery.event for delivery in told().values()] == ["alert.opened", "alert.updated"]
    opened = told()["alert.opened"]
    assert (opened.title, opened.text, opened.url, opened.severity) == (*said.values(), "critical")
    assert opened.payload == {key: value for key, value in ALERT.items() if key != "severity"}


def test_an_alert_without_words_is_given_some(told, announce):
    announce("alert.opened", **ALERT)
    announce("alert.closed", **ALERT)

    assert told()["alert.opened"].title == "drift alert on fraud v7 in production"
    assert told()["alert.opened"].text == "Columns: amount, age"
    assert told()["alert.closed"].title == "Closed: drift alert on fraud v7 in production"


def test_a_link_leads_to_a_page(told, project, alice, bob):
    story.want_approval(project, alice)
    made = story.tell(project, bob)
    registry.quarantine_version(version=made.version, reason="leak", actor=alice)

    links = {event: urlsplit(delivery.url) for event, delivery in told().items()}

    assert {event: resolve(unquote(link.path)).url_name for event, link in links.items()} == {
        "model_version.registered": "version_detail",
        "model_version.quarantined": "version_detail",
        "promotion.requested": "promotion_detail",
        "promotion.waiting": "promotion_detail",
        "promotion.refused": "promotion_detail",
        "deployment.reported": "deployment_list",
        "deployment.mismatch": "deployment_list",
        "alert.opened": "alert_detail",
    }


@pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))
def test_words_are_found_for_the_barest_facts(topic: Topic):
    """A release that says less than this one expects costs words, not the message."""
    facts = {topic.key: "x"}

    assert topic.title(facts)
    assert isinstance(topic.text(facts), str)


def announced():
    """Names of events as they stand where they are announced, `*` where they are put together."""
    for room in ("registry", "monitoring"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "events.announce":
                    yield re.sub(r"{[^}]*}", "*", ast.unparse(node.args[0]).removeprefix("f").strip("'\""))


def test_every_event_that_is_offered_is_announced_somewhere():
    """Alerts are announced by monitors, which are on their way."""
    from fnmatch import fnmatchcase

    known = list(announced())
    silent = [name for name in TOPICS if not any(fnmatchcase(name, said) for said in known)]

    assert {"promotion.waiting", "model_version.*"} <= set(known), "the walk finds what there is"
    assert [name for name in silent if not name.startswith("alert.")] == []


def test_an_event_that_nobody_offers_cannot_be_published(tell):
    with pytest.raises(LookupError, match=r"alert\.opend"):
        tell("alert.opend")
