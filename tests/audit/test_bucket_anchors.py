"""Anchors in a bucket: kept once, locked, and enough by themselves to find what no log finds alone."""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from audit import anchors, buckets, verification
from audit.events import Target
from audit.models import AuditCheckpoint, AuditEvent
from audit.testing import sequence_now
from core import clock
from tests import s3
from tests.audit.test_tampering import cut_to, rewrite_with_stolen_key

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def endpoint():
    with s3.s3_server() as address:
        yield address


@pytest.fixture
def make_bucket(endpoint, settings, monkeypatch):
    """`make_bucket(locked=True)`: a new bucket that is set for anchors; its name."""
    for name, value in {**s3.ENVIRONMENT, "AWS_ENDPOINT_URL_S3": endpoint}.items():
        monkeypatch.setenv(name, value)
    buckets.bucket_at.cache_clear()

    def make(*, locked=True):
        name = f"anchors-{uuid4().hex[:12]}"
        s3.make_bucket(endpoint, name, locked=locked)
        settings.ANCHORS_URL = f"s3://{name}/ledger"
        return name

    yield make
    buckets.bucket_at.cache_clear()


@pytest.fixture
def bucket(make_bucket):
    return make_bucket()


@pytest.fixture
def trail(db, make_event):
    """Five events, a checkpoint after each."""
    events = []
    for number in range(5):
        events.append(make_event(target=Target("thing", str(number), f"thing {number}")))
        sequence_now()
    return events


def in_bucket():
    """The outcome there, of each place's: the folder comes first."""
    return {anchor.kind: anchor for anchor in anchors.anchor_latest()}["bucket"]


def findings():
    return "\n".join(verification.verify_ledger().findings)


def test_the_newest_checkpoint_is_kept_in_both_places(trail, bucket, endpoint):
    head = AuditCheckpoint.objects.latest("size")

    folder, kept = anchors.anchor_latest()

    assert (folder.kind, kept.kind, kept.outcome) == ("folder", "bucket", "ok")
    assert kept.location == f"s3://{bucket}/ledger/checkpoints/{head.size:012d}"
    stored = s3.client(endpoint).get_object(Bucket=bucket, Key=f"ledger/checkpoints/{head.size:012d}")
    assert stored["Body"].read().decode() == head.note
    assert findings() == ""


def test_anchoring_is_no_reason_to_anchor_again(trail, bucket):
    assert len(anchors.anchor_latest()) == 2
    sequence_now()

    assert anchors.anchor_latest() == []


def test_nobody_deletes_a_copy_while_it_is_locked(trail, bucket, endpoint, settings):
    anchor = in_bucket()
    client, key = s3.client(endpoint), anchor.location.partition(f"{bucket}/")[2]
    (version,) = client.list_object_versions(Bucket=bucket)["Versions"]

    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
    locked = client.head_object(Bucket=bucket, Key=key)
    assert locked["ObjectLockMode"] == "COMPLIANCE"
    left = locked["ObjectLockRetainUntilDate"] - clock.now()
    assert abs(left - timedelta(days=settings.ANCHORS_LOCK_DAYS)) < timedelta(minutes=5)


def test_a_bucket_that_cannot_lock_keeps_copies_and_says_so(trail, make_bucket, caplog):
    make_bucket(locked=False)

    assert in_bucket().outcome == "ok"
    assert "no Object Lock" in caplog.text


def test_what_lies_there_is_never_written_over(trail, bucket, endpoint):
    key = f"ledger/checkpoints/{AuditCheckpoint.objects.latest('size').size:012d}"
    s3.client(endpoint).put_object(Bucket=bucket, Key=key, Body=b"another log's")

    anchor = in_bucket()

    assert anchor.outcome == "error"
    assert "holds something else" in anchor.detail
    assert s3.client(endpoint).get_object(Bucket=bucket, Key=key)["Body"].read() == b"another log's"
    assert "is not a checkpoint of this log" in findings()


def test_a_copy_of_before_a_crash_counts(trail, bucket):
    """The bucket has it, our row about it was lost."""
    head = AuditCheckpoint.objects.latest("size")
    place = anchors.places()[1]

    assert place.put(head) == place.put(head)


def test_two_that_write_at_once_cannot_replace_each_other(trail, bucket, monkeypatch):
    """The look before the write is not what protects: the condition in the write is."""
    first, second = AuditCheckpoint.objects.order_by("size")[:2]
    place = anchors.places()[1]
    place.put(first)
    monkeypatch.setattr(buckets.Bucket, "_has", lambda *_: False)
    second.size = first.size

    with pytest.raises(FileExistsError, match="holds something else"):
        place.put(second)


def test_a_bucket_that_is_away_loses_nothing(trail, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")  # nothing listens there
    buckets.bucket_at.cache_clear()
    away = in_bucket()
    assert "the bucket cannot be read" in findings()
    monkeypatch.undo()

    assert away.outcome == "error"
    assert s3.ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in "".join(AuditEvent.objects.values_list("body", flat=True))


def test_it_is_tried_again_when_it_is_back(trail, bucket, endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    buckets.bucket_at.cache_clear()
    assert in_bucket().outcome == "error"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    buckets.bucket_at.cache_clear()
    sequence_now()

    assert in_bucket().outcome == "ok"


def test_the_bucket_alone_finds_a_tail_cut_off(trail, bucket, home):
    anchors.anchor_latest()
    cut_to(3)
    shutil.rmtree(home / "anchors")

    assert "its tail was cut off" in findings()


def test_the_bucket_alone_finds_a_rewrite_with_the_stolen_key(trail, bucket, home):
    anchors.anchor_latest()
    rewrite_with_stolen_key(trail[2])
    shutil.rmtree(home / "anchors")

    assert "was rewritten since" in findings()


def test_without_a_bucket_boto3_is_not_imported():
    """It costs some 100 ms and 20 MB, which a server on one machine has no use for."""
    code = (
        "import os, sys, django; django.setup(); from audit import anchors, tasks;"
        " print(any(name.startswith(('boto3', 'botocore')) for name in sys.modules))"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
