"""The audit trail: sentences, filters, one entry with its place, and the server's ledger for its administrators."""

import re

import pytest

from audit.models import AuditEvent, AuditLeaf, AuditPrivate
from core.access import Role

pytestmark = pytest.mark.django_db

TRAIL = "/projects/default/audit"


def sentences(answer):
    found = re.findall(r'<div class="what"><b>(.*?)</b>(.*?)</div>', answer.content.decode(), re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", f"{actor}{rest}").split()) for actor, rest in found]


def test_entries_are_sentences_newest_first(browser, alice, story):
    [newest, before, *_] = sentences(browser(alice).get(TRAIL))

    assert newest.startswith("bob found that fraud v1 at")
    assert before.startswith("bob reported the deployment fraud v1 at")


@pytest.mark.parametrize(
    ("query", "action"),
    [
        ("action=run.seal", "run.seal"),
        ("actor=alice&action=policy.create", "policy.create"),
        ("target_type=promotion", "promotion.request"),
        ("q=promotion.request", "promotion.request"),
        ("outcome=ok&action=model.create", "model.create"),
        ("since=2020-01-01T00:00&action=run.create", "run.create"),
    ],
)
def test_filters_leave_what_was_asked_for(browser, alice, story, query, action):
    html = browser(alice).get(f"{TRAIL}?{query}").content.decode()

    assert set(re.findall(r"<code>(\w+\.\w+)</code>", html)) == {action}


@pytest.mark.parametrize("query", ["actor=mallory", "until=2020-01-01T00:00", "q=nothing-has-this", "outcome=denied"])
def test_filters_may_leave_nothing(browser, alice, story, query):
    answer = browser(alice).get(f"{TRAIL}?{query}")

    assert answer.status_code == 200
    assert sentences(answer) == []


def test_a_time_that_is_none_is_explained(browser, alice, story):
    answer = browser(alice).get(f"{TRAIL}?since=yesterday")

    assert answer.status_code == 422
    assert "is not a time" in answer.content.decode()


def test_the_trail_of_a_project_holds_nothing_of_others(browser, alice, make_project, story):
    make_project("elsewhere")

    assert not [each for each in sentences(browser(alice).get(TRAIL)) if "elsewhere" in each]


def test_an_entry_shows_before_and_after(browser, alice, story):
    event = AuditEvent.objects.get(action="model.update")
    html = browser(alice).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert '<th scope="col">Before</th>' in html
    assert re.search(r'class="any">description</th>', html)
    assert "/projects/default/models/fraud" in html


def test_an_entry_waits_for_its_number_and_then_shows_it(browser, alice, story, sequence):
    event = AuditEvent.objects.get(action="run.seal")
    visitor, page = browser(alice), f"{TRAIL}/{event.uuid}"
    assert "Not numbered yet" in visitor.get(page).content.decode()

    sequence()

    html = visitor.get(page).content.decode()
    leaf = AuditLeaf.objects.get(event=event)
    assert f'data-part="seq">{leaf.seq}<' in html
    assert bytes(leaf.leaf_hash).hex() in html
    assert f"/api/v1/audit/events/{event.uuid}/proof?format=tlog-proof&amp;project=default" in html


def test_an_entry_says_what_the_page_cannot_prove(browser, alice, story, sequence):
    """A proof shown by the server that it is meant to check proves little, and the page says so."""
    from audit.notes import fingerprint
    from audit.services import vkey

    sequence()
    event = AuditEvent.objects.get(action="run.seal")
    html = browser(alice).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert "What this page cannot prove" in html
    assert fingerprint(vkey()) in html
    assert "lineal audit verify" in html
    assert "plain HTTP" in html


def test_an_erased_name_is_shown_as_erased(browser, alice, story):
    event = AuditEvent.objects.get(action="run.seal")
    AuditPrivate.objects.filter(event=event).delete()

    html = browser(alice).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert "(erased)" in html
    assert "bob" not in html


def test_the_ledger_is_for_administrators_of_the_server(browser, alice, root, story, sequence):
    from audit.services import vkey

    sequence()

    refused = browser(alice).get("/audit")
    answer = browser(root).get("/audit")

    assert refused.status_code == 403
    assert answer.status_code == 200
    assert vkey() in answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')
    assert 'href="/api/v1/audit/export"' in answer.content.decode()
    event = AuditEvent.objects.filter(project_id=None).first()
    assert browser(root).get(f"/audit/{event.uuid}").status_code == 200
    assert browser(alice).get(f"/audit/{event.uuid}").status_code == 403


def test_export_is_offered_to_who_may_export(browser, carol, bob, story):
    assert "/api/v1/audit/export" in browser(carol).get(TRAIL).content.decode()
    assert "/api/v1/audit/export" not in browser(bob).get(TRAIL).content.decode()


def test_a_long_trail_goes_on_without_gap(browser, alice, project, bob, monkeypatch):
    from tests.web.story import new_run

    for number in range(20):
        new_run(project, bob, name=f"r{number}")
    visitor, seen, path = browser(alice), 0, TRAIL
    while path:
        answer = visitor.get(path)
        seen += len(sentences(answer))
        link = re.search(r'href="(\?[^"]+)" rel="next">Older entries', answer.content.decode())
        path = TRAIL + link.group(1).replace("&amp;", "&") if link else ""

    assert seen == AuditEvent.objects.filter(project_id=project.id).count() > 50


def test_personal_values_are_shown_when_asked_for_and_that_is_recorded(browser, api, bob, make_member):
    api(bob).post("runs", json={"experiment": "churn"}, headers={"user-agent": "probe/1"}, REMOTE_ADDR="192.0.2.7")
    event = AuditEvent.objects.filter(action="run.create").latest("id")
    page = f"/projects/default/audit/{event.uuid}"
    carol = browser(make_member("carol", Role.MAINTAINER))

    assert "192.0.2.7" not in carol.get(page).content.decode()
    assert "192.0.2.7" in carol.post(page, {}).content.decode()
    assert AuditEvent.objects.filter(action="audit.read_private").count() == 1
    assert "personal value" not in browser(bob).get(page).content.decode()


def test_the_export_link_takes_what_the_page_shows(browser, alice):
    page = browser(alice).get("/projects/default/audit?action=run.create&since=2026-01-01").content.decode()

    assert "/api/v1/audit/export?action=run.create&amp;since=2026-01-01T00%3A00%3A00" in page
