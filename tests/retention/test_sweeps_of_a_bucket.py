"""Sweeps of a real bucket, where bytes are published outside of any lock: what a sweep takes in between is published again."""

from hashlib import sha256

import pytest

from core.storage import get_store
from tests.retention.conftest import store_file
from tracking import services
from tracking.models import Artifact, Blob, Upload
from tracking.services import sweeps, uploads
from tracking.services.artifacts import check_announced

HOUR = 3_600
BYTES = b"weights in a bucket"
HEX = sha256(BYTES).hexdigest()
pytestmark = pytest.mark.parametrize("s3_server", ["ministack"], indirect=True)


def sweep(project, actor):
    started, _ = sweeps.start_sweep(project=project, actor=actor)
    sweeps.advance_sweep(sweep_id=started.pk)
    started.refresh_from_db()
    return started


def purge(run, actor):
    services.delete_run(run=run, actor=actor)
    services.purge_run(run=run, actor=actor)
    services.empty_purged()


def test_what_nothing_refers_to_goes_from_a_bucket(bucket, make_run, alice, project, stored, later):
    run, kept = make_run(), make_run()
    store_file(run, "a", BYTES)
    store_file(kept, "b", b"kept")
    purge(run, alice)
    later(25 * HOUR)
    first = sweep(project, alice)
    later(25 * HOUR)
    last = sweep(project, alice)

    assert (first.objects_seen, first.missing, last.deleted) == (2, 0, 1)
    assert stored() == {sha256(b"kept").hexdigest()}


def test_an_upload_whose_bytes_are_swept_before_its_row_is_written_is_published_again(
    bucket, make_run, alice, project, stored, later, monkeypatch
):
    old, run = make_run(), make_run()
    store_file(old, "a", BYTES)
    announced = check_announced(path="b", size=len(BYTES), sha256=HEX, field="files")
    with monkeypatch.context() as patch:
        patch.setattr(type(get_store()), "existing", lambda *_: set())  # so that the bytes are wanted
        (wanted,) = services.announce_files(run=run, files=[announced])
    services.receive_part(upload=wanted.upload, offset=0, chunks=[BYTES])
    purge(old, alice)
    later(25 * HOUR)
    sweep(project, alice)
    later(25 * HOUR)
    real, published = uploads._publish_bytes, []

    def publish_and_be_swept(upload):
        real(upload)
        published.append(upload)
        if len(published) == 1:
            assert sweep(project, alice).deleted == 1

    monkeypatch.setattr(uploads, "_publish_bytes", publish_and_be_swept)
    services.commit_upload(upload=Upload.objects.select_related("run__project").get(pk=wanted.upload.pk))

    assert len(published) == 2
    assert stored() == {HEX}
    assert b"".join(get_store().open(project.uuid, HEX)) == BYTES
    assert Artifact.objects.get(run=run).blob == Blob.objects.get()
    assert Blob.objects.get().is_usable
