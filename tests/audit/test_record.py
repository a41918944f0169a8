import json

import pytest
from django.db import transaction

from audit import canonical
from audit.actions import UnknownAction, register
from audit.events import MAX_BODY_BYTES, Target
from audit.models import AuditEvent, AuditPending, AuditPrivate
from audit.services import record
from core import current
from core.current import RequestContext
from core.errors import Invalid
from core.ids import uuid7


def body_of(event):
    return json.loads(event.body)


def fail_after(act):
    act()
    raise RuntimeError("the act went wrong after its entry was written")


@pytest.mark.django_db
def test_a_rolled_back_act_leaves_no_trace(carol):
    """No entry without its act."""
    act = {"action": "audit.verify", "target": Target("ledger", "log", "log"), "actor": carol, "project": None}

    with pytest.raises(RuntimeError), transaction.atomic():
        fail_after(lambda: record(**act, reason="why"))

    assert not AuditEvent.objects.exists()
    assert not AuditPrivate.objects.exists()
    assert not AuditPending.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_is_refused(carol):
    """There the event would commit by itself, with or without its act."""
    with pytest.raises(transaction.TransactionManagementError):
        record(action="audit.verify", target=Target("ledger", "log", "log"), actor=carol, project=None)

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_an_action_nobody_registered_is_refused(make_event):
    with pytest.raises(UnknownAction):
        make_event(action="audit.never_heard_of")

    assert not AuditEvent.objects.exists()


def test_one_name_cannot_get_two_sentences():
    register(name="test.twice", sentence="did {target}")
    register(name="test.twice", sentence="did {target}")

    with pytest.raises(ValueError, match="already registered"):
        register(name="test.twice", sentence="undid {target}")


@pytest.mark.django_db
def test_an_event_says_who_did_what_to_which_version_and_why(make_event, carol, place):
    event = make_event(
        target=Target("model_version", "churn/8", "churn v8", version="sha256:ab"),
        project=place,
        before={"lifecycle": "candidate"},
        after={"lifecycle": "verified"},
        refs=[("run", "4f")],
    )

    body = body_of(event)
    assert body["v"] == "lineal-audit/1"
    assert body["id"] == str(event.uuid)
    assert body["project"] == {"id": str(place.uuid), "name": "fraud"}
    assert (body["action"], body["outcome"]) == ("audit.verify", "ok")
    assert (body["actor"]["type"], body["actor"]["id"]) == ("user", str(carol.id))
    assert body["target"] == {"type": "model_version", "id": "churn/8", "label": "churn v8", "version": "sha256:ab"}
    assert (body["before"], body["after"]) == ({"lifecycle": "candidate"}, {"lifecycle": "verified"})
    assert body["refs"] == [{"type": "run", "id": "4f"}]
    assert event.body.encode() == canonical.encode(body)


@pytest.mark.django_db
def test_personal_values_stand_in_the_body_as_commitments_only(make_event):
    """Else erasing the private rows would leave the person in the log."""
    token = current.request.set(
        RequestContext("r1", "203.0.113.9", "Firefox on Carol's phone", "POST /api/v1/users/carol", "")
    )
    try:
        event = make_event(
            target=Target("account", "a1", "carol-the-label"), reason="she asked", after={"email": "carol@example.org"}
        )
    finally:
        current.request.reset(token)

    told = {each.path: json.loads(each.value) for each in event.private.all()}
    assert told == {
        "/actor/name": "carol",
        "/actor/display": "Carol Wu",
        "/request/ip": "203.0.113.9",
        "/request/user_agent": "Firefox on Carol's phone",
        "/request/route": "POST /api/v1/users/carol",
        "/target/label": "carol-the-label",
        "/reason": "she asked",
        "/after/email": "carol@example.org",
    }
    everything_else = json.dumps(list(AuditEvent.objects.values()), default=str)
    assert not any(value in everything_else for value in told.values())
    for each in event.private.all():
        committed = body_of(event)
        for step in each.path.strip("/").split("/"):
            committed = committed[step]
        assert canonical.opens(committed, json.loads(each.value), bytes(each.salt))


@pytest.mark.django_db
def test_fields_that_an_action_calls_personal_are_committed_to(make_event):
    register(name="test.invite", sentence="invited {target}", personal=["phone"])

    event = make_event(action="test.invite", after={"phone": "+49 1", "room": "blue"})

    assert canonical.is_commitment(body_of(event)["after"]["phone"])
    assert body_of(event)["after"]["room"] == "blue"


@pytest.mark.django_db
def test_values_without_a_canonical_form_are_spelled_as_text(make_event):
    """Floats, large integers, times, keys outside ASCII, and a user's own value in the shape of a commitment."""
    event = make_event(
        after={
            "lr": 0.1,
            "seed": 2**60,
            "id": uuid7(),
            "tags": {"größe": "a\0b", "$c": "x", "100%": None},
            "bad": "\ud800",
        }
    )

    after = body_of(event)["after"]
    assert (after["lr"], after["seed"], after["bad"]) == ("0.1", str(2**60), "?")
    assert after["tags"] == {"gr%C3%B6%C3%9Fe": "a\0b", "%24c": "x", "100%25": None}


@pytest.mark.django_db
def test_a_long_text_is_recorded_by_its_digest(make_event):
    after = body_of(make_event(after={"description": "ä" * 5_000}))["after"]

    assert after["description"]["characters"] == 5_000
    assert len(after["description"]["sha256"]) == 64


@pytest.mark.django_db
def test_an_event_beyond_the_entry_size_is_refused_whole(make_event):
    with pytest.raises(Invalid, match=str(MAX_BODY_BYTES)):
        make_event(after={f"k{n}": "x" * 3_000 for n in range(30)})

    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_each_event_names_the_one_before_it_of_the_same_target(make_event):
    churn, fraud = Target("model", "m1", "churn"), Target("model", "m2", "fraud")
    first = make_event(target=churn)
    other = make_event(target=fraud)
    second = make_event(target=churn)

    assert body_of(first)["prev_event_of_target"] is None
    assert body_of(other)["prev_event_of_target"] is None
    assert body_of(second)["prev_event_of_target"] == str(first.uuid)


@pytest.mark.django_db
def test_a_services_name_is_no_secret(make_event):
    from core.access import Principal

    robot = Principal(id=uuid7(), kind="service", name="ci-bot", auth_method="api_token")

    event = make_event(actor=robot)

    assert event.actor_name == "ci-bot"
    assert body_of(event)["actor"]["name"] == "ci-bot"
