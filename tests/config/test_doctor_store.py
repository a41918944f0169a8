"""The doctor's probe of the object store: a folder, a real S3 server, and one that is away."""

import pytest

from config import doctor, doctor_parts
from core.storage import get_store
from tests import s3

BUCKET = "lineal-doctor"


@pytest.fixture
def bucket(settings, tmp_path, monkeypatch):
    """An S3 server with a bucket that the server's settings name."""
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with s3.running(s3.rclone(tmp_path)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        s3.make_bucket(server.url, BUCKET)
        settings.BLOBS_URL = f"s3://{BUCKET}/blobs"
        yield server


def probe():
    (finding,) = doctor._guarded(doctor._Group("store", doctor_parts.store))
    return finding


def test_a_bucket_takes_gives_and_deletes(bucket):
    finding = probe()

    assert (finding.state, finding.detail) == ("ok", f"s3://{BUCKET}/blobs takes, gives and deletes")
    assert list(get_store().list_objects(doctor_parts.PROBE_PROJECT)) == []


def test_a_bucket_that_is_away_is_a_finding_and_no_crash(bucket):
    bucket.stop()

    finding = probe()

    assert finding.state == "fail"
    assert s3.ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in finding.detail


def test_a_folder_that_loses_bytes_is_found(settings, tmp_path, monkeypatch):
    settings.BLOBS_URL = f"file://{tmp_path / 'blobs'}"
    monkeypatch.setattr(type(get_store()), "open", lambda *_: iter([b"other bytes"]))

    finding = probe()

    assert finding.state == "fail"
    assert "other bytes" in finding.detail
