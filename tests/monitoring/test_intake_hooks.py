"""Intake hooks: verdicts by a signature instead of a token, taken once, and nothing told to whoever cannot sign."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import timedelta

import orjson
import pytest
from django.test import Client

from audit.models import AuditEvent
from core import clock
from monitoring import services
from monitoring.models import IntakeDelivery, IntakeHook
from registry.models import Report
from registry.services import set_alias

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

VERDICT = {"name": "bias audit", "verdict": "pass", "tool": "aequitas"}
BODY = orjson.dumps(VERDICT)
UNKNOWN = "0190a000-0000-7000-8000-000000000000"


@pytest.fixture
def make_hook(make_version, carol):
    """`make_hook("nightly")`: a hook for the model `fraud`, with its secret in `.secret`."""

    def make(name="nightly", **options):
        model = make_version().model
        hook, secret = services.create_hook(project=model.project, name=name, model=model, actor=carol, **options)
        hook.secret = secret
        return hook

    return make


def standard(hook, body=BODY, *, message_id="msg_1", age_s=0, secret=None):
    """The headers that the Standard Webhooks specification describes, made here without our own code."""
    timestamp = str(int(clock.now().timestamp() - age_s))
    key = b64decode((secret or hook.secret).removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def plain(hook, body=BODY, *, header="X-Signature", secret=None):
    return {header: "sha256=" + hmac.new((secret or hook.secret).encode(), body, hashlib.sha256).hexdigest()}


def send(hook, headers, body=BODY, *, uuid=None):
    return Client(raise_request_exception=False).post(
        f"/api/v1/intake/{uuid or hook.uuid}", data=body, content_type="application/json", headers=headers
    )


@pytest.mark.parametrize(
    "signed",
    [standard, plain, lambda hook: plain(hook, header="X-Hub-Signature-256")],
    ids=["standard", "plain", "github"],
)
def test_a_signed_verdict_becomes_evidence(make_hook, signed):
    hook = make_hook()

    answer = send(hook, signed(hook))

    report = Report.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"id": str(report.uuid), "verdict": "pass"})
    assert (report.version.number, report.name, report.created_by) == (1, "bias audit", "intake hook nightly")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_type, event.actor_id) == ("evidence.attach", "service", hook.uuid)


def test_the_specifications_own_example_is_accepted():
    """The signature that the specification's libraries are tested with."""
    from core.signatures import proven_message_id

    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'

    assert proven_message_id(secret, headers=headers, body=body, now_s=1614265330) == headers["webhook-id"]
    assert proven_message_id(secret, headers=headers, body=body, now_s=1614265330 + 301) is None
    assert proven_message_id(secret, headers=headers, body=body + b" ", now_s=1614265330) is None


def without(headers, name):
    return {key: value for key, value in headers.items() if key != name}


