"""The store in a bucket, on two real servers: the same promises as the local one, and those of links."""

import base64
import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from unittest import mock

import pytest
import urllib3

from core.errors import TooLarge
from core.ids import uuid7
from core.storage import NothingStaged, ObjectMissing, S3DirectStore, S3Store, StagingHole, StoreAway, StoreRefused, s3
from core.storage.parts import SMALLEST_PART, cut, part_sizes_of
from tests.server import free_port

PROJECT = uuid7()
DATA = b"model bytes" * 1_000
DIGEST = sha256(DATA).hexdigest()
MIB = 1 << 20
http = urllib3.PoolManager()


@pytest.fixture
def store(bucket):
    return S3DirectStore(bucket.url)


@pytest.fixture(scope="module")
def large():
    """Three parts, the last of them short."""
    return os.urandom(2 * SMALLEST_PART + 100)


def publish(store, data=DATA, digest=DIGEST, project=PROJECT):
    key = store.new_staging_key()
    store.write_part(key, 0, [data], max_bytes=len(data))
    store.publish(key, project, digest)
    return key


def put(link, data, **headers):
    return http.request("PUT", link.url, body=data, headers={**link.headers, **headers})


def path_of(digest=DIGEST, project=PROJECT):
    return f"{project.hex}/{digest[:2]}/{digest}"


def test_published_bytes_come_back_whole_and_by_range(store, bucket):
    store.discard(publish(store))

    assert b"".join(store.open(PROJECT, DIGEST)) == DATA
    assert b"".join(store.open(PROJECT, DIGEST, 5, 11)) == DATA[5:11]
    assert b"".join(store.open(PROJECT, DIGEST, 5)) == DATA[5:]
    assert b"".join(store.open(PROJECT, DIGEST, 5, 5)) == b""
    assert store.size(PROJECT, DIGEST) == len(DATA)
    assert bucket.keys() == [path_of()]


def test_publishing_never_replaces_what_is_there(store):
    publish(store)
    publish(store, data=b"other bytes under the same name")

    assert b"".join(store.open(PROJECT, DIGEST)) == DATA


def test_projects_do_not_see_each_others_objects(store):
    publish(store)

    assert not store.exists(uuid7(), DIGEST)
    with pytest.raises(ObjectMissing):
        store.open(uuid7(), DIGEST)
    with pytest.raises(ObjectMissing):
        store.size(uuid7(), DIGEST)


def test_an_upload_through_the_server_goes_on_with_the_parts_that_arrived(store, large):
    key = store.new_staging_key()

    def broken_off():
        yield large[: SMALLEST_PART + 5 * MIB]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.write_part(key, 0, broken_off(), max_bytes=len(large))

    assert store.staged_size(key) == SMALLEST_PART
    with pytest.raises(StagingHole) as refused:
        store.write_part(key, SMALLEST_PART + 5 * MIB, [b"x"], max_bytes=len(large))
    assert refused.value.extra["offset"] == SMALLEST_PART
    assert store.write_part(key, SMALLEST_PART, [large[SMALLEST_PART:]], max_bytes=len(large)) == len(large)
    assert b"".join(store.read_staged(key)) == large


def test_an_upload_through_the_server_may_begin_again(store, large):
    key = store.new_staging_key()
    store.write_part(key, 0, [large[:SMALLEST_PART]], max_bytes=len(large))

    store.write_part(key, 0, [large], max_bytes=len(large))

    assert b"".join(store.read_staged(key)) == large


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
    store.publish(key, PROJECT, empty)

    assert b"".join(store.open(PROJECT, empty)) == b""


@pytest.mark.parametrize("key", ["../escape", "a/b", "A" * 48, "%2e%2e"])
def test_only_our_own_keys_name_a_staging_object(store, key):
    with pytest.raises(ValueError, match="staging key"):
        store.write_part(key, 0, [b"x"], max_bytes=1)


