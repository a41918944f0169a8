"""Workers read stored bytes again: what is not what it is named is quarantined, on the record."""

from datetime import timedelta
from hashlib import sha256

import pytest

from audit.models import AuditEvent
from core import clock
from core.storage import get_store
from tracking import services
from tracking.models import Blob, Upload
from tracking.services.blobs import verify_stored_bytes

BYTES = b"weights" * 100
HEX = sha256(BYTES).hexdigest()


@pytest.fixture
def blob(project):
    store = get_store()
    key = store.new_staging_key()
    store.write_part(key, 0, [BYTES], max_bytes=len(BYTES))
    store.publish(key, project.uuid, HEX)
    return Blob.objects.create(project=project, sha256=HEX, size=len(BYTES))


def overwrite(blob, content):
    path = get_store().root / blob.project.uuid.hex / HEX[:2] / HEX
    path.chmod(0o600)
    path.write_bytes(content)


def test_right_bytes_are_verified_without_a_word_on_the_ledger(blob, recorded_actions):
    before = recorded_actions()

    assert services.verify_blob(blob_id=blob.pk) == "verified"

    assert recorded_actions() == before


@pytest.mark.parametrize("content", [BYTES[:-1], BYTES[:-1] + b"!", BYTES + b"!", b""])
def test_wrong_bytes_are_quarantined_on_the_record_once(blob, content):
    services.verify_blob(blob_id=blob.pk)
    overwrite(blob, content)

    assert services.verify_blob(blob_id=blob.pk) == "quarantined"
    assert services.verify_blob(blob_id=blob.pk) == "quarantined"

    event = AuditEvent.objects.get(action="blob.quarantine")
    assert HEX in event.target_id


def test_lost_bytes_are_missed(blob):
    get_store().delete(blob.project.uuid, HEX)

    assert services.verify_blob(blob_id=blob.pk) == "missing"
    assert AuditEvent.objects.filter(action="blob.quarantine").count() == 1


def test_the_hourly_check_finds_what_changed(blob):
    assert verify_stored_bytes().findings == []
    overwrite(blob, b"tampered")

    checked = verify_stored_bytes()

    assert len(checked.findings) == 1
    assert HEX in checked.findings[0]
    assert Blob.objects.get().state == "quarantined"


def test_uploads_that_nobody_touched_for_a_week_are_forgotten(make_run, monkeypatch):
    store, run = get_store(), make_run()
    old, new = (
        Upload.objects.create(run=run, path=path, size=9, sha256="a" * 64, staging_key=store.new_staging_key())
        for path in ("old", "new")
    )
    for upload in (old, new):
        services.receive_part(upload=upload, offset=0, chunks=[b"half"])
    Upload.objects.filter(pk=old.pk).update(touched_at=clock.now() - timedelta(days=8))

    assert services.forget_stale_uploads() == 1

    assert list(Upload.objects.values_list("path", flat=True)) == ["new"]
    assert store.staged_size(old.staging_key) == 0
    assert store.staged_size(new.staging_key) == 4
