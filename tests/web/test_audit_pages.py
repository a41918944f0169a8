"""The audit trail: sentences, filters, one entry with its place, and the server's ledger for its administrators."""

import re
from base64 import b64encode

import pytest

from audit.erasure import erase_private
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


def personal_rows(html):
    """What the page tells of each personal value: its standing, and whether value and salt stand there."""
    rows = re.findall(r'<tr data-personal="([^"]+)" data-standing="(\w+)">(.*?)</tr>', html, re.DOTALL)
    return {path: (standing, "data-value" in row and "data-salt" in row) for path, standing, row in rows}


def test_personal_values_stand_beside_their_salts_where_the_reader_may_see_them(
    browser, api, bob, carol, make_member, sequence
):
    api(bob).post("runs", json={"experiment": "churn"}, headers={"user-agent": "probe/1"}, REMOTE_ADDR="192.0.2.7")
    sequence()
    event = AuditEvent.objects.filter(action="run.create").latest("id")
    page = f"/projects/default/audit/{event.uuid}"
    names = {"/actor/display": ("shown", True), "/actor/name": ("shown", True)}
    address = ("/request/ip", "/request/user_agent")
    salts = AuditPrivate.objects.get(event=event, path="/request/ip")

    for reader in (bob, carol):
        html = browser(reader).get(page).content.decode()
        assert personal_rows(html) == names | dict.fromkeys(address, ("withheld", False))
        assert b64encode(bytes(salts.salt)).decode() not in html
    asked = browser(make_member("dora", Role.MAINTAINER)).post(page, {}).content.decode()
    assert personal_rows(asked) == names | dict.fromkeys(address, ("shown", True))


def test_an_erased_value_is_called_so_and_leads_to_who_erased_it(browser, alice, root, story, sequence):
    event = AuditEvent.objects.get(action="run.seal")
    erase_private(event_id=event.uuid, paths=["/actor/display"], actor=root, reason="she asked")
    sequence()
    visitor = browser(alice)
    html = visitor.get(f"{TRAIL}/{event.uuid}").content.decode()

    assert personal_rows(html)["/actor/display"] == ("erased", False)
    assert personal_rows(html)["/actor/name"] == ("shown", True)
    assert "value and salt are deleted for good" in html
    link = re.search(r'href="([^"]+)">Who erased, and why', html)
    assert "she asked" in visitor.get(link.group(1).replace("&amp;", "&")).content.decode()


def test_a_stored_value_that_is_not_what_was_logged_is_not_shown(browser, alice, story, sequence):
    event = AuditEvent.objects.get(action="run.seal")
    kept = AuditPrivate.objects.filter(event=event, path="/actor/display")
    salt = bytes(kept.get().salt)
    kept.delete()
    AuditPrivate.objects.create(event=event, path="/actor/display", salt=salt, value='"mallory"')
    sequence()

    html = browser(alice).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert personal_rows(html)["/actor/display"] == ("altered", False)
    assert "mallory" not in html


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


def test_a_stream_of_chips_takes_each_filter_away(browser, alice, story):
    html = browser(alice).get(f"{TRAIL}?action=run.*&outcome=ok&q=seal").content.decode()
    chips = re.findall(
        r'<span class="quiet">([^<]+)</span><span class="what" title="[^"]*">([^<]+)</span><a href="([^"]+)"', html
    )

    assert [(label, value) for label, value, _ in chips] == [("text", "seal"), ("action", "run.*"), ("outcome", "ok")]
    assert chips[1][2] == f"{TRAIL}?outcome=ok&amp;q=seal"


def test_a_noun_with_a_star_means_all_its_actions(browser, alice, story):
    html = browser(alice).get(f"{TRAIL}?action=model.*").content.decode()

    assert set(re.findall(r"<code>(\w+\.\w+)</code>", html)) == {"model.create", "model.update"}


def test_numbers_choose_entries_and_what_has_none_is_left_out(browser, alice, story, sequence):
    sequence()
    first, *_, last = (
        AuditLeaf.objects.filter(event__project_name="default").order_by("seq").values_list("seq", flat=True)
    )
    html = browser(alice).get(f"{TRAIL}?after={last - 3}&before={last}").content.decode()

    assert f"#{last}<" not in html
    assert f"#{last - 1}<" in html
    assert first < last - 3
    assert f"#{last - 3}<" not in html


@pytest.mark.parametrize(
    "query", ["after=x", "before=-1", "after=99999999999999999999999", "until=never", f"q={'x' * 201}"]
)
def test_a_filter_that_is_none_is_refused_in_words(browser, alice, story, query):
    answer = browser(alice).get(f"{TRAIL}?{query}")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_text_is_looked_for_as_far_as_it_is_cheap_and_the_page_says_how_far(browser, alice, story, monkeypatch):
    monkeypatch.setattr("web.views.audit.LOOKED_THROUGH", 5)
    html = browser(alice).get(f"{TRAIL}?q=run").content.decode()

    assert "Text was looked for in the newest 5 entries" in html
    assert "run.create" not in re.findall(r"<code>(\w+\.\w+)</code>", html)


