"""Files that go past the server, over REST, on two real S3 servers: links for those who may write, and nothing wrong ever published."""

import os
from datetime import timedelta
from hashlib import sha256

import msgspec
import pytest
import urllib3

from core import clock
from core.storage import StoreAway, get_store
from core.storage.parts import SMALLEST_PART
from tracking import services
from tracking.models import Artifact, Blob, Upload
from tracking.services.blobs import verify_stored_bytes

WHOLE = bytes(range(256)) * 1_200  # too large for a pack, one part
http = urllib3.PoolManager()
SERVERS = ["ministack", pytest.param("rclone", marks=pytest.mark.slow)]  # the store itself is always tested on both
pytestmark = pytest.mark.parametrize("s3_server", SERVERS, indirect=True)


def hexdigest(content):
    return sha256(content).hexdigest()


@pytest.fixture(scope="module")
def large():
    return os.urandom(2 * SMALLEST_PART + 1_000)


@pytest.fixture
def files(bucket, api, bob, make_run):
    """Bob's client and a run; `bucket` is the store."""

    class Files:
        run = make_run()
        client = api(bob)
        base = f"runs/{run.uuid.hex}/artifacts"

        def announce(self, *contents, path="model.bin", **changed):
            told = [
                {"path": path if len(contents) == 1 else f"{path}/{at}", "size": len(each), "sha256": hexdigest(each)}
                for at, each in enumerate(contents)
            ]
            return self.client.post(self.base, json={"files": [each | changed for each in told]}).json()

        def ticket(self, content, **options):
            return self.announce(content, **options)["files"][0]["upload"]

        def links(self, ticket, *numbers):
            answer = self.client.post(f"{ticket['url']}/links", json={"parts": list(numbers)})
            assert answer.status_code == 200, answer.content
            return {link["part"]: link for link in answer.json()["links"]}

        def send(self, ticket, content, *numbers):
            part = ticket["direct"]["part_size"]
            for number, link in self.links(ticket, *numbers).items():
                assert put(link, content[(number - 1) * part : number * part]).status == 200

        def commit(self, ticket):
            return self.client.post(f"{ticket['url']}/commit")

        def download(self, path="model.bin", **headers):
            return self.client.get(f"{self.base}/content", data={"path": path}, headers=headers)

        def pack(self, tickets, contents):
            entries = [
                {"upload": ticket["id"], "data": content} for ticket, content in zip(tickets, contents, strict=True)
            ]
            return self.client.post(
                f"{self.base}/pack",
                data=msgspec.msgpack.encode({"files": entries}),
                content_type="application/x-msgpack",
            )

    return Files()


def put(link, data):
    return http.request("PUT", link["url"], body=data, headers=link["headers"])


def test_a_file_of_many_parts_goes_in_and_comes_out(files, large, bucket, run_jobs):
    ticket = files.ticket(large)
    assert ticket["direct"] == {"part_size": SMALLEST_PART, "parts": 3, "began": False, "link": None}

    files.send(ticket, large, 2, 3, 1)
    done = files.commit(ticket)
    run_jobs()

    assert done.json()["state"] == "unverified"
    assert Blob.objects.get().state == "verified"
    assert len(bucket.keys()) == 1
    assert bucket.uploads() == []
    there = files.download()
    assert there.status_code == 302
    assert there.headers["Cache-Control"] == "private, no-cache"
    through = files.download(**{"Lineal-Bytes": "server", "Range": "bytes=5-9"})
    assert (through.status_code, b"".join(through.streaming_content)) == (206, large[5:10])
    answer = http.request("GET", there.headers["Location"], headers={"Range": "bytes=5-9"})
    assert (answer.data, answer.headers["Content-Type"]) == (large[5:10], "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_file_of_one_part_has_its_link_in_the_answer(files, run_jobs):
    ticket = files.ticket(WHOLE)

    assert put(ticket["direct"]["link"], WHOLE).status == 200
    assert files.commit(ticket).status_code == 200
    run_jobs()

    assert Blob.objects.get().state == "verified"


def test_an_upload_goes_on_with_the_parts_that_are_missing(files, large):
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 3)

    again = files.ticket(large)
    found = files.client.get(again["url"]).json()

    assert again["id"] == ticket["id"]
    assert again["direct"]["began"]
    assert found == {"offset": SMALLEST_PART, "part_size": SMALLEST_PART, "parts": 3, "arrived": [1, 3]}
    assert files.commit(ticket).status_code == 409
    files.send(again, large, 2)
    assert files.commit(again).status_code == 200
    assert files.commit(again).json() == files.commit(again).json()
    assert files.client.get(again["url"]).json()["arrived"] == [1, 2, 3]


