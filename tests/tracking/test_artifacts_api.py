"""Files over REST: announced, sent in parts, checked, published, handed out in ranges; nothing wrong ever published."""

from hashlib import sha256

import pytest

from core.storage import get_store
from tests.tracking.test_artifact_paths import INERT, PAYLOADS
from tracking import services
from tracking.models import Artifact, Blob, Upload
from tracking.services.artifacts import check_announced

BYTES = bytes(range(256)) * 40


def hexdigest(content):
    return sha256(content).hexdigest()


@pytest.fixture
def files(api, bob, make_run):
    """Bob's client and a run; `files.announce`, `files.send`, `files.commit`."""

    class Files:
        run = make_run()
        client = api(bob)
        base = f"runs/{run.uuid.hex}/artifacts"

        def announce(self, path="model.bin", content=BYTES, **changed):
            file = {"path": path, "size": len(content), "sha256": hexdigest(content)} | changed
            return self.client.post(self.base, json={"files": [file]})

        def ticket(self, *args, **changed):
            return self.announce(*args, **changed).json()["files"][0]["upload"]

        def send(self, ticket, content, offset=0):
            return self.client.put(
                f"{ticket['url']}?offset={offset}", data=content, content_type="application/octet-stream"
            )

        def commit(self, ticket):
            return self.client.post(f"{ticket['url']}/commit")

        def store(self, path, content):
            ticket = self.ticket(path, content)
            self.send(ticket, content)
            return self.commit(ticket)

        def download(self, path="model.bin", **headers):
            return self.client.get(f"{self.base}/content", data={"path": path}, headers=headers)

    return Files()


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_a_file_goes_in_and_comes_out(files):
    done = files.store("model/weights.bin", BYTES)

    assert done.json() == {
        "path": "model/weights.bin",
        "folder": False,
        "size": len(BYTES),
        "sha256": hexdigest(BYTES),
        "state": "unverified",
    }
    response = files.download("model/weights.bin")
    assert response.status_code == 200
    assert body(response) == BYTES


def test_an_empty_file_is_a_file(files):
    assert files.store("empty", b"").status_code == 200
    assert body(files.download("empty")) == b""


def test_bytes_that_the_project_holds_are_not_sent_again(files, make_run):
    files.store("model.bin", BYTES)

    answer = files.announce("copy.bin").json()["files"][0]

    assert (answer["state"], answer["upload"]) == ("have", None)
    assert body(files.download("copy.bin")) == BYTES


def test_files_that_are_had_are_recorded_together(files, make_run, django_assert_max_num_queries):
    """As many statements for twenty as for two."""
    files.store("model.bin", BYTES)
    files.store("other.bin", b"other")
    run = make_run()
    told = [check_announced(path=f"f{n}", size=len(BYTES), sha256=hexdigest(BYTES), field="f") for n in range(20)]
    services.announce_files(run=run, files=told[:1])
    moved = check_announced(path="f0", size=5, sha256=hexdigest(b"other"), field="f")

    with django_assert_max_num_queries(12):
        answers = services.announce_files(run=run, files=[moved, *told[1:]])

    assert [answer.upload for answer in answers] == [None] * 20
    found = dict(Artifact.objects.filter(run=run).values_list("path", "blob__sha256"))
    assert found == {"f0": hexdigest(b"other"), **{f"f{n}": hexdigest(BYTES) for n in range(1, 20)}}


def test_bytes_of_another_project_are_not_had(files, make_project, make_account, principal, api):
    """Else a digest would tell whether a stranger has a file, and hand it out."""
    files.store("model.bin", BYTES)
    carol = make_account("carol")
    make_project("elsewhere", admin=carol)
    client = api(principal(carol))
    run = client.post("runs?project=elsewhere", json={"experiment": "x"}).json()["id"]

    file = {"path": "model.bin", "size": len(BYTES), "sha256": hexdigest(BYTES)}
    answer = client.post(f"runs/{run}/artifacts?project=elsewhere", json={"files": [file]}).json()

    assert answer["files"][0]["state"] == "upload"
    assert answer["files"][0]["upload"]["offset"] == 0


def test_an_upload_goes_on_where_it_stopped(files):
    ticket = files.ticket()
    assert files.send(ticket, BYTES[:100]).json() == {"offset": 100}

    again = files.ticket()

    assert (again["id"], again["offset"]) == (ticket["id"], 100)
    assert files.client.get(ticket["url"]).json() == {"offset": 100}
    assert files.send(ticket, BYTES[100:], offset=100).json() == {"offset": len(BYTES)}
    assert files.commit(ticket).status_code == 200
    assert body(files.download()) == BYTES