def test_actions_complete_from_their_registry(browser, alice, story):
    from audit.actions import registered_names

    html = browser(alice).get(TRAIL).content.decode()
    offered = html.partition('<datalist id="actions">')[2].partition("</datalist>")[0]

    assert set(registered_names()) <= set(re.findall(r'value="([^"]+)"', offered))
    assert "deleted the model …" in offered


def test_members_are_offered_as_actors_and_nobody_else(browser, alice, story, make_account):
    make_account("nobody-here")
    html = browser(alice).get(TRAIL).content.decode()
    offered = html.partition('<datalist id="actors">')[2].partition("</datalist>")[0]

    assert 'value="bob"' in offered
    assert "nobody-here" not in offered


def test_the_object_of_a_sentence_leads_to_its_page(browser, alice, story):
    html = browser(alice).get(f"{TRAIL}?action=promotion.request").content.decode()

    assert (
        f'<a href="/projects/default/promotions/{story.promotion.uuid}"><bdi>fraud v1 to production</bdi></a>' in html
    )


def test_the_fragment_is_what_the_page_has(browser, alice, story, stopped_clock):
    visitor = browser(alice)
    page = visitor.get(f"{TRAIL}?action=run.*").content.decode()
    part = visitor.get(f"{TRAIL}?action=run.*", **{"HX-Request": "true"})

    assert "HX-Request" in part.headers["Vary"]
    assert "<html" not in part.content.decode()
    assert without_times(part.content.decode()) in without_times(page)


def test_an_entry_opened_in_the_list_is_what_its_page_says(browser, alice, story, stopped_clock):
    event = AuditEvent.objects.get(action="model.update")
    visitor = browser(alice)
    page = visitor.get(f"{TRAIL}/{event.uuid}").content.decode()
    part = visitor.get(f"{TRAIL}/{event.uuid}", **{"HX-Request": "true"}).content.decode()

    assert part.strip() in page


def without_times(html):
    return re.sub(r"<time.*?</time>|since=[^\"&]+", "", html).strip()


def test_entry_and_list_ask_the_database_a_bounded_number_of_questions(
    browser, alice, project, bob, sequence, django_assert_max_num_queries
):
    from tests.web.story import new_run

    for number in range(15):
        new_run(project, bob, name=f"r{number}")
    sequence()
    visitor, event = browser(alice), AuditEvent.objects.filter(action="run.seal").latest("id")

    with django_assert_max_num_queries(12):
        visitor.get(f"{TRAIL}?q=run")
    with django_assert_max_num_queries(22):
        visitor.get(f"{TRAIL}/{event.uuid}")


def test_an_entry_tells_how_its_actor_was_known(browser, api, bob, alice):
    api(bob).post("runs", json={"experiment": "churn"})
    event = AuditEvent.objects.filter(action="run.create").latest("id")
    html = browser(alice).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert "<dt>Known by</dt><dd>an API token" in html
    assert "<dt>Request</dt>" in html


def test_what_an_entry_refers_to_is_a_link(browser, alice, story):
    event = AuditEvent.objects.get(action="model_version.register")
    html = browser(alice).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert f'run <a href="/projects/default/runs/{story.run.uuid.hex}">' in html
    assert 'model <a href="/projects/default/models/fraud">fraud</a>' in html


def test_without_scripts_the_proof_stands_there_with_the_command_that_checks_it(browser, carol, bob, story, sequence):
    sequence()
    event = AuditEvent.objects.get(action="run.seal")
    seq = AuditLeaf.objects.get(event=event).seq
    html = browser(carol).get(f"{TRAIL}/{event.uuid}").content.decode()

    assert (
        f"lineal audit export --filtered --project default --after {seq - 1} --before {seq + 1} --out event-{seq}.jsonl"
        in html
    )
    assert f"lineal audit verify event-{seq}.jsonl --key " in html
    assert "It does not prove that what it tells is true" in html
    assert "lineal audit export" not in browser(bob).get(f"{TRAIL}/{event.uuid}").content.decode()


def test_the_command_of_an_entry_exports_that_entry_alone(api, carol, story, sequence):
    import json

    sequence()
    seq = AuditLeaf.objects.get(event__action="run.seal").seq
    answer = api(carol).get(f"audit/export?filtered=true&project=default&after={seq - 1}&before={seq + 1}")
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]

    assert [line["seq"] for line in lines if line["type"] == "event"] == [seq]


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "'; rm -rf ~ #", '" onmouseover="x', "\u202eevil", "🦦" * 40]
)
def test_what_is_asked_for_is_shown_and_never_acts(browser, carol, story, text):
    import shlex
    from urllib.parse import urlencode

    from tests.web.test_pages import Inspector

    query = urlencode({"q": text, "actor": text, "target_id": text})
    answer = browser(carol).get(f"{TRAIL}?{query}")
    page = Inspector(answer.content.decode())
    command = next(each for each in page.words if each.startswith("lineal audit export"))

    assert answer.status_code == 200
    assert page.faults == []
    assert text in page.words
    assert shlex.split(command)[shlex.split(command).index("--actor") + 1] == text