@pytest.mark.parametrize(
    "forge",
    [
        lambda hook: {},
        lambda hook: standard(hook, secret="whsec_" + b64encode(b"x" * 32).decode()),
        lambda hook: standard(hook, age_s=301),
        lambda hook: standard(hook, age_s=-301),
        lambda hook: standard(hook) | {"webhook-id": "msg_2"},
        lambda hook: standard(hook, message_id="msg.1"),
        lambda hook: standard(hook, message_id="m" * 256),
        lambda hook: without(standard(hook), "webhook-id"),
        lambda hook: without(standard(hook), "webhook-timestamp"),
        lambda hook: standard(hook) | {"webhook-timestamp": "١٢٣"},
        lambda hook: standard(hook) | {"webhook-timestamp": "9" * 400},
        lambda hook: standard(hook) | {"webhook-signature": "v1,"},
        lambda hook: standard(hook) | {"webhook-signature": "v1,not base64!"},
        lambda hook: standard(hook) | {"webhook-signature": "v1a," + standard(hook)["webhook-signature"][3:]},
        lambda hook: standard(hook, BODY + b" "),
        lambda hook: plain(hook, secret="whsec_wrong"),
        lambda hook: plain(hook, BODY + b" "),
        lambda hook: {"X-Signature": "sha256="},
        lambda hook: {"X-Signature": "sha1=" + "0" * 40},
        lambda hook: plain(hook) | {"webhook-signature": "v1,AAAA"},
    ],
)
def test_whatever_is_wrong_the_answer_is_that_of_an_unknown_hook(make_hook, forge):
    hook = make_hook()

    refused, unknown = send(hook, forge(hook)), send(hook, standard(hook), uuid=UNKNOWN)

    assert not Report.objects.exists()
    assert refused.status_code == unknown.status_code == 401
    assert {**refused.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert without(refused.headers, "X-Request-Id") == without(unknown.headers, "X-Request-Id")


def test_one_of_two_signatures_is_enough_while_a_sender_changes_its_secret(make_hook):
    hook = make_hook()
    headers = standard(hook)
    headers["webhook-signature"] = f"v1,{b64encode(b'x' * 32).decode()} {headers['webhook-signature']}"

    assert send(hook, headers).status_code == 201


def test_a_disabled_hook_is_as_unknown(make_hook, carol):
    hook = make_hook()
    services.update_hook(hook=hook, changes={"enabled": False}, actor=carol)

    assert send(hook, standard(hook)).status_code == 401


@pytest.mark.parametrize("signed", [standard, plain], ids=["standard", "plain"])
def test_a_message_sent_twice_is_taken_once(make_hook, signed, recorded_actions):
    hook = make_hook()
    first = send(hook, signed(hook))
    before = recorded_actions()

    again = send(hook, signed(hook))

    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert recorded_actions() == before
    assert IntakeDelivery.objects.count() == 1


def test_an_old_pass_cannot_be_sent_again_for_a_new_version(make_hook, make_version):
    """The plain form has no time in it; its sender's bytes count once, whatever the hook points at by then."""
    hook = make_hook()
    headers = plain(hook)
    send(hook, headers)
    newer = make_version()

    again = send(hook, headers)

    assert again.status_code == 200
    assert not newer.reports.exists()


def test_an_id_names_one_message(make_hook):
    hook, other = make_hook(), orjson.dumps(VERDICT | {"verdict": "fail"})
    send(hook, standard(hook))

    answer = send(hook, standard(hook, other), other)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/message-differs")
    assert Report.objects.get().verdict == "pass"


def test_two_hooks_may_be_sent_the_same_id(make_hook):
    first, second = make_hook(), make_hook("weekly")

    assert send(first, standard(first)).status_code == 201
    assert send(second, standard(second)).status_code in {200, 201}
    assert IntakeDelivery.objects.count() == 2


def test_a_message_that_could_not_be_read_may_be_sent_again(make_hook):
    hook, broken = make_hook(), b'{"verdict": "pass"}'

    refused = send(hook, standard(hook, broken), broken)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "name")
    assert send(hook, standard(hook)).status_code == 201


def test_the_version_is_the_one_that_the_hook_points_at(make_hook, carol, make_version):
    hook = make_hook(at="best")
    first = make_version()
    make_version()
    assert send(hook, standard(hook)).json()["type"] == "/problems/nothing-there"
    set_alias(model=first.model, name="best", version=first, actor=carol)

    assert send(hook, standard(hook)).status_code == 201
    assert Report.objects.get().version == first


def test_a_digest_in_the_document_names_its_version(make_hook, make_version):
    """It is under the signature, where a query in the address is not."""
    hook = make_hook()
    first, _ = make_version(), make_version()
    body = orjson.dumps(VERDICT | {"digest": first.digest})
    absent = orjson.dumps(VERDICT | {"digest": "sha256:" + "0" * 64})

    assert send(hook, standard(hook, body), body).status_code == 201
    assert Report.objects.get().version == first
    assert send(hook, standard(hook, absent, message_id="msg_2"), absent).status_code == 404


def test_without_a_pointer_it_is_the_newest(make_hook, make_version):
    hook = make_hook()
    newest = make_version()

    send(hook, standard(hook))

    assert Report.objects.get().version == newest


def test_a_body_has_its_bound(make_hook):
    hook, body = make_hook(), b" " * (1024 * 1024 + 1)

    assert send(hook, standard(hook, body), body).status_code == 413


def test_guessing_is_slowed_down(make_hook, settings):
    hook = make_hook()
    settings.LINEAL_RATE_LIMITS = {"failed_sign_in": (0.1, 2)}

    answers = [send(hook, {}).status_code for _ in range(3)]

    assert answers == [401, 401, 429]
    assert send(hook, standard(hook)).status_code == 201