def test_an_upload_that_the_bucket_has_swept_begins_again(files, large, bucket):
    """As a lifecycle rule does with what lies about for days."""
    ticket = files.ticket(large)
    files.send(ticket, large, 1)
    store, upload = get_store(), Upload.objects.get()
    store.discard(upload.staging_key)

    assert files.client.get(ticket["url"]).json()["arrived"] == []
    files.send(ticket, large, 1, 2, 3)
    assert files.commit(ticket).status_code == 200


def test_a_commit_that_crashed_after_the_parts_were_joined_is_finished_by_the_next(files, large):
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    upload = Upload.objects.get()
    get_store().join_parts(upload.staging_key, upload.multipart_id, 3)

    assert files.client.get(ticket["url"]).json()["arrived"] == [1, 2, 3]
    assert files.commit(ticket).status_code == 200


def test_until_a_worker_has_copied_it_a_file_of_many_parts_comes_through_the_server(files, large, bucket, run_jobs):
    """Who uploads does not wait for the copy; who downloads meanwhile has no link to what is about to be moved."""
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    assert files.commit(ticket).status_code == 200

    answer = files.download()
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, large)
    assert files.client.get(files.base, data={"links": "true"}).json()["items"][0]["link"] is None
    assert files.announce(large)["files"][0]["state"] == "have"

    run_jobs()
    assert len(bucket.keys()) == 1
    assert http.request("GET", files.download().headers["Location"]).data == large


def test_the_same_bytes_sent_twice_at_once_are_one_object(files, large, bucket, run_jobs):
    tickets = [files.ticket(large, path=name) for name in ("first.bin", "second.bin")]
    for ticket in tickets:
        files.send(ticket, large, 1, 2, 3)

    for ticket in [*tickets, *tickets]:
        assert files.commit(ticket).status_code == 200
    assert b"".join(files.download("second.bin").streaming_content) == large
    run_jobs()

    assert Blob.objects.get().state == "verified"
    assert len(bucket.keys()) == 1


def test_what_no_worker_came_to_copy_is_copied_before_staged_bytes_are_cleared(files, large, bucket, monkeypatch):
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    files.commit(ticket)
    Upload.objects.all().delete()  # as with a run that was purged, while another one has the bytes
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(days=8))

    services.forget_stale_uploads()

    assert bucket.keys() == [f"{files.run.project.uuid.hex}/{hexdigest(large)[:2]}/{hexdigest(large)}"]
    assert services.verify_blob(blob_id=Blob.objects.get().pk) == "verified"


def test_a_slow_upload_that_was_committed_just_now_keeps_its_bytes(files, large, monkeypatch):
    """They are as old as the beginning of the upload, and no worker has come to copy them yet."""
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(days=8))
    files.commit(ticket)
    Blob.objects.update(created_at=clock.now())

    assert services.forget_stale_uploads() == 0

    assert get_store().staged_size(Upload.objects.get().staging_key) == len(large)
    assert services.verify_blob(blob_id=Blob.objects.get().pk) == "verified"


def test_a_commit_that_broke_off_gives_others_its_bytes_before_they_are_cleared(files, large):
    """Published, and never named: a sweep has adopted the object since."""
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    files.commit(ticket)
    Upload.objects.update(committed_at=None, touched_at=clock.now() - timedelta(days=8))

    assert services.forget_stale_uploads() == 1

    assert services.verify_blob(blob_id=Blob.objects.get().pk) == "verified"


def test_nothing_is_cleared_while_more_waits_to_be_copied_than_one_call_does(files, large, monkeypatch):
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    files.commit(ticket)
    given_up = files.ticket(large[1:], path="given-up")
    files.send(given_up, large[1:], 1)
    Upload.objects.filter(uuid=given_up["id"]).update(touched_at=clock.now() - timedelta(days=8))
    Blob.objects.update(created_at=clock.now() - timedelta(days=8))

    with monkeypatch.context() as patched:
        patched.setattr("tracking.services.blobs.SETTLED_AT_ONCE", 1)
        assert services.forget_stale_uploads() == 0
    assert Upload.objects.filter(uuid=given_up["id"]).exists()

    assert services.forget_stale_uploads() == 1
    assert not Upload.objects.filter(uuid=given_up["id"]).exists()


