"""What a trigger starts, on real servers that hold each request to its API's documentation; and what happens when they
fail, when a worker dies, and when an address leads where it must not.
"""

import json

import pytest

from audit.models import AuditEvent
from core.models import Job
from monitoring import services
from monitoring.models import Firing
from monitoring.services.sending import MOST_ATTEMPTS
from tests.monitoring.receivers import Airflow, GitHub, GitLab, Webhook, running
from tracking.services import register_version
from tracking.uses import DatasetUse

pytestmark = pytest.mark.django_db

DIGEST = "sha256:" + "a" * 64


@pytest.fixture(autouse=True)
def _loopback_is_listed(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    settings.PUBLIC_URL = "https://lineal.example.org"


@pytest.fixture
def receiver(request):
    with running(request.param) as started:
        yield started


def wish(receiver, **changes):
    """A trigger for that receiver, as somebody would make it."""
    made = {
        GitHub: {"settings": {"repository": "acme/fraud"}, "credentials": {"token": GitHub.token}},
        GitLab: {"settings": {"project": "acme/fraud"}, "credentials": {"token": GitLab.token}},
        Airflow: {
            "settings": {"dag": Airflow.dag},
            "credentials": {"username": Airflow.user, "password": Airflow.password},
        },
        Webhook: {"credentials": {"secret": Webhook.secret}},
    }[type(receiver)]
    address = f"{receiver.address}/retrain" if isinstance(receiver, Webhook) else receiver.address
    return {"action": type(receiver).__name__.lower(), "address": address, "cool_down_s": 0, **made, **changes}


@pytest.fixture
def fire(make_trigger, project, alice, run_jobs):
    """`fire(receiver)`: new data makes a trigger for it fire; the firing, after the workers have done what they can."""

    def act(receiver, **changes):
        make_trigger(**wish(receiver, **changes))
        use = DatasetUse(name="train", digest=DIGEST, strength="content", kind="file")
        register_version(project=project, use=use, actor=alice)
        work()
        return Firing.objects.get()

    return act


def work():
    """Do what is due, as a worker would, however it ends."""
    from core import jobs

    jobs.run_pending()


@pytest.mark.parametrize("receiver", [GitHub], indirect=True)
def test_github_gets_a_repository_dispatch(receiver, fire):
    firing = fire(receiver)

    (event,) = receiver.taken
    payload = event["client_payload"]
    assert (firing.state, firing.attempts, firing.answer_status) == ("sent", 1, 204)
    assert event["event_type"] == "lineal"
    assert payload["caused_by"] == str(firing.uuid)
    assert payload["cause"]["label"] == firing.cause_label
    assert payload["dataset"] == {"name": "train", "digest": DIGEST}
    assert payload["links"]["trigger"].startswith("https://lineal.example.org/api/v1/triggers/")


@pytest.mark.parametrize("receiver", [GitLab], indirect=True)
def test_gitlab_gets_variables_that_jobs_see(receiver, fire):
    firing = fire(receiver)

    (variables,) = receiver.taken
    assert (firing.state, firing.answer_status) == ("sent", 201)
    assert variables["LINEAL_CAUSED_BY"] == str(firing.uuid)
    assert (variables["LINEAL_CAUSE_TYPE"], variables["LINEAL_CAUSE_DATASET"]) == ("dataset_version", "train")
    assert variables["LINEAL_CAUSE_DIGEST"] == DIGEST
    path, _, _ = receiver.requests[0]
    assert "canary" not in path, "no access log gets the token"


@pytest.mark.parametrize("receiver", [Airflow], indirect=True)
@pytest.mark.parametrize(
    ("api", "credentials"),
    [
        ("v1", {"username": Airflow.user, "password": Airflow.password}),
        ("v1", {"token": Airflow.issued}),
        ("v2", {"username": Airflow.user, "password": Airflow.password}),
        ("v2", {"token": Airflow.issued}),
    ],
)
def test_airflow_gets_a_run_with_the_cause_in_its_conf(receiver, fire, api, credentials):
    firing = fire(receiver, settings={"dag": Airflow.dag, "api": api}, credentials=credentials)

    (run,) = receiver.taken
    assert (firing.state, firing.answer_status) == ("sent", 200), firing.answer
    assert run["dag_run_id"] == f"lineal__{firing.uuid}"
    assert run["conf"]["caused_by"] == str(firing.uuid)


@pytest.mark.parametrize("receiver", [Webhook], indirect=True)
def test_a_webhook_gets_a_signed_message(receiver, fire):
    firing = fire(receiver)

    ((message_id, message),) = receiver.taken
    assert (firing.state, firing.answer_status, firing.answer) == ("sent", 202, '{"ok": true}')
    assert message_id == message["data"]["caused_by"] == str(firing.uuid)
    assert message["type"] == "trigger.fired"


@pytest.mark.parametrize("receiver", [GitHub, GitLab, Webhook], indirect=True)
def test_trouble_is_tried_again_under_the_same_id(receiver, fire, later):
    receiver.answers = [503, 429]
    firing = fire(receiver)
    assert (firing.state, firing.attempts, firing.answer_status) == ("pending", 1, 503)
    assert firing.detail == "The answer was 503."

    for _ in range(2):
        later(60)
        work()

    firing.refresh_from_db()
    assert (firing.state, firing.attempts, firing.detail) == ("sent", 3, "")
    assert len(receiver.taken) == 1
    assert {str(firing.uuid) in body.decode() for _, _, body in receiver.requests} == {True}


@pytest.mark.parametrize("receiver", [GitHub, GitLab, Webhook], indirect=True)
@pytest.mark.parametrize("status", [302, 400, 401, 404, 422])
def test_an_answer_that_stays_the_same_is_given_up_at_once(receiver, fire, later, status):
    """A redirect is no answer either: it may lead into the server's own network."""
    receiver.answers = [status] * 5

    firing = fire(receiver)
    later(3_600)
    work()

    firing.refresh_from_db()
    assert (firing.state, firing.attempts, firing.answer_status) == ("failed", 1, status)
    assert len(receiver.requests) == 1
    event = AuditEvent.objects.get(action="trigger.fail")
    assert (event.outcome, str(firing.uuid) in event.body) == ("error", True)


@pytest.mark.parametrize("receiver", [Webhook], indirect=True)
def test_trouble_that_does_not_end_is_given_up_after_hours(receiver, fire, later):
    receiver.answers = [500] * 100
    firing = fire(receiver)
    for _ in range(MOST_ATTEMPTS + 3):
        later(3_600)
        work()

    firing.refresh_from_db()
    assert (firing.state, firing.attempts) == ("failed", MOST_ATTEMPTS)
    assert firing.detail == f"The answer was 500. {MOST_ATTEMPTS} attempts were made."
    assert len(receiver.requests) == MOST_ATTEMPTS
    assert not Job.objects.filter(name="monitoring.send_firing", done_at=None).exists()


def test_a_port_that_nobody_listens_on_is_tried_again(fire, make_trigger):
    with running(Webhook) as gone:
        pass

    firing = fire(gone)

    assert (firing.state, firing.attempts, firing.answer_status) == ("pending", 1, None)
    assert "127.0.0.1" in firing.detail


@pytest.mark.parametrize("receiver", [GitHub, GitLab], indirect=True)
def test_a_wrong_token_is_given_up_and_not_told(receiver, fire):
    firing = fire(receiver, credentials={"token": "wrong_canary"})

    assert firing.state == "failed"
    assert firing.answer_status in {401, 404}
    assert receiver.taken == []
    assert "canary" not in firing.detail + firing.answer
    assert not any("canary" in event.body for event in AuditEvent.objects.all())


@pytest.mark.parametrize("receiver", [Airflow], indirect=True)
def test_a_sign_in_that_airflow_refuses_is_given_up(receiver, fire):
    firing = fire(receiver, credentials={"username": "lineal", "password": "wrong"})

    assert (firing.state, firing.answer_status) == ("failed", 401)
    assert [path for path, _, _ in receiver.requests] == ["/auth/token"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing that the worker would do after it is done."""


@pytest.mark.parametrize("receiver", [GitHub, GitLab, Airflow, Webhook], indirect=True)
def test_a_worker_killed_after_sending_leaves_one_firing_under_one_id(
    receiver, make_trigger, project, alice, later, monkeypatch
):
    """The message was taken and nobody wrote that down: it is sent again as the same one."""
    make_trigger(**wish(receiver))
    use = DatasetUse(name="train", digest=DIGEST, strength="content", kind="file")
    register_version(project=project, use=use, actor=alice)

    def die(*_):
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("monitoring.services.sending._weigh", die)
        with pytest.raises(Killed):
            work()
    work()
    assert len(receiver.taken) == 1, "the lease is the dead worker's until it runs out"

    later(200)
    work()

    firing = Firing.objects.get()
    assert (firing.state, firing.attempts) == ("sent", 2)
    ids = {str(firing.uuid) in body.decode() for path, _, body in receiver.requests if path != "/auth/token"}
    assert ids == {True}
    assert len(receiver.taken) == (1 if isinstance(receiver, Airflow) else 2), "Airflow refuses the second: 409"


@pytest.mark.parametrize("receiver", [Webhook], indirect=True)
def test_a_message_that_was_taken_is_not_sent_again(receiver, fire):
    firing = fire(receiver)
    from monitoring.services.sending import send_firing

    send_firing(firing_id=firing.pk)

    assert len(receiver.requests) == 1


@pytest.mark.parametrize("receiver", [Webhook], indirect=True)
def test_a_trigger_deleted_before_it_was_sent_sends_nothing(receiver, fire, later, carol):
    receiver.answers = [503]
    firing = fire(receiver)
    services.delete_trigger(trigger=firing.trigger, actor=carol)
    later(60)
    work()

    firing.refresh_from_db()
    assert (firing.state, firing.detail) == ("failed", "The trigger was deleted before it was sent.")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/retrain",
        "http://localhost:{port}/retrain",
        "http://[::1]:{port}/retrain",
        "http://[::ffff:127.0.0.1]:{port}/retrain",
        "http://2130706433:{port}/retrain",
        "http://0x7f.1:{port}/retrain",
        "http://0.0.0.0:{port}/retrain",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
    ],
)
@pytest.mark.parametrize("receiver", [Webhook], indirect=True)
def test_no_trigger_reaches_into_the_servers_own_network(receiver, fire, settings, address):
    """Server-side request forgery, tried from the making of the trigger to the answer."""
    settings.OUTBOUND_ALLOW = []
    port = receiver.address.rpartition(":")[2]

    firing = fire(receiver, address=address.format(port=port))

    assert (firing.state, firing.attempts) == ("failed", 1)
    assert "in a network that this server does not call" in firing.detail
    assert receiver.requests == []


@pytest.mark.parametrize("receiver", [GitHub], indirect=True)
def test_credentials_of_another_key_are_asked_for_anew(receiver, fire, home, monkeypatch):
    """As after a home that was brought back without its keys."""
    from core import sealing

    real = sealing.seal
    monkeypatch.setattr("monitoring.services.triggers.seal", lambda text: real(text)[:-9] + b"AAAAAAAA=")

    firing = fire(receiver)

    assert (firing.state, firing.attempts) == ("failed", 1)
    assert firing.detail.endswith("give it anew.")
    assert receiver.requests == []


@pytest.mark.parametrize("receiver", [GitHub], indirect=True)
def test_a_firing_that_failed_does_not_stop_the_next(receiver, fire, project, alice):
    receiver.answers = [422]
    fire(receiver)
    use = DatasetUse(name="train", digest="sha256:" + "b" * 64, strength="content", kind="file")
    register_version(project=project, use=use, actor=alice)
    work()

    assert list(Firing.objects.order_by("id").values_list("state", flat=True)) == ["failed", "sent"]


@pytest.mark.parametrize("receiver", [Webhook], indirect=True)
def test_the_answer_that_is_kept_is_short_and_harmless(receiver, fire):
    receiver.take = lambda path, headers, body: (200, {"text": "x\u0000y\u202e" * 1_000})

    firing = fire(receiver)

    assert firing.state == "sent"
    assert len(firing.answer) <= 500
    assert firing.answer.isprintable()
    assert json.dumps(firing.answer)
