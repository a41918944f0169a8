"""What every answer tells the browser to refuse, whoever answers: pages, routes, files, errors."""

import hashlib
import re
from pathlib import Path

import pytest

from web.security import CONTENT_SECURITY_POLICY, HEADERS

pytestmark = pytest.mark.django_db

STATIC = Path(__file__).parents[2] / "web" / "static" / "web"
TEMPLATES = Path(__file__).parents[2] / "web" / "templates" / "web"


def test_the_policy_allows_our_own_files_and_nothing_inline():
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))

    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "path", ["/", "/login", "/nowhere", "/projects/default/runs", "/api/v1/server", "/api/v1/runs", "/healthz",
             "/static/web/css/tokens.css", "/static/web/nothing.js"]
)  # fmt: skip
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_answer_carries_the_headers(browser, path, accept):
    answer = browser().get(path, accept=accept)
    answer.close()  # of a file

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_an_answer_that_brings_a_stricter_policy_keeps_it(rf):
    from django.http import HttpResponse

    from web.security import SecurityHeadersMiddleware

    strict = HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    assert SecurityHeadersMiddleware(lambda _request: strict)(rf.get("/"))["Content-Security-Policy"] == "sandbox"


def test_vendored_files_are_what_they_were_when_they_came():
    """With the licence and the version beside each."""
    for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines():
        expected, path = line.split()
        assert hashlib.sha256((STATIC / "vendor" / path).read_bytes()).hexdigest() == expected, path
        folder = (STATIC / "vendor" / path).parent
        assert (folder / "LICENSE").read_text().strip()
        assert re.fullmatch(r"[\w.]+ \d+\.\d+\.\d+", (folder / "VERSION").read_text().strip())


def test_templates_have_no_inline_script_or_style():
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", text), template.name
        assert not re.search(r"\|\s*safe\b|autoescape off|mark_safe", text), template.name


def test_an_error_page_for_a_person_and_a_problem_for_a_program(browser, alice):
    visitor = browser(alice)
    page = visitor.get("/projects/nothing/runs")
    program = visitor.get("/projects/nothing/runs", accept="application/json")

    assert "There is nothing here" in page.content.decode()
    assert "Back to the overview" in page.content.decode()
    assert program.json()["type"] == "/problems/not-found"


def test_a_bug_shows_its_request_and_nothing_else(browser, alice, monkeypatch):
    """What broke is for the log; the page has the number by which the log knows it."""

    def broken(viewer):
        raise RuntimeError("the secret of the cellar")

    monkeypatch.setattr("web.overview.recent_runs", broken)
    answer = browser(alice).get("/")
    html = answer.content.decode()

    assert answer.status_code == 500
    assert "cellar" not in html
    assert answer.headers["X-Request-Id"] in html
    assert "Something broke on our side" in html


def test_a_form_that_has_grown_old_is_told_so(browser, alice):
    answer = browser(alice).client.post(
        "/logout", {"csrfmiddlewaretoken": "x" * 64}, headers={"accept": "text/html", "origin": "http://testserver"}
    )

    assert answer.status_code == 403
    assert "Reload the page" in answer.content.decode()


def test_a_projects_own_address_leads_to_its_runs(browser, alice, mallory):
    answer = browser(alice).get("/projects/default")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/projects/default/runs")
    assert browser(mallory).get("/projects/default").status_code == 404