def test_a_flood_is_slowed_down(make_hook, settings):
    hook = make_hook()
    settings.LINEAL_RATE_LIMITS = {"intake": (0.1, 2)}

    assert [send(hook, standard(hook)).status_code for _ in range(3)] == [201, 200, 429]


def test_an_archived_project_takes_nothing(make_hook, alice):
    from accounts import services as accounts

    hook = make_hook()
    accounts.update_project(project=hook.project, archived=True, actor=alice)

    assert (send(hook, standard(hook)).status_code, Report.objects.exists()) == (409, False)


def test_the_secret_is_shown_once_and_stored_sealed(api, carol, make_version):
    make_version()

    made = api(carol).post("intake-hooks", json={"name": "nightly", "model": "fraud", "at": "production"})

    body = made.json()
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert len(b64decode(body["secret"].removeprefix("whsec_"))) == 32
    assert body["path"] == f"/api/v1/intake/{body['id']}"
    shown = api(carol).get(f"intake-hooks/{body['id']}").json()
    assert shown == {key: value for key, value in body.items() if key != "secret"}
    stored = bytes(IntakeHook.objects.get().sealed_secret)
    assert b64decode(body["secret"].removeprefix("whsec_")) not in stored
    assert body["secret"].encode() not in stored
    assert not any(body["secret"] in event.body for event in AuditEvent.objects.all())


def test_a_renewed_secret_ends_the_old_one(api, carol, make_hook):
    hook = make_hook()

    renewed = api(carol).post(f"intake-hooks/{hook.uuid}/secret").json()["secret"]

    assert send(hook, standard(hook)).status_code == 401
    assert send(hook, standard(hook, secret=renewed)).status_code == 201


def test_hooks_are_listed_changed_and_deleted(api, carol, make_hook, recorded_actions):
    hook = make_hook()
    send(hook, standard(hook))
    before = len(recorded_actions())
    client = api(carol)

    (listed,) = client.get("intake-hooks").json()["items"]
    changed = client.patch(f"intake-hooks/{hook.uuid}", json={"at": "production", "enabled": False})
    same = client.patch(f"intake-hooks/{hook.uuid}", json={"enabled": False})
    gone = client.delete(f"intake-hooks/{hook.uuid}")

    assert listed["last_received_at"] is not None
    assert (changed.json()["at"], changed.json()["enabled"], same.status_code) == ("production", False, 200)
    assert (gone.status_code, client.get(f"intake-hooks/{hook.uuid}").status_code) == (204, 404)
    actions = [action for action in recorded_actions()[before:] if action.startswith("intake_hook")]
    assert actions == ["intake_hook.update", "intake_hook.delete"]
    assert Report.objects.exists(), "what came through it stays"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "Nightly!", "model": "fraud"}, 422, "name"),
        ({"name": "nightly", "model": "absent"}, 404, None),
        ({"name": "nightly", "model": "fraud", "at": "../prod"}, 422, "at"),
        ({"name": "nightly"}, 422, "model"),
        ({"name": "nightly", "model": "fraud", "secret": "mine"}, 422, "secret"),
    ],
)
def test_hooks_that_cannot_be_are_not_made(api, carol, make_version, body, status, field):
    make_version()

    answer = api(carol).post("intake-hooks", json=body)

    assert answer.status_code == status
    assert field is None or field in [error["field"] for error in answer.json()["errors"]]
    assert not IntakeHook.objects.exists()


def test_a_name_is_given_once(api, carol, make_hook):
    make_hook()

    answer = api(carol).post("intake-hooks", json={"name": "nightly", "model": "fraud"})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/name-taken")


def test_a_hook_of_another_project_is_as_missing(api, carol, make_hook, make_project):
    hook = make_hook()
    make_project("elsewhere", admin=None)

    assert api(carol).get(f"intake-hooks/{hook.uuid}?project=elsewhere").status_code == 404


def test_time_moves_the_window(make_hook, monkeypatch):
    hook = make_hook()
    headers = standard(hook)
    later = clock.now() + timedelta(seconds=299)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert send(hook, headers).status_code == 201
