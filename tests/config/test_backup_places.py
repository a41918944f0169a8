"""A folder and a bucket keep backups alike: whole or not at all, found by name."""

from uuid import uuid4

import pytest

from config.backups.buckets import Bucket
from config.backups.failures import BackupFailed, Damaged
from config.backups.places import LAST_FILE, Folder, chosen
from tests.s3 import ENVIRONMENT, make_bucket, s3_server

BIG = [bytes([number]) * (1 << 20) for number in range(20)]  # more than one part of a multipart upload


@pytest.fixture(scope="module")
def endpoint():
    with s3_server() as found:
        yield found


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return Folder(tmp_path)
    endpoint = request.getfixturevalue("endpoint")
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": endpoint}.items():
        monkeypatch.setenv(name, value)
    name = f"backups-{uuid4().hex[:12]}"
    make_bucket(endpoint, name, locked=False)
    return Bucket(f"s3://{name}/prod/lineal")


@pytest.mark.parametrize("chunks", [[], [b"a", b"", b"bc"], BIG], ids=["nothing", "small", "large"])
def test_what_is_written_reads_back(place, chunks):
    place.write("2026-11-26T143000Z/tables/x", chunks)

    assert b"".join(place.read("2026-11-26T143000Z/tables/x")) == b"".join(chunks)
    assert place.size("2026-11-26T143000Z/tables/x") == sum(map(len, chunks))


def test_writing_again_replaces(place):
    place.write("a/b", [b"old"])
    place.write("a/b", [b"newer"])

    assert b"".join(place.read("a/b")) == b"newer"


@pytest.mark.parametrize("chunks", [BIG[:1], BIG], ids=["small", "large"])
def test_what_breaks_off_is_not_there(place, chunks):
    def breaks_off():
        yield from chunks
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.write("objects/ab/x", breaks_off())

    assert place.size("objects/ab/x") is None
    assert list(place.names()) == []


def test_a_missing_file_is_named(place):
    with pytest.raises(Damaged, match="objects/ab/x is missing"):
        list(place.read("objects/ab/x"))


def test_names_are_those_below_a_folder(place):
    for name in ("objects/ab/1", "objects/cd/2", "2026-11-26T143000Z/manifest.json"):
        place.write(name, [b"x"])

    assert list(place.names("objects")) == ["objects/ab/1", "objects/cd/2"]
    assert len(list(place.names())) == 3
    place.remove("objects/ab/1")
    place.remove("2026-11-26T143000Z/manifest.json")
    assert list(place.names()) == ["objects/cd/2"]


def test_a_folder_keeps_no_empty_folders(tmp_path):
    place = Folder(tmp_path)
    place.write("2026-11-26T143000Z/tables/x", [b"x"])

    place.remove("2026-11-26T143000Z/tables/x")

    assert list(tmp_path.iterdir()) == []


def test_complete_backups_are_listed_by_time(place):
    for name in ("2026-11-26T143000Z", "2026-11-25T143000Z"):
        place.write(f"{name}/{LAST_FILE}", [b"x"])
    place.write("2026-11-27T143000Z/manifest.json", [b"x"])
    place.write("objects/ab/1", [b"x"])

    assert place.backups() == ["2026-11-25T143000Z", "2026-11-26T143000Z"]
    found, name = chosen(place.where().rstrip("/"))
    assert (found.where(), name) == (place.where(), "2026-11-26T143000Z")


def test_a_bucket_that_is_not_there_is_said_plainly(endpoint, monkeypatch):
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": endpoint}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(OSError, match="s3://no-such-bucket/"):
        Bucket("s3://no-such-bucket/prod").write("a", [b"x"])
    with pytest.raises(BackupFailed, match="s3://bucket/prefix"):
        Bucket("s3:///prod")