def test_wrong_bytes_that_the_bucket_took_are_quarantined_by_the_worker(files, large, run_jobs):
    wrong = b"!" + large[1:]
    ticket = files.ticket(large)
    files.send(ticket, wrong, 1, 2, 3)
    assert files.commit(ticket).status_code == 200

    run_jobs()

    assert Blob.objects.get().state == "quarantined"
    assert files.download().status_code == 409
    again = files.ticket(large, path="again.bin")
    files.send(again, large, 1, 2, 3)
    files.commit(again)
    run_jobs()
    assert Blob.objects.get().state == "verified"
    assert files.download("again.bin").status_code == 302


def test_wrong_bytes_in_the_place_of_verified_ones_are_found(files, large, run_jobs, project):
    """The bucket has lost the object, and its row still says verified."""
    ticket = files.ticket(large)
    files.send(ticket, large, 1, 2, 3)
    files.commit(ticket)
    run_jobs()
    assert Blob.objects.get().state == "verified"
    get_store().delete(project.uuid, hexdigest(large))

    again = files.ticket(large, path="again.bin")
    files.send(again, b"!" + large[1:], 1, 2, 3)
    assert files.commit(again).status_code == 200
    assert Blob.objects.get().state == "unverified"
    run_jobs()

    assert Blob.objects.get().state == "quarantined"
    assert files.download().status_code == 409


def test_a_size_that_was_a_lie_is_refused(files, large, s3_server):
    """By the bucket, since the link is signed for a size, and by the commit, which counts what is there."""
    ticket = files.ticket(large)
    link = files.links(ticket, 1)[1]

    assert put(link, large[: SMALLEST_PART - 1]).status == 403
    short = files.ticket(WHOLE, size=len(WHOLE) + 10_000)
    assert put(short["direct"]["link"], WHOLE).status == 403
    upload = Upload.objects.get(uuid=short["id"])
    get_store().write_part(upload.staging_key, 0, [WHOLE], max_bytes=len(WHOLE))
    refused = files.commit(short)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/upload-incomplete")
    assert not Artifact.objects.exists()


def test_no_link_to_write_names_a_final_key(files, large):
    tickets = [files.ticket(large), files.ticket(WHOLE, path="whole")]
    links = [*files.links(tickets[0], 1, 2, 3).values(), *files.links(tickets[1], 1).values()]

    assert len(links) == 4
    for link in [*links, tickets[1]["direct"]["link"]]:
        assert "/some/prefix/staging/" in link["url"]
        assert files.run.project.uuid.hex not in link["url"]
        assert hexdigest(large) not in link["url"]
        assert hexdigest(WHOLE) not in link["url"]


def test_a_stranger_gets_no_link(files, large, api, mallory, make_project, make_account, principal):
    """Nor learns that there is such an upload or file: it answers like one that is missing."""
    ticket = files.ticket(large)
    stored = files.ticket(WHOLE, path="stored.bin")
    put(stored["direct"]["link"], WHOLE)
    files.commit(stored)
    carol = make_account("carol")
    make_project("elsewhere", admin=carol)

    for client, project in ((api(mallory), ""), (api(principal(carol)), "?project=elsewhere")):
        for method, path, body in (
            ("POST", f"{ticket['url']}/links{project}", {"parts": [1]}),
            ("GET", f"{ticket['url']}{project}", None),
            ("POST", f"{ticket['url']}/commit{project}", None),
            ("GET", f"{files.base}/content{project}{'&' if project else '?'}path=stored.bin", None),
            ("GET", f"{files.base}{project}{'&' if project else '?'}links=true", None),
        ):
            refused = client.request(method, path, **({"json": body} if body else {}))
            assert refused.status_code in (403, 404), (method, path, refused.status_code)
            assert b"X-Amz-Signature" not in refused.content
            assert "Location" not in refused.headers