def test_a_hole_is_refused_with_the_place_to_go_on(files):
    ticket = files.ticket()
    files.send(ticket, BYTES[:100])

    hole = files.send(ticket, BYTES[200:], offset=200)

    assert (hole.status_code, hole.json()["offset"]) == (409, 100)


def test_a_truncated_upload_is_not_committed_and_keeps_what_came(files):
    ticket = files.ticket()
    files.send(ticket, BYTES[:-1])

    refused = files.commit(ticket)

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/upload-incomplete"
    assert refused.json()["offset"] == len(BYTES) - 1
    assert not Artifact.objects.exists()
    files.send(ticket, BYTES[-1:], offset=len(BYTES) - 1)
    assert files.commit(ticket).status_code == 200


@pytest.mark.parametrize("parts", [1, 2])
def test_wrong_bytes_are_refused_and_nothing_is_published(files, project, parts):
    wrong = BYTES[:-1] + b"!"
    ticket = files.ticket()
    middle = len(BYTES) // 2 if parts == 2 else len(BYTES)
    files.send(ticket, wrong[:middle])
    if parts == 2:
        files.send(ticket, wrong[middle:], offset=middle)

    refused = files.commit(ticket)

    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/checksum-mismatch"
    assert refused.json()["found"] == hexdigest(wrong)
    assert not Artifact.objects.exists()
    assert not get_store().exists(project.uuid, hexdigest(BYTES))
    assert files.client.get(ticket["url"]).json() == {"offset": 0}
    files.send(ticket, BYTES)
    assert files.commit(ticket).status_code == 200


def test_more_than_was_announced_is_refused(files):
    ticket = files.ticket()

    assert files.send(ticket, BYTES + b"more").status_code == 413
    assert not Artifact.objects.exists()


def test_a_commit_again_is_the_same_answer(files):
    ticket = files.ticket()
    files.send(ticket, BYTES)

    assert files.commit(ticket).json() == files.commit(ticket).json()
    assert files.send(ticket, b"late").json() == {"offset": len(BYTES)}
    assert Artifact.objects.count() == 1


def test_a_file_logged_again_points_at_the_new_bytes(files):
    files.store("model.bin", BYTES)
    files.store("model.bin", b"newer")

    assert body(files.download()) == b"newer"
    assert Artifact.objects.count() == 1
    assert Blob.objects.count() == 2


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9),
        ("bytes=10-10", 206, 10, 10),
        ("bytes=10000-", 206, 10_000, 10_239),
        ("bytes=-5", 206, 10_235, 10_239),
        ("bytes=-99999", 200, 0, 10_239),
        ("bytes=10-99999", 206, 10, 10_239),
        ("bytes=0-", 200, 0, 10_239),
        ("lines=1-2", 200, 0, 10_239),
        ("bytes=0-1,5-6", 200, 0, 10_239),
        ("bytes=-", 200, 0, 10_239),
        ("", 200, 0, 10_239),
    ],
)
def test_ranges(files, asked, status, first, last):
    files.store("model.bin", BYTES)

    response = files.download(range=asked)

    assert response.status_code == status
    assert body(response) == BYTES[first : last + 1]
    assert response.headers["Content-Length"] == str(last + 1 - first)
    assert response.headers.get("Content-Range") == (f"bytes {first}-{last}/10240" if status == 206 else None)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_beyond_the_file_cannot_be_had(files, asked):
    files.store("model.bin", BYTES)

    assert files.download(range=asked).status_code == 416


def test_content_is_handed_out_inert(files):
    """Logged HTML must never run in our origin, whatever its name says."""
    name = 'a/<script>alert(1)</script>".html'
    files.store(name, b"<script>alert(1)</script>")

    headers = files.download(name).headers

    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    disposition = headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=UTF-8''")
    assert not set('<>"\r\n') & set(disposition.partition("''")[2])


def test_an_unchanged_file_need_not_be_sent(files):
    files.store("model.bin", BYTES)
    etag = files.download().headers["ETag"]

    assert files.download(**{"if-none-match": etag}).status_code == 304


@pytest.mark.parametrize("path", PAYLOADS)
def test_a_hostile_path_is_refused_on_every_route(files, path):
    announced = files.announce(path)

    assert announced.status_code == 422
    assert any(error["field"].startswith("files") for error in announced.json()["errors"])
    assert files.download(path).status_code == 422
    if path.rstrip("/"):
        listed = files.client.get(files.base, data={"prefix": path})
        assert listed.status_code == (200 if path == "a/" else 422)
    assert not Upload.objects.exists()