def test_only_a_digest_names_an_object(store):
    for digest in ("..", "../../x", "", "A" * 64, f"sha256:{'a' * 57}"):
        with pytest.raises(ValueError, match="SHA-256"):
            store.exists(PROJECT, digest)


def test_small_objects_are_published_together_and_again(store):
    contents = {sha256(bytes([number])).hexdigest(): bytes([number]) for number in range(30)}

    store.put_all(PROJECT, contents)
    store.put_all(PROJECT, contents)

    assert store.existing(PROJECT, [*contents, DIGEST]) == set(contents)
    assert all(b"".join(store.open(PROJECT, digest)) == data for digest, data in contents.items())
    assert store.existing(PROJECT, []) == set()


def test_small_objects_are_read_together(store):
    contents = {sha256(bytes([number])).hexdigest(): bytes([number]) * number for number in range(40)}
    contents = {sha256(data).hexdigest(): data for data in contents.values()}
    store.put_all(PROJECT, contents)

    assert store.read_all(PROJECT, list(contents)) == contents
    with pytest.raises(ObjectMissing):
        store.read_all(PROJECT, [*contents, DIGEST])


def test_what_the_short_way_does_not_understand_is_asked_of_boto3(store, monkeypatch):
    """A redirect, a store that says "slow down": the answer is boto3's to read."""
    monkeypatch.setattr(store._bucket.small, "put", lambda *_: None)
    monkeypatch.setattr(store._bucket.small, "get", lambda *_: None)

    assert store.put_all(PROJECT, {DIGEST: DATA}) == {DIGEST}
    assert store.read_all(PROJECT, [DIGEST]) == {DIGEST: DATA}


def test_small_objects_go_by_botocores_session_where_tls_or_a_proxy_is_in_the_way(store, monkeypatch):
    monkeypatch.setattr(store._bucket.small, "_kept", None)
    monkeypatch.setattr(store, "_put", mock.Mock(side_effect=AssertionError("asked of boto3")))

    assert store.put_all(PROJECT, {DIGEST: DATA}) == {DIGEST}
    assert store.read_all(PROJECT, [DIGEST]) == {DIGEST: DATA}


@pytest.mark.parametrize("proxied", [True, False])
def test_a_proxy_is_not_passed_by(bucket, monkeypatch, proxied):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "" if proxied else "127.0.0.1,localhost")

    assert (S3Store(bucket.url)._bucket.small._kept is None) is proxied