def test_a_pack_of_another_run_is_passed_over(files, make_run):
    ticket = files.ticket(b"small")
    other = make_run()
    body = msgspec.msgpack.encode({"files": [{"upload": ticket["id"], "data": b"small"}]})

    answer = files.client.post(
        f"runs/{other.uuid.hex}/artifacts/pack", data=body, content_type="application/x-msgpack"
    ).json()

    assert answer["files"][0]["state"] == "refused"
    assert not Artifact.objects.exists()


def test_small_files_travel_together(files, bucket, run_jobs):
    contents = [f"file {number}".encode() for number in range(40)] + [b"file 0"]
    answer = files.announce(*contents)
    tickets = [entry["upload"] for entry in answer["files"]]
    assert answer["pack"]["url"] == f"/api/v1/{files.base}/pack"
    assert {ticket["direct"]["link"] for ticket in tickets} == {None}

    first, second = files.pack(tickets, contents), files.pack(tickets, contents)
    run_jobs()

    assert {entry["state"] for entry in first.json()["files"]} == {"stored"}
    assert first.json() == second.json()
    assert Artifact.objects.count() == 41
    assert set(Blob.objects.values_list("state", flat=True)) == {"verified"}
    assert len(bucket.keys()) == 40


def test_one_wrong_file_of_a_pack_is_refused_alone(files):
    tickets = [files.ticket(content, path=path) for path, content in (("a", b"aaa"), ("b", b"bbb"), ("c", b"ccc"))]

    answer = files.pack(tickets, [b"aaa", b"bb!", b"cccc"]).json()["files"]

    assert [entry["state"] for entry in answer] == ["stored", "refused", "refused"]
    assert "sha256" in answer[1]["detail"]
    assert "4 of 3" in answer[2]["detail"]
    assert list(Artifact.objects.values_list("path", flat=True)) == ["a"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"\xc1", 400), (msgspec.msgpack.encode({"files": []}), 422), (b"", 400)],
    ids=["junk", "none", "empty"],
)
def test_what_is_no_pack_is_refused(files, body, status):
    assert (
        files.client.post(f"{files.base}/pack", data=body, content_type="application/x-msgpack").status_code == status
    )


def test_a_client_that_knows_no_links_sends_to_the_server(files, large, run_jobs):
    """One of an earlier release, which PUTs what the answer's offset tells it to."""
    ticket = files.ticket(large)

    sent = files.client.put(f"{ticket['url']}?offset=0", data=large, content_type="application/octet-stream")
    assert sent.json() == {"offset": len(large)}
    assert files.commit(ticket).status_code == 200
    run_jobs()

    assert Blob.objects.get().state == "verified"


def test_parts_that_are_none_are_refused(files, large):
    ticket = files.ticket(large)

    for numbers in ([0], [4], [-1], ["x"], [], None):
        answer = files.client.post(f"{ticket['url']}/links", json={"parts": numbers})
        assert answer.status_code == 422, numbers


def test_a_committed_file_gets_no_more_links(files):
    ticket = files.ticket(WHOLE)
    put(ticket["direct"]["link"], WHOLE)
    files.commit(ticket)

    refused = files.client.post(f"{ticket['url']}/links", json={"parts": [1]})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/upload-committed")


def test_a_list_has_links_for_who_asks(files):
    ticket = files.ticket(WHOLE)
    put(ticket["direct"]["link"], WHOLE)
    files.commit(ticket)

    plain, linked = (files.client.get(files.base, data=query).json()["items"][0] for query in ({}, {"links": "true"}))

    assert "link" not in plain
    assert http.request("GET", linked["link"]).data == WHOLE
    Blob.objects.update(state="quarantined")
    assert files.client.get(files.base, data={"links": "true"}).json()["items"][0]["link"] is None


