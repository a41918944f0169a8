import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from unittest import mock

import pytest

from core.errors import TooLarge
from core.ids import uuid7
from core.storage import LocalStore, NothingStaged, ObjectMissing, StagingHole, local

PROJECT = uuid7()
DATA = b"model bytes" * 1_000
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "blobs")


def publish(store, data=DATA, digest=DIGEST, project=PROJECT):
    key = store.new_staging_key()
    store.write_part(key, 0, [data], max_bytes=len(data))
    store.publish(key, project, digest)


def test_published_bytes_come_back_whole_and_by_range(store):
    publish(store)

    assert b"".join(store.open(PROJECT, DIGEST)) == DATA
    assert b"".join(store.open(PROJECT, DIGEST, 5, 11)) == DATA[5:11]
    assert store.size(PROJECT, DIGEST) == len(DATA)


def test_publishing_never_replaces_what_is_there(store):
    publish(store)
    publish(store, data=b"other bytes under the same name")

    assert b"".join(store.open(PROJECT, DIGEST)) == DATA


def test_projects_do_not_see_each_others_objects(store):
    publish(store)

    assert not store.exists(uuid7(), DIGEST)
    with pytest.raises(ObjectMissing):
        store.open(uuid7(), DIGEST)


def test_an_upload_goes_on_where_it_stopped(store):
    key = store.new_staging_key()
    store.write_part(key, 0, [DATA[:100]], max_bytes=len(DATA))

    assert store.staged_size(key) == 100
    assert store.write_part(key, 100, [DATA[100:]], max_bytes=len(DATA)) == len(DATA)
    assert b"".join(store.read_staged(key)) == DATA


def test_a_part_sent_again_replaces_itself(store):
    key = store.new_staging_key()
    store.write_part(key, 0, [b"abcdef"], max_bytes=100)
    store.write_part(key, 3, [b"DEF!"], max_bytes=100)

    assert b"".join(store.read_staged(key)) == b"abcDEF!"


def test_a_hole_is_refused_and_told(store):
    key = store.new_staging_key()
    store.write_part(key, 0, [b"abc"], max_bytes=100)

    with pytest.raises(StagingHole) as refused:
        store.write_part(key, 4, [b"e"], max_bytes=100)

    assert refused.value.extra["offset"] == 3


def test_more_than_was_announced_is_refused(store):
    with pytest.raises(TooLarge):
        store.write_part(store.new_staging_key(), 0, [b"abc", b"def"], max_bytes=5)


def test_publishing_says_whether_it_wrote_or_found_something_there(store):
    keys = [store.new_staging_key() for _ in range(2)]
    for key in keys:
        store.write_part(key, 0, [DATA], max_bytes=len(DATA))

    assert [store.publish(key, PROJECT, DIGEST) for key in keys] == [True, False]


def test_nothing_staged_is_no_object(store):
    """Not even an empty one: under the digest of other bytes it would be taken for them."""
    with pytest.raises(NothingStaged):
        store.publish(store.new_staging_key(), PROJECT, DIGEST)

    assert not store.exists(PROJECT, DIGEST)
    publish(store)
    assert store.publish(store.new_staging_key(), PROJECT, DIGEST) is False


def test_an_empty_object_can_be_published(store):
    key, empty = store.new_staging_key(), sha256(b"").hexdigest()
    assert store.publish(key, PROJECT, empty) is True

    assert b"".join(store.open(PROJECT, empty)) == b""


@pytest.mark.parametrize("key", ["../escape", "a/b", "", "A" * 48, "%2e%2e"])
def test_only_our_own_keys_name_a_staging_file(store, key):
    with pytest.raises(ValueError):
        store.write_part(key, 0, [b"x"], max_bytes=1)


@pytest.mark.parametrize("digest", ["..", "../../x", "", "A" * 64, "sha256:" + "a" * 57])
def test_only_a_digest_names_an_object(store, digest):
    with pytest.raises(ValueError):
        store.exists(PROJECT, digest)


def test_small_objects_are_published_and_read_together(store):
    contents = {sha256(bytes([number])).hexdigest(): bytes([number]) for number in range(40)}
    publish(store)

    assert store.put_all(PROJECT, {**contents, DIGEST: DATA}) == set(contents)
    assert store.put_all(PROJECT, contents) == set()
    assert store.read_all(PROJECT, [*contents, DIGEST]) == {**contents, DIGEST: DATA}
    assert list(store.staging.iterdir()) == []
    with pytest.raises(ObjectMissing):
        store.read_all(PROJECT, [sha256(b"?").hexdigest()])


def test_no_small_object_is_told_before_it_and_its_name_are_on_the_disk(store, monkeypatch):
    flushed = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (flushed.append(str(Path(f"/proc/self/fd/{handle}").readlink())), real(handle))
    )
    contents = {sha256(bytes([number])).hexdigest(): bytes([number]) for number in range(10)}

    store.put_all(PROJECT, contents)

    files = [path for path in flushed if path.startswith(str(store.staging))]
    folders = [path for path in flushed if not path.startswith(str(store.staging))]
    assert len(files) == len(contents)
    assert set(folders) == {str(store.root / PROJECT.hex / digest[:2]) for digest in contents}
    assert flushed[: len(files)] == files


def test_a_stretch_that_the_disk_refuses_ends_the_upload(store, monkeypatch):
    """The kernel tells of it once: a later flush of the same file would succeed."""
    monkeypatch.setattr(local, "FLUSHED", 10)
    monkeypatch.setattr(os, "fsync", mock.Mock(side_effect=OSError(5, "Input/output error")))

    with pytest.raises(OSError, match="Input/output"):
        store.write_part(store.new_staging_key(), 0, [b"x" * 8] * 2, max_bytes=100)


def test_stale_uploads_are_found(store):
    key = store.new_staging_key()
    store.write_part(key, 0, [b"x"], max_bytes=1)

    assert list(store.list_stale_staging(datetime.now(UTC) + timedelta(seconds=5))) == [key]
    assert list(store.list_stale_staging(datetime.now(UTC) - timedelta(seconds=5))) == []


def test_files_of_the_store_are_closed_to_others(store, tmp_path):
    publish(store)

    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "blobs").rglob("*")}
    assert modes == {0}


def test_objects_are_listed_by_digest_from_where_a_reader_stopped(store):
    digests = sorted(sha256(bytes([number])).hexdigest() for number in range(50))
    for number in range(50):
        publish(store, data=bytes([number]), digest=sha256(bytes([number])).hexdigest())
    publish(store, project=uuid7())

    listed = list(store.list_objects(PROJECT))

    assert [found.sha256 for found in listed] == digests
    assert {(found.project, found.size) for found in listed} == {(PROJECT, 1)}
    assert [found.sha256 for found in store.list_objects(PROJECT, after=digests[19])] == digests[20:]
    assert list(store.list_objects(uuid7())) == []