def test_small_objects_of_a_bucket_that_does_not_answer_are_away(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    store = S3Store(bucket.url)

    with pytest.raises(StoreAway):
        store.put_all(PROJECT, {DIGEST: DATA})
    with pytest.raises(StoreAway):
        store.read_all(PROJECT, [DIGEST])


def staged_in_parts(store, content):
    key, sizes = store.new_staging_key(), store.part_sizes(len(content))
    upload = store.start_parts(key)
    for number in range(1, sizes.count + 1):
        start = (number - 1) * sizes.part
        put(store.part_link(key, upload, number, sizes.of(number)), content[start : start + sizes.part])
    assert store.join_parts(key, upload, sizes.count) == len(content)
    return key


def test_a_promised_object_is_there_before_it_is_copied_and_after(store, large, bucket):
    digest = sha256(large).hexdigest()
    key = staged_in_parts(store, large)

    assert store.promise(key, PROJECT, digest) is True
    before = [digest in name for name in bucket.keys("staging/")]

    for settled in (False, True):
        assert store.is_promised(PROJECT, digest) is not settled
        assert store.exists(PROJECT, digest)
        assert store.size(PROJECT, digest) == len(large)
        assert b"".join(store.open(PROJECT, digest, 5, 11)) == large[5:11]
        assert [(each.sha256, each.size) for each in store.list_objects(PROJECT)] == [(digest, len(large))]
        store.settle(PROJECT, digest)
        store.settle(PROJECT, digest)

    assert before == [False]
    assert bucket.keys() == [f"{PROJECT.hex}/{digest[:2]}/{digest}"]


def test_of_two_promises_the_first_is_kept(store, large):
    digest = sha256(large).hexdigest()
    first, second = (staged_in_parts(store, large) for _ in range(2))

    assert store.promise(first, PROJECT, digest) is True
    assert store.promise(first, PROJECT, digest) is True  # said again after a crash
    assert store.promise(second, PROJECT, digest) is False
    store.settle(PROJECT, digest)
    assert store.promise(second, PROJECT, digest) is False


def test_a_promise_outlives_an_earlier_one_whose_upload_was_given_up(store, large, bucket):
    """Whoever is told False discards what it sent."""
    digest = sha256(large).hexdigest()
    first, second = (staged_in_parts(store, large) for _ in range(2))
    store.promise(first, PROJECT, digest)
    store.discard(first)

    assert store.promise(second, PROJECT, digest) is False
    store.discard(second)

    assert b"".join(store.open(PROJECT, digest)) == large
    store.settle(PROJECT, digest)
    assert bucket.keys() == [f"{PROJECT.hex}/{digest[:2]}/{digest}"]
    assert b"".join(store.open(PROJECT, digest)) == large


def test_a_note_that_goes_while_another_is_written_leaves_the_bytes_sure(store, large, monkeypatch):
    """A server that writes on a condition refuses the second note; one that does not takes it in the first one's place."""
    digest = sha256(large).hexdigest()
    first, second = (staged_in_parts(store, large) for _ in range(2))
    store.promise(first, PROJECT, digest)
    with monkeypatch.context() as patched:
        patched.setattr(store._notes, "read", lambda _: "")  # before it came, and after it went
        promised = store.promise(second, PROJECT, digest)
    store.discard(first)
    if not promised:
        store.discard(second)

    store.settle(PROJECT, digest)

    assert b"".join(store.open(PROJECT, digest)) == large


def test_a_copy_that_was_killed_is_finished_by_the_next(store, large, bucket, monkeypatch):
    digest = sha256(large).hexdigest()
    store.promise(staged_in_parts(store, large), PROJECT, digest)
    with monkeypatch.context() as patch:
        patch.setattr(store._notes, "drop", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.settle(PROJECT, digest)

    assert [each.sha256 for each in store.list_objects(PROJECT)] == [digest]
    store.settle(PROJECT, digest)
    assert bucket.keys() == [f"{PROJECT.hex}/{digest[:2]}/{digest}"]


def test_a_promised_object_is_deleted_where_it_lies(store, large, bucket):
    digest = sha256(large).hexdigest()
    store.promise(staged_in_parts(store, large), PROJECT, digest)

    store.delete(PROJECT, digest)

    assert bucket.keys() == []
    assert not store.exists(PROJECT, digest)


def test_a_promise_whose_bytes_are_lost_is_no_object(store, large, bucket):
    digest = sha256(large).hexdigest()
    key = staged_in_parts(store, large)
    store.promise(key, PROJECT, digest)
    store.discard(key)

    assert not store.exists(PROJECT, digest)
    assert list(store.list_objects(PROJECT)) == []
    with pytest.raises(ObjectMissing):
        store.open(PROJECT, digest)
    store.settle(PROJECT, digest)
    assert bucket.keys() == []


def test_objects_are_listed_by_digest_from_where_a_reader_stopped(store, bucket):
    contents = {sha256(bytes([number])).hexdigest(): bytes([number]) for number in range(20)}
    store.put_all(PROJECT, contents)
    publish(store, project=uuid7())
    bucket.write(f"{PROJECT.hex}/zz/not-ours", b"?")
    digests = sorted(contents)

    assert [found.sha256 for found in store.list_objects(PROJECT)] == digests
    assert {(found.project, found.size) for found in store.list_objects(PROJECT)} == {(PROJECT, 1)}
    assert [found.sha256 for found in store.list_objects(PROJECT, after=digests[9])] == digests[10:]
    assert list(store.list_objects(uuid7())) == []


def test_what_was_abandoned_is_found_and_cleared(store, bucket):
    whole, in_parts = store.new_staging_key(), store.new_staging_key()
    store.write_part(whole, 0, [b"x"], max_bytes=1)
    put(store.part_link(in_parts, store.start_parts(in_parts), 1, 4), b"part")

    assert set(store.list_stale_staging(datetime.now(UTC) + timedelta(seconds=5))) == {whole, in_parts}
    assert list(store.list_stale_staging(datetime.now(UTC) - timedelta(seconds=60))) == []
    for key in (whole, in_parts):
        store.discard(key)
    assert (bucket.keys(), bucket.uploads()) == ([], [])


def test_parts_go_past_the_server_in_any_order(store, large):
    key, sizes = store.new_staging_key(), store.part_sizes(len(large))
    upload = store.start_parts(key)
    for number in (3, 1, 2):
        start = (number - 1) * sizes.part
        assert (
            put(store.part_link(key, upload, number, sizes.of(number)), large[start : start + sizes.part]).status == 200
        )

    assert store.arrived_parts(key, upload) == {1: SMALLEST_PART, 2: SMALLEST_PART, 3: 100}
    store.join_parts(key, upload, sizes.count)
    store.join_parts(key, upload, sizes.count)
    store.publish(key, PROJECT, sha256(large).hexdigest())

    assert store.arrived_parts(key, upload) is None
    assert sha256(b"".join(store.open(PROJECT, sha256(large).hexdigest()))).hexdigest() == sha256(large).hexdigest()


def test_parts_with_a_hole_are_not_joined(store):
    key = store.new_staging_key()
    upload = store.start_parts(key)
    put(store.part_link(key, upload, 2, 4), b"last")

    store.join_parts(key, upload, 2)

    assert store.arrived_parts(key, upload) == {2: 4}
    assert store.staged_size(key) == 0


def test_a_link_is_good_for_its_own_part_and_size_alone(store):
    key = store.new_staging_key()
    upload = store.start_parts(key)
    part = store.part_link(key, upload, 1, 4)
    whole = store.put_link(key, len(DATA), DIGEST)

    assert http.request("PUT", part.url.replace("partNumber=1", "partNumber=2"), body=b"part").status == 403
    assert http.request("PUT", part.url.replace(key, store.new_staging_key()), body=b"part").status == 403
    assert put(part, b"longer than said").status == 403
    assert put(whole, DATA + b"!").status == 403
    assert http.request("DELETE", whole.url).status == 403
    assert put(whole, DATA).status == 200


def test_no_link_to_write_names_a_published_object(store):
    key = store.new_staging_key()
    links = [store.put_link(key, 5, DIGEST), store.part_link(key, store.start_parts(key), 1, 5)]

    assert all(f"/some/prefix/staging/{key}?" in link.url for link in links)
    assert not any(DIGEST in link.url for link in links)


def test_bytes_damaged_on_their_way_are_refused_by_the_storage(store, s3_server):
    """Content-MD5, which clients send, is checked by both; the signed SHA-256 by those that know it."""
    key, damaged = store.new_staging_key(), DATA[:-1] + b"!"
    link = store.put_link(key, len(DATA), DIGEST)
    md5 = base64.b64encode(hashlib.md5(DATA).digest()).decode()

    assert put(link, damaged, **{"Content-MD5": md5}).status == 400
    by_sha256 = put(link, damaged).status
    assert by_sha256 == (400 if s3_server.name == "ministack" else 200)


def test_an_expired_link_is_refused(bucket, monkeypatch):
    store = S3DirectStore(bucket.url, link_life_s=1)
    link = store.put_link(store.new_staging_key(), len(DATA), DIGEST)
    deadline = datetime.now(UTC) + timedelta(seconds=10)

    while (status := put(link, DATA).status) == 200 and datetime.now(UTC) < deadline:
        pass

    assert status in (400, 403)


def test_a_link_to_read_is_an_attachment_of_no_type(store):
    publish(store)

    link = store.get_link(PROJECT, DIGEST, "attachment; filename*=UTF-8''model.html")
    answer = http.request("GET", link, headers={"Range": "bytes=5-10"})

    assert answer.data == DATA[5:11]
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''model.html"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert http.request("GET", link.replace(DIGEST, "b" * 64)).status in (403, 404)


def test_links_lead_where_clients_reach_the_storage(bucket):
    store = S3DirectStore(bucket.url, public_url="https://storage.example:9000")

    assert store.put_link(store.new_staging_key(), 5, DIGEST).url.startswith("https://storage.example:9000/")


@pytest.mark.parametrize(
    ("asked", "headers"),
    [
        ("AES256", {"x-amz-server-side-encryption": "AES256"}),
        (
            "aws:kms:arn:aws:kms:eu-west-1:1:key/2",
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/2",
            },
        ),
    ],
    ids=["AES256", "aws:kms"],
)
def test_encryption_is_asked_for_with_every_write(bucket, asked, headers, monkeypatch):
    sent = []
    store = S3DirectStore(bucket.url, encryption=asked)
    kept = store._bucket.small._kept
    ask = kept.ask

    def spied(method, url, headers, body):
        sent.append(SimpleNamespace(method=method, headers=headers))
        return ask(method, url, headers, body)

    monkeypatch.setattr(kept, "ask", spied)
    for client in (store._bucket.client, store._bucket.patient):
        client.meta.events.register("before-send.s3", lambda request, **_: sent.append(request))

    link = store.put_link(store.new_staging_key(), 5, DIGEST)
    store.start_parts(store.new_staging_key())
    publish(store)
    store.put_all(PROJECT, {sha256(b"x").hexdigest(): b"x"})

    assert headers.items() <= link.headers.items()
    writes = [each for each in sent if each.method in ("PUT", "POST")]
    assert len(writes) == 4  # a start, a staged file, a copy, a small object
    for write in writes:
        assert headers.items() <= {name: _text(value) for name, value in write.headers.items()}.items()


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_a_bucket_that_is_not_there_refuses_and_says_so(bucket):
    store = S3Store("s3://no-such-bucket-of-ours/x")

    with pytest.raises(StoreRefused) as refused:
        store.check()
    assert "NoSuchBucket" in str(refused.value.__cause__)
    with pytest.raises(StoreRefused):  # never taken for an object that is missing
        store.open(PROJECT, DIGEST)


def test_a_bucket_that_does_not_answer_is_away_and_says_nothing_of_its_objects(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")  # nothing listens there
    store = S3Store(bucket.url)

    for asked in (
        store.check,
        lambda: store.exists(PROJECT, DIGEST),
        lambda: store.open(PROJECT, DIGEST),
        lambda: list(store.list_objects(PROJECT)),
        lambda: store.put_all(PROJECT, {DIGEST: DATA}),
        lambda: store.publish(store.new_staging_key(), PROJECT, DIGEST),
    ):
        with pytest.raises(StoreAway) as away:
            asked()
        assert not isinstance(away.value, StoreRefused)


def test_a_good_bucket_passes_the_check_and_keeps_nothing_of_it(store, bucket):
    store.check()

    assert bucket.keys() == []


def test_a_stream_that_breaks_off_goes_on_where_it_stopped(store, monkeypatch):
    publish(store)
    real, asked = S3Store._body, []

    class Breaking:
        def __init__(self, body):
            self._body = body

        def read(self, size):
            if len(asked) < 3:
                from botocore.exceptions import ResponseStreamingError

                if data := self._body.read(1_000):
                    self._body = io.BytesIO()
                    return data
                raise ResponseStreamingError(error="the connection broke")
            return self._body.read(size)

        def close(self):
            pass

    def body(self, key, start, end, missing):
        asked.append(start)
        return Breaking(real(self, key, start, end, missing))

    monkeypatch.setattr(S3Store, "_body", body)

    assert b"".join(store.open(PROJECT, DIGEST)) == DATA
    assert asked == [0, 1_000, 2_000]


@pytest.mark.parametrize("size", [0, 1, SMALLEST_PART, SMALLEST_PART + 1, 100 << 30, 1 << 40])
def test_a_file_is_cut_within_the_limits_of_s3(size):
    sizes = part_sizes_of(size)

    assert sizes.part >= SMALLEST_PART
    assert sizes.count <= 10_000
    assert sum(sizes.of(number) for number in {1, sizes.count}) + sizes.part * max(0, sizes.count - 2) == size
    assert 0 <= sizes.of(sizes.count) <= sizes.part


def test_pieces_carry_what_was_given_and_nothing_else():
    pieces = [(piece.size, piece.body.read()) for piece in cut([b"abc", b"defgh", b""], 4, at_most=8)]

    assert pieces == [(4, b"abcd"), (4, b"efgh")]
    with pytest.raises(TooLarge):
        list(cut([b"abc", b"def"], 4, at_most=5))


@pytest.mark.parametrize("s3_server", ["ministack"], indirect=True)
class TestOnAServerThatEnforces:
    """Preconditions, copies of parts, versions and locks: rclone has none of them (docs/adr/0015)."""

    def test_small_objects_are_never_written_over(self, store, bucket):
        """No look before the write protects them: the condition in the write does."""
        bucket.write(path_of(), b"what was there first")

        store.put_all(PROJECT, {DIGEST: DATA})

        assert bucket.read(path_of()) == b"what was there first"

    def test_a_staged_file_that_changes_before_the_copy_is_not_published(self, store, bucket, monkeypatch):
        key = store.new_staging_key()
        store.write_part(key, 0, [DATA], max_bytes=len(DATA))
        real = S3Store._copy

        def changed_meanwhile(self, source, target, etag, size):
            bucket.write(f"staging/{key}", b"other")
            return real(self, source, target, etag, size)

        monkeypatch.setattr(S3Store, "_copy", changed_meanwhile)

        with pytest.raises(Exception, match="send it again"):
            store.publish(key, PROJECT, DIGEST)
        assert not store.exists(PROJECT, DIGEST)

    def test_what_is_too_large_for_one_copy_is_copied_in_parts(self, store, large, monkeypatch):
        monkeypatch.setattr(s3, "LARGEST_COPY", SMALLEST_PART)
        monkeypatch.setattr(s3, "COPIED_PART", 6 * MIB)
        digest = sha256(large).hexdigest()

        publish(store, large, digest)

        assert sha256(b"".join(store.open(PROJECT, digest))).hexdigest() == digest

    def test_a_versioned_bucket_is_read_as_one_without(self, store, bucket):
        bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
        store.discard(publish(store))
        store.delete(PROJECT, DIGEST)

        assert not store.exists(PROJECT, DIGEST)
        with pytest.raises(ObjectMissing):
            store.open(PROJECT, DIGEST)
        assert list(store.list_objects(PROJECT)) == []
        publish(store)
        assert b"".join(store.open(PROJECT, DIGEST)) == DATA
        versions = bucket.client.list_object_versions(Bucket=bucket.name, Prefix=f"some/prefix/{path_of()}")
        assert (len(versions["Versions"]), len(versions["DeleteMarkers"])) == (2, 1)

    def test_a_bucket_with_object_lock_takes_everything(self, s3_server, bucket, large):
        from tests import s3 as servers

        servers.make_bucket(s3_server.url, f"{bucket.name}-locked", locked=True)
        store = S3DirectStore(f"s3://{bucket.name}-locked")
        store.check()
        digest = sha256(large).hexdigest()

        publish(store, large, digest)
        store.put_all(PROJECT, {DIGEST: DATA})

        assert store.size(PROJECT, digest) == len(large)