class TestInAClosedNetwork:
    """Clients do not reach the bucket: every byte goes through the server."""

    @pytest.fixture(autouse=True)
    def _closed(self, settings):
        settings.BLOBS_PUBLIC_URL = "none"

    def test_bytes_go_through_the_server_both_ways(self, files, large, run_jobs):
        ticket = files.ticket(large)
        assert ticket["direct"] is None
        refused = files.client.post(f"{ticket['url']}/links", json={"parts": [1]})
        assert refused.json()["type"] == "/problems/upload-not-direct"

        files.client.put(f"{ticket['url']}?offset=0", data=large, content_type="application/octet-stream")
        files.commit(ticket)
        run_jobs()

        assert Blob.objects.get().state == "verified"
        ranged = files.download(Range="bytes=10-19")
        assert (ranged.status_code, b"".join(ranged.streaming_content)) == (206, large[10:20])
        assert ranged.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert b"".join(files.download().streaming_content) == large
        assert "link" not in files.client.get(files.base, data={"links": "true"}).json()["items"][0]

    def test_an_upload_goes_on_with_the_whole_parts_that_arrived(self, files, large):
        ticket = files.ticket(large)
        broken = SMALLEST_PART + 100
        sent = files.client.put(
            f"{ticket['url']}?offset=0", data=large[:broken], content_type="application/octet-stream"
        )
        assert sent.json() == {"offset": SMALLEST_PART}

        again = files.ticket(large)

        assert (again["id"], again["offset"]) == (ticket["id"], SMALLEST_PART)
        files.client.put(
            f"{ticket['url']}?offset={SMALLEST_PART}",
            data=large[SMALLEST_PART:],
            content_type="application/octet-stream",
        )
        assert files.commit(ticket).status_code == 200

    def test_wrong_bytes_are_refused_at_the_commit(self, files):
        ticket = files.ticket(WHOLE)
        files.client.put(f"{ticket['url']}?offset=0", data=b"!" + WHOLE[1:], content_type="application/octet-stream")

        refused = files.commit(ticket)

        assert refused.json()["type"] == "/problems/checksum-mismatch"
        assert not Artifact.objects.exists()


class TestWhenTheBucketIsAway:
    @pytest.fixture
    def away(self, monkeypatch, settings, bucket):
        """Call it: from then on nothing answers at the bucket's address."""

        def leave():
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
            settings.BLOBS_URL = f"{bucket.url}/"  # another address is another store, with its own connections

        return leave

    def test_it_is_said_with_a_time_to_come_back(self, files, large, away):
        ticket = files.ticket(large)
        away()

        for answer in (files.client.post(f"{ticket['url']}/links", json={"parts": [1]}), files.commit(ticket)):
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/storage-unavailable")
            assert answer.headers["Retry-After"] == "10"
            assert "127.0.0.1" not in answer.content.decode()

    def test_a_worker_takes_it_for_no_verdict(self, files, away):
        ticket = files.ticket(WHOLE)
        put(ticket["direct"]["link"], WHOLE)
        files.commit(ticket)
        away()

        from core import jobs
        from core.models import Job

        jobs.run_pending()

        assert Blob.objects.get().state == "unverified"
        waiting = Job.objects.get(name="tracking.verify_blob")
        assert waiting.done_at is None
        assert "StoreAway" in waiting.last_error

    def test_the_hourly_check_says_nothing_of_objects_it_could_not_read(self, files, away, run_jobs):
        ticket = files.ticket(WHOLE)
        put(ticket["direct"]["link"], WHOLE)
        files.commit(ticket)
        run_jobs()
        away()

        with pytest.raises(StoreAway):
            verify_stored_bytes()
        assert Blob.objects.get().state == "verified"


def test_uploads_that_nobody_touched_for_a_week_leave_nothing_in_the_bucket(files, large, bucket):
    parts, whole, young = files.ticket(large), files.ticket(WHOLE, path="whole"), files.ticket(large[1:], path="young")
    files.send(parts, large, 1, 2)
    put(whole["direct"]["link"], WHOLE)
    files.send(young, large[1:], 1)
    old = Upload.objects.exclude(uuid=young["id"])
    old.update(touched_at=clock.now() - timedelta(days=8))

    assert services.forget_stale_uploads() == 2

    left = Upload.objects.get()
    assert str(left.uuid) == young["id"]
    assert (bucket.keys(), bucket.uploads()) == ([], [f"staging/{left.staging_key}"])


def test_of_two_that_begin_at_once_one_upload_remains(files, large, bucket):
    ticket = files.ticket(large)
    first, second = (Upload.objects.get(uuid=ticket["id"]) for _ in range(2))

    links = [services.make_links(upload=upload, numbers=[1])[0][1] for upload in (first, second)]

    assert first.multipart_id == second.multipart_id
    assert len(bucket.uploads()) == 1
    assert all(first.multipart_id in link.url for link in links)
