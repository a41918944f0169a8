"""Every page, as whoever has no JavaScript gets it: there is one for each route, it holds no foreign markup, and its forms can be sent."""

import re

import pytest

from tests.web import every_page
from tests.web.story import EVIL

pytestmark = pytest.mark.django_db
MARKUP = ("<img src=x", "<script>alert", "<b onmouseover", "<script>document.title")
SENDS = re.compile(r"<button|type=\"submit\"")
FIELD = re.compile(r"<(?:input(?![^>]*type=\"hidden\")|select|textarea)")  # Enter in a form's only field sends it
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)


@pytest.fixture
def filled(home, project, root):
    """Addresses by the names of routes."""
    from audit import keys
    from audit.testing import sequence_now

    keys.ensure_key()
    every_page.fill(project, root)
    sequence_now()
    return every_page.addresses(project)


@pytest.fixture
def fetched(filled, browser, root):
    """What the server's administrator gets at each address, of the filled project and of the empty one."""
    client = browser(root)
    return {name: client.get(path) for name, path in (filled | every_page.of_an_empty_project()).items()}


def test_every_page_is_there_and_whole_without_javascript(filled, fetched):
    """Whoever adds a route says in `every_page` what it is; from then on all tests of pages look at it."""
    assert set(filled) | every_page.NO_PAGES == set(every_page.route_names())
    assert not set(filled) & every_page.NO_PAGES
    assert {name: answer.status_code for name, answer in fetched.items() if answer.status_code != 200} == {}

    pages = {name: answer.content.decode() for name, answer in fetched.items()}
    for name, html in pages.items():
        assert [mark for mark in MARKUP if mark in html] == [], name
        for form in FORM.findall(html):
            head = form.partition(">")[0]
            if 'method="post"' in head:
                assert "csrfmiddlewaretoken" in form, (name, head)
            assert SENDS.search(form) or len(FIELD.findall(form)) == 1, f"{name}: nothing sends {head}"
    assert sum(EVIL.replace("<", "&lt;").split('"')[0] in html for html in pages.values()) > 10


def test_what_htmx_gets_is_a_part_of_the_page(filled, browser, root, stopped_clock):
    """So that whoever has JavaScript and whoever has not see the same."""
    client, parts = browser(root), {}
    for name, path in filled.items():
        page, part = client.get(path), client.get(path, **{"HX-Request": "true"})
        if "HX-Request" in page.headers.get("Vary", ""):
            parts[name] = (still(part), still(page))

    assert {"run_list", "run_compare", "search"} <= set(parts)
    assert [name for name, (part, page) in parts.items() if not part or part not in page] == []


def still(answer):
    """Without what differs from one answer to the next: tokens of forms, and spaces."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    return " ".join(html.split())
