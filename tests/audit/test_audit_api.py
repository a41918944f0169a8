"""The trail over REST: who may read what, and proofs that hold."""

from base64 import b64decode

import pytest

from audit.events import Target
from audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from audit.models import AuditEvent
from audit.notes import parse_checkpoint, verify_note
from audit.services import record, vkey
from audit.testing import sequence_now
from core.access import Role

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def event(project, alice):
    record(
        action="audit.export",
        target=Target("thing", "7", "thing seven"),
        actor=alice,
        project=project,
        reason="because",
    )
    return AuditEvent.objects.latest("id")


@pytest.fixture
def admin(make_account, principal):
    """Administers the server."""
    return principal(make_account("root", is_server_admin=True))


def test_members_read_their_projects_trail(api, bob, event):
    items = api(bob).get("audit/events?target_type=thing").json()["items"]

    assert [item["id"] for item in items] == [str(event.uuid)]
    assert items[0]["sentence"] == "exported the ledger of thing seven"
    assert items[0]["reason"] == "because"


def test_mallory_sees_no_event_and_a_hidden_one_is_a_missing_one(api, mallory, event):
    assert all(
        item["project"] is None or item["project"]["name"] != "default"
        for item in api(mallory).get("audit/events").json()["items"]
    )
    hidden = api(mallory).get(f"audit/events/{event.uuid}")
    missing = api(mallory).get("audit/events/00000000-0000-7000-8000-000000000001")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["type"] == missing.json()["type"]


def test_the_anonymous_are_refused(api, event):
    assert api(None).get("audit/events").status_code == 401


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=alice", True),
        ("actor=bob", False),
        ("action=audit.export", True),
        ("action=run.seal", False),
        ("outcome=denied", False),
        ("since=2100-01-01T00:00:00Z", False),
        ("until=2100-01-01T00:00:00Z", True),
        ("q=SEVEN", True),
        ("project=default", True),
        ("project=other", False),
    ],
)
def test_the_trail_is_filtered(api, alice, event, query, found):
    items = api(alice).get(f"audit/events?target_id=7&{query}").json()["items"]

    assert bool(items) == found


def test_pages_follow_one_another_without_gap_or_repeat(api, alice, event, project):
    for number in range(5):
        record(action="audit.export", target=Target("page", str(number), "page"), actor=alice, project=project)
    seen, cursor = [], ""
    while cursor is not None:
        answer = api(alice).get(f"audit/events?target_type=page&limit=2&cursor={cursor}").json()
        seen += [item["target"]["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]

    assert seen == ["4", "3", "2", "1", "0"]


def test_a_proof_holds_against_the_signed_checkpoint(api, alice, event):
    assert api(alice).get(f"audit/events/{event.uuid}/proof").status_code == 503, "no place in the log yet"
    sequence_now()

    proof = api(alice).get(f"audit/events/{event.uuid}/proof").json()

    head = parse_checkpoint(verify_note(proof["checkpoint"]["note"], vkey()))
    leaf = leaf_hash(proof["body"].encode())
    assert verify_inclusion(leaf, proof["seq"], head.size, [b64decode(each) for each in proof["proof"]], head.root)


def test_growth_between_two_checkpoints_is_provable(api, alice, event, project):
    sequence_now()
    old = api(alice).get("audit/checkpoints").json()["items"][0]
    record(action="audit.export", target=Target("thing", "8", "eight"), actor=alice, project=project)
    sequence_now()
    new = api(alice).get("audit/checkpoints").json()["items"][0]

    answer = api(alice).get(f"audit/consistency?old={old['size']}&new={new['size']}").json()

    proof = [b64decode(each) for each in answer["proof"]]
    assert verify_consistency(old["size"], new["size"], b64decode(old["root"]), b64decode(new["root"]), proof)


def test_the_newest_checkpoint_is_a_signed_note(api, bob, event):
    sequence_now()

    note = api(bob).get("audit/checkpoint").content.decode()

    assert parse_checkpoint(verify_note(note, vkey())).size > 0


def test_the_whole_export_is_for_administrators_of_the_server(api, alice, admin, event):
    sequence_now()

    assert api(alice).get("audit/export").status_code == 403
    whole = api(admin).get("audit/export")
    assert whole.status_code == 200
    assert b'"type":"end"' in b"".join(whole.streaming_content)


def test_a_filtered_export_needs_the_role_and_holds_that_project_alone(api, alice, bob, mallory, make_member, event):
    sequence_now()
    approver = make_member("ann", Role.APPROVER)

    assert api(bob).get("audit/export?filtered=true&project=default").status_code == 403
    assert api(mallory).get("audit/export?filtered=true&project=default").status_code == 404
    answer = api(approver).get("audit/export?filtered=true&project=default&target_type=thing")
    lines = b"".join(answer.streaming_content).splitlines()
    assert sum(b'"type":"event"' in line for line in lines) == 1


def test_an_export_is_itself_on_the_ledger(api, admin, event, recorded_actions):
    sequence_now()
    b"".join(api(admin).get("audit/export").streaming_content)

    assert recorded_actions()[-1] == "audit.export"


def test_a_refused_attempt_is_on_the_ledger(api, bob, event, recorded_actions):
    api(bob).get("audit/export")

    assert recorded_actions()[-1] == "access.denied"


@pytest.mark.parametrize("accept", ["text/plain", "application/json", "*/*", "image/png"])
def test_the_newest_checkpoint_is_given_whatever_the_client_says_it_accepts(api, bob, event, accept):
    sequence_now()

    assert api(bob).get("audit/checkpoint", headers={"accept": accept}).status_code == 200
