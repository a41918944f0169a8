import json

import pytest
from lineal._audit_verify import verify_export

from audit import canonical, export, keys, verification
from audit.erasure import erase_private
from audit.errors import EventNotFound
from audit.events import Target
from audit.models import AuditEvent, AuditPrivate
from audit.opened import ERASED, opened
from audit.testing import sequence_now
from core.access import NotAllowed, Principal
from core.errors import Invalid
from core.ids import uuid7

pytestmark = pytest.mark.usefixtures("home")

PATHS = ["/actor/display", "/actor/name", "/reason"]


@pytest.fixture
def admin():
    return Principal(id=uuid7(), kind="user", name="root", is_server_admin=True, auth_method="session")


@pytest.fixture
def event(db, make_event, place):
    """Carol's, with her reason, already in the log."""
    event = make_event(reason="my illness", project=place, target=Target("run", "r1", "run one"))
    sequence_now()
    return event


def everything_stored():
    rows = [*AuditEvent.objects.values(), *AuditPrivate.objects.values()]
    return json.dumps(
        rows, default=lambda value: bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
    )


def test_an_erased_value_is_nowhere_any_more(event, admin):
    erase_private(event_id=event.uuid, paths=PATHS, actor=admin, reason="she asked")

    stored = everything_stored()
    assert "my illness" not in stored
    assert "Carol Wu" not in stored
    assert "carol" not in stored
    assert opened([event])[event.pk]["reason"] == ERASED


def test_only_the_named_values_go(event, admin):
    erase_private(event_id=event.uuid, paths=["/reason"], actor=admin, reason="she asked")

    assert opened([event])[event.pk]["actor"]["display"] == "Carol Wu"


def test_erasing_leaves_every_proof_valid(event, admin, tmp_path):
    """The body, its leaf and all heads over it are what they were."""
    before = (event.body, bytes(event.leaf.leaf_hash))

    erase_private(event_id=event.uuid, paths=PATHS, actor=admin, reason="she asked")
    sequence_now()

    event = AuditEvent.objects.get(pk=event.pk)
    assert (event.body, bytes(event.leaf.leaf_hash)) == before
    assert verification.verify_ledger().findings == []
    path = tmp_path / "trail.jsonl"
    path.write_bytes(b"".join(export.full_export()))
    report = verify_export(path, keys.find_vkey())
    assert report.verdict == "proven", report.findings


def test_an_export_with_a_wrong_salt_fails(event, tmp_path):
    """Else any value could be passed off as the one that was committed to."""
    path = tmp_path / "trail.jsonl"
    lines = [json.loads(line) for line in b"".join(export.full_export()).splitlines()]
    forged = next(line for line in lines if line["type"] == "private" and line["path"] == "/reason")
    forged["salt"] = "A" * 22 + "=="
    path.write_bytes(b"".join(canonical.encode(line) + b"\n" for line in lines))

    assert verify_export(path, keys.find_vkey()).verdict == "failed"


def test_an_erasure_is_an_entry_in_the_same_trail(event, admin, place, recorded_actions):
    erase_private(event_id=event.uuid, paths=["/reason"], actor=admin, reason="she asked")

    assert recorded_actions()[-1] == "audit.erase_private"
    entry = AuditEvent.objects.latest("id")
    assert (entry.project_id, entry.target_id) == (place.id, str(event.uuid))
    assert json.loads(entry.body)["after"] == {"paths": ["/reason"]}


def test_erasing_again_does_nothing_and_says_so(event, admin, recorded_actions):
    assert erase_private(event_id=event.uuid, paths=PATHS, actor=admin, reason="she asked") == PATHS
    count = len(recorded_actions())

    assert erase_private(event_id=event.uuid, paths=PATHS, actor=admin, reason="she asked") == []

    assert len(recorded_actions()) == count


def test_an_unknown_path_erases_nothing_at_all(event, admin):
    with pytest.raises(Invalid, match="/target/label"):
        erase_private(event_id=event.uuid, paths=["/reason", "/target/label"], actor=admin, reason="she asked")

    assert event.private.filter(path="/reason").exists()


def test_an_erasure_without_a_reason_is_refused(event, admin):
    with pytest.raises(Invalid, match="reason"):
        erase_private(event_id=event.uuid, paths=["/reason"], actor=admin, reason="  ")

    assert event.private.filter(path="/reason").exists()


def test_an_approver_of_the_project_cannot_erase(event, carol):
    with pytest.raises(NotAllowed):
        erase_private(event_id=event.uuid, paths=["/reason"], actor=carol, reason="mine after all")

    assert event.private.filter(path="/reason").exists()


def test_an_event_that_never_was_cannot_be_erased_from(db, admin):
    with pytest.raises(EventNotFound):
        erase_private(event_id=uuid7(), paths=["/reason"], actor=admin, reason="she asked")