@pytest.mark.parametrize("path", INERT)
def test_an_odd_name_is_a_name(files, path):
    content = path.encode()
    assert files.store(path, content).json()["path"] == path
    assert body(files.download(path)) == content


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"sha256": "A" * 64}, "files.0.sha256"),
        ({"sha256": "a" * 63}, "files.0.sha256"),
        ({"sha256": "../" + "a" * 61}, "files.0.sha256"),
        ({"sha256": hexdigest(b"")}, "files.0.sha256"),
        ({"size": 0}, "files.0.sha256"),
        ({"size": -1}, "files.0.size"),
        ({"size": 2**41}, "files.0.size"),
        ({"size": "big"}, "files.0.size"),
        ({"path": None}, "files.0.path"),
    ],
)
def test_a_file_announced_wrong_is_refused(files, changed, field):
    response = files.announce(**changed)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("offset", ["-1", "x", "1.5", "1" * 19, "٣"])
def test_an_offset_is_a_whole_number(files, offset):
    ticket = files.ticket()

    assert files.send(ticket, b"x", offset=offset).status_code == 422


def test_folders_are_listed_or_all_that_is_below(files):
    for path in ("a/b/1", "a/b/2", "a/3", "ab/4", "A/5"):
        files.store(path, path.encode())

    def listed(**query):
        items = files.client.get(files.base, data=query).json()["items"]
        return [(item["path"], item["folder"]) for item in items]

    assert {path for path, _ in listed()} == {"a/b/1", "a/b/2", "a/3", "ab/4", "A/5"}
    assert [path for path, _ in listed(prefix="a")] == ["a/3", "a/b/1", "a/b/2"]
    assert listed(prefix="a", recursive="false") == [("a/3", False), ("a/b", True)]
    assert listed(prefix="a/b/1") == [("a/b/1", False)]
    assert listed(prefix="nothing") == []


def test_pages_of_files_are_complete_without_doubles(files):
    paths = [f"f{number:02}" for number in range(7)]
    for path in paths:
        files.store(path, path.encode())
    seen, cursor = [], ""
    while cursor is not None:
        page = files.client.get(files.base, data={"limit": 3, "cursor": cursor}).json()
        seen += [item["path"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert seen == paths


def test_quarantined_bytes_are_not_handed_out(files):
    files.store("model.bin", BYTES)
    Blob.objects.update(state="quarantined")

    refused = files.download()

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/artifact-quarantined"


def test_good_bytes_replace_quarantined_ones(files, project, run_jobs):
    files.store("model.bin", BYTES)
    path = next(get_store().root.glob(f"{project.uuid.hex}/*/{hexdigest(BYTES)}"))
    path.chmod(0o600)
    path.write_bytes(b"tampered")
    run_jobs()
    assert Blob.objects.get().state == "quarantined"

    files.store("again.bin", BYTES)
    run_jobs()

    assert Blob.objects.get().state == "verified"
    assert body(files.download("again.bin")) == BYTES


def test_a_file_that_finds_its_bytes_there_has_them_read_again(files, project, run_jobs):
    """They were verified once. What lies there now, nobody has looked at."""
    slow = files.ticket("slow.bin")
    files.store("model.bin", BYTES)
    run_jobs()
    path = next(get_store().root.glob(f"{project.uuid.hex}/*/{hexdigest(BYTES)}"))
    path.chmod(0o600)
    path.write_bytes(b"tampered")
    assert Blob.objects.get().state == "verified"

    files.send(slow, BYTES)
    assert files.commit(slow).status_code == 200
    run_jobs()

    assert Blob.objects.get().state == "quarantined"


def test_bytes_that_were_hashed_on_their_way_in_stay_verified(files, project, run_jobs):
    """The object was lost, and came again from whoever had it: this server has seen every byte."""
    files.store("model.bin", BYTES)
    run_jobs()
    next(get_store().root.glob(f"{project.uuid.hex}/*/{hexdigest(BYTES)}")).unlink()

    files.store("again.bin", BYTES)

    assert Blob.objects.get().state == "verified"
    assert body(files.download("again.bin")) == BYTES


def test_a_late_file_unseals_the_run(files, alice):
    services.finish_run(run=files.run, status="finished", actor=alice)

    files.store("model.bin", BYTES)

    files.run.refresh_from_db()
    assert not files.run.sealed


def test_a_run_deleted_meanwhile_takes_no_file(files, alice):
    ticket = files.ticket()
    files.send(ticket, BYTES)
    services.delete_run(run=files.run, actor=alice)

    assert files.commit(ticket).json()["type"] == "/problems/run-deleted"
    assert not Artifact.objects.exists()
