"""Addresses and devices are for those who need them, and looking at them is on the record."""

import pytest
from lineal._audit_verify import verify_export

from audit.erasure import erase_private
from audit.models import AuditEvent
from audit.opened import ERASED, WITHHELD, opened
from audit.services import vkey
from audit.testing import sequence_now
from core.access import Role

pytestmark = pytest.mark.usefixtures("home")

ADDRESS, DEVICE = "192.0.2.7", "probe/1"


@pytest.fixture
def event(api, bob):
    """Bob's, made by a request."""
    api(bob).post("runs", json={"experiment": "churn"}, headers={"user-agent": DEVICE}, REMOTE_ADDR=ADDRESS)
    return AuditEvent.objects.filter(action="run.create").latest("id")


@pytest.fixture
def carol(make_member):
    return make_member("carol", Role.MAINTAINER)


def reads():
    return AuditEvent.objects.filter(action="audit.read_private")


def test_readers_of_the_trail_see_who_and_why_but_neither_address_nor_device(api, alice, event):
    told = api(alice).get(f"audit/events/{event.uuid}").json()

    assert told["actor"]["display"] == "bob"
    assert (told["request"]["ip"], told["request"]["user_agent"]) == (WITHHELD, WITHHELD)
    assert not reads().exists()


def test_a_maintainer_reads_them_on_the_record(api, carol, event):
    told = api(carol).post(f"audit/events/{event.uuid}/private", json={"reason": "strange hours"}).json()

    assert (told["request"]["ip"], told["request"]["user_agent"]) == (ADDRESS, DEVICE)
    read = reads().get()
    assert (read.target_id, read.project_name, str(read.actor_id)) == (str(event.uuid), "default", str(carol.id))
    assert "/request/ip" in read.body
    assert ADDRESS not in read.body


def test_an_approver_may_not_and_the_attempt_is_kept(api, make_member, event):
    answer = api(make_member("dave", Role.APPROVER)).post(f"audit/events/{event.uuid}/private", json={})

    assert answer.status_code == 403
    assert ADDRESS not in answer.content.decode()
    assert AuditEvent.objects.filter(action="access.denied", target_id="audit.read_private").exists()
    assert not reads().exists()


def test_a_stranger_learns_nothing(api, mallory, event):
    assert api(mallory).post(f"audit/events/{event.uuid}/private", json={}).status_code == 404


def test_reading_what_is_not_there_leaves_no_entry(api, carol, project, make_event):
    event = make_event(project=project)

    assert api(carol).post(f"audit/events/{event.uuid}/private", json={}).status_code == 200
    assert not reads().exists()


def test_an_approvers_export_is_whole_without_them(api, make_member, event, tmp_path):
    """Every event is proven; what was withheld is not in the file."""
    sequence_now()
    client = api(make_member("dave", Role.APPROVER))

    answer = client.get("audit/export?filtered=true&project=default&action=run.create")

    content = b"".join(answer.streaming_content)
    (tmp_path / "trail.jsonl").write_bytes(content)
    assert ADDRESS.encode() not in content
    assert b'"bob"' in content
    assert verify_export(tmp_path / "trail.jsonl", [vkey()]).verdict == "proven"
    export = AuditEvent.objects.filter(action="audit.export").latest("id")
    after = opened([export], withhold=False)[export.pk]["after"]
    assert after["filter"] == {"project": "default", "action": "run.create"}
    assert after["personal_values"] is False


def test_whom_an_export_asked_for_can_be_erased(api, make_account, principal, event):
    """A filter may be a person's name, and the ledger keeps no name for good."""
    sequence_now()
    admin = principal(make_account("root", is_server_admin=True))
    api(admin).get("audit/export?filtered=true&actor=bob&q=bobs-illness")

    export = AuditEvent.objects.filter(action="audit.export").latest("id")
    assert "bob" not in export.body
    assert erase_private(event_id=export.uuid, paths=["/after/filter"], actor=admin, reason="he asked")
    assert opened([export], withhold=False)[export.pk]["after"]["filter"] == ERASED


def test_an_export_of_nothing_is_no_missing_project(api, make_member, event):
    sequence_now()
    client = api(make_member("dave", Role.APPROVER))

    assert client.get("audit/export?filtered=true&project=default&action=nobody.did").status_code == 200
    assert client.get("audit/export?filtered=true&project=nowhere").status_code == 404


def test_an_administrator_erases_over_rest(api, make_account, principal, event):
    admin = api(principal(make_account("root", is_server_admin=True)))
    path = f"audit/events/{event.uuid}"

    wrong = admin.post(f"{path}/erasure", json={"paths": ["/no/such"], "reason": "she asked"})
    done = admin.post(f"{path}/erasure", json={"paths": ["/request/ip"], "reason": "he asked"})
    again = admin.post(f"{path}/erasure", json={"paths": ["/request/ip"], "reason": "he asked"})

    assert wrong.status_code == 422
    assert (done.json(), again.json()) == ({"erased": ["/request/ip"]}, {"erased": []})
    assert admin.post(f"{path}/private", json={}).json()["request"]["ip"] == "(erased)"
