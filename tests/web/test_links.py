"""Links that pages give into the REST interface answer to the same session."""

import hashlib
import re
from html import unescape

import pytest

from registry import services
from tests.web.story import new_run
from tracking.services import announce_files, commit_upload, finish_run, receive_part
from tracking.services.artifacts import check_announced

pytestmark = pytest.mark.django_db

CONTENT = b"weights that are really there"


@pytest.fixture
def stored(home, project, bob):
    """A version whose bytes lie in the store."""
    run = new_run(project, bob, metrics={"a/b c": [1.0, 2.0]}, finish=False)
    digest = hashlib.sha256(CONTENT).hexdigest()
    files = [check_announced(path="my model/w&b.bin", size=len(CONTENT), sha256=digest, field="files.0")]
    [wanted] = announce_files(run=run, files=files)
    receive_part(upload=wanted.upload, offset=0, chunks=[CONTENT])
    commit_upload(upload=wanted.upload)
    run = finish_run(run=run, status="finished", actor=bob)
    version, _ = services.register_version(
        project=project, model="my model", run_id=run.uuid, artifact="my model", actor=bob
    )
    return version


def links(html, part):
    return [unescape(link) for link in re.findall(r'href="(/api/v1/[^"]+)"', html) if part in link]


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_an_artifact_is_downloaded_from_its_run(browser, alice, stored):
    visitor = browser(alice)
    [link] = links(
        visitor.get(f"/projects/default/runs/{stored.run.uuid.hex}/artifacts").content.decode(), "artifacts/content"
    )

    answer = visitor.client.get(link)

    assert answer.status_code == 200
    assert body(answer) == CONTENT
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_files_and_manifest_are_downloaded_from_a_version(browser, alice, stored):
    visitor = browser(alice)
    html = visitor.get("/projects/default/models/my%20model/versions/1").content.decode()
    [file], [manifest] = links(html, "/files"), links(html, "/manifest")

    assert body(visitor.client.get(file)) == CONTENT
    text = body(visitor.client.get(manifest))
    assert f"sha256:{hashlib.sha256(text).hexdigest()}" == stored.digest


def test_the_charts_ask_for_series_that_answer(browser, alice, stored):
    visitor = browser(alice)
    html = visitor.get(f"/projects/default/runs/{stored.run.uuid.hex}").content.decode()
    url = re.search(r'data-series-url="([^"]+)" data-series-query="([^"]+)"', html)
    [key] = re.findall(r'<figure class="chart" data-metric="([^"]+)"', html)

    answer = visitor.client.get(f"{url[1]}?{url[2]}", {"project": "default", "key": key, "max_points": 1000})

    assert answer.json()[key]["values"] == [1.0, 2.0]


def test_proof_and_export_answer_who_may_have_them(browser, carol, stored, sequence):
    sequence()
    visitor = browser(carol)
    trail = visitor.get("/projects/default/audit").content.decode()
    event = re.search(r'href="(/projects/default/audit/[0-9a-f-]{36})"', trail)[1]

    [proof] = links(visitor.get(event).content.decode(), "/proof")
    [export] = links(trail, "/audit/export")

    assert b"c2sp.org/tlog-proof" in body(visitor.client.get(proof))
    assert b"lineal-audit-export/1" in body(visitor.client.get(export))


def test_links_of_the_line_lead_to_pages(browser, alice, story):
    visitor = browser(alice)
    html = visitor.get("/projects/default/models/fraud/versions/1").content.decode()
    graph = re.search(r'<svg class="linegraph-svg".*?</svg>', html, re.DOTALL)[0]
    pages = {unescape(link) for link in re.findall(r'href="([^"]+)"', graph)}

    assert {link.split("/")[3].partition("?")[0] for link in pages} == {"runs", "models", "data", "deployments"}
    assert {visitor.get(link).status_code for link in pages} == {200}
