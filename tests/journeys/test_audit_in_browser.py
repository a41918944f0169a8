"""The audit trail in a real browser: proofs that hold, proofs that were tampered with, entries opened in place, the record on paper."""

import re
import shlex

import pytest
from playwright.sync_api import expect

from tests.journeys.test_browser_journey import POLICY, api, chromium, log_run, owner_cookies, page, wait_until  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.server]

TRAIL = "/projects/default/audit"
HOLDS = ".verdict[data-verdict='true']"
FAILS = ".verdict[data-verdict='false']"


@pytest.fixture
def visitor(page, owner_cookies):  # noqa: F811 - pytest's way
    page.context.add_cookies(owner_cookies)
    yield page
    assert page.complaints == []


@pytest.fixture(scope="module")
def sealed(api):  # noqa: F811
    """The entry of a run's sealing, under a checkpoint, with at least one more checkpoint after it."""
    run = log_run(api)
    [event] = api("GET", f"audit/events?action=run.seal&target_id={run}")["items"]
    api("GET", f"audit/events/{event['id']}/proof?wait=integrated")
    api("POST", "models", {"name": "later"})
    [other] = api("GET", "audit/events?action=model.create&q=later")["items"]
    api("GET", f"audit/events/{other['id']}/proof?wait=integrated")
    wait_until(lambda: len(api("GET", "audit/checkpoints")["items"]) >= 2, "two checkpoints")
    return event


def check_again(page):  # noqa: F811
    page.evaluate("document.querySelector('[data-verdict]').dataset.verdict = ''")
    page.get_by_role("button", name="Check again").click()


def rewrite(page, part, old, new):  # noqa: F811
    """As somebody would who stands between server and browser."""
    page.evaluate(
        "([part, old, other]) => { const element = document.querySelector(`[data-part='${part}']`);"
        " if (!element.textContent.includes(old)) throw new Error(`no ${old} in ${part}`);"
        " element.textContent = element.textContent.replace(old, other); }",
        [part, old, new],
    )


def test_the_proof_of_an_entry_is_checked_in_the_page(visitor, server, sealed):
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")

    expect(visitor.locator(HOLDS)).to_be_visible()
    expect(visitor.locator(".checks-done .ok")).to_have_count(6)
    expect(visitor.locator(".checks-done")).to_contain_text("is signed by the key")


AHEAD = """(html) => {
  const sent = new DOMParser().parseFromString(html, "text/html");
  return [...sent.querySelectorAll(".checks-ahead li")].map((each) => each.textContent);
}"""
SHIFTS = """() => new Promise((tell) => {
  let sum = 0;
  const watch = new PerformanceObserver((list) => list.getEntries().forEach((each) => { sum += each.value; }));
  watch.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => tell(sum), 300);
})"""


def test_what_will_be_checked_stands_there_before_and_moves_nothing_after(visitor, server, sealed):
    """In the same words, at any width, and with what is withheld."""
    visitor.goto(f"{server.url}/audit/checkpoints")
    visitor.get_by_role("button", name="Prove consistency").click()
    expect(visitor.locator(HOLDS)).to_be_visible()
    for path in (f"{TRAIL}/{sealed['id']}", f"/audit/{sealed['id']}", visitor.url.removeprefix(server.url)):
        for width in (1280, 390):
            visitor.set_viewport_size({"width": width, "height": 800})
            sent = visitor.goto(f"{server.url}{path}").text()
            expect(visitor.locator(HOLDS)).to_be_visible()
            done = visitor.locator(".checks-done li").all_inner_texts()

            assert [each.strip()[1:] for each in visitor.evaluate(AHEAD, sent)] == [each.strip()[1:] for each in done]
            assert visitor.evaluate(SHIFTS) < 0.001, (path, width)


@pytest.mark.parametrize(
    ("part", "old", "new", "said"),
    [
        ("body", '"outcome":"ok"', '"outcome":"no"', "does not hash to the leaf"),
        ("body", '"action":"run.seal"', '"action":"run.purge"', "is not of the entry shown above"),
        ("seq", "", "1", "does not lead to the root"),
        ("note", "\n", "x\n", "is not signed by the key"),
        ("path", "a", "b", "does not lead to the root"),
    ],
    ids=["body", "action", "number", "checkpoint", "path"],
)
def test_a_proof_that_was_tampered_with_does_not_hold(visitor, server, sealed, part, old, new, said):
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")
    visitor.locator(HOLDS).wait_for()

    if part == "path":
        visitor.evaluate("document.querySelector('[data-part=path] code').textContent = 'ab'.repeat(32)")
    else:
        rewrite(visitor, part, old, new)
    check_again(visitor)

    visitor.locator(FAILS).wait_for()
    expect(visitor.locator(".checks-done")).to_contain_text(said)


def test_an_answer_that_was_changed_on_its_way_does_not_hold(visitor, server, sealed):
    def tamper(route):
        answer = route.fetch()
        route.fulfill(
            response=answer,
            body=answer.text().replace("&quot;outcome&quot;:&quot;ok&quot;", "&quot;outcome&quot;:&quot;error&quot;"),
        )

    visitor.route(f"**{TRAIL}/*", tamper)
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")

    visitor.locator(FAILS).wait_for()
    expect(visitor.locator(".checks-done")).to_contain_text("not what was logged")


def test_personal_values_are_checked_against_their_salted_hashes(visitor, server, sealed):
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")

    expect(personal(visitor, "/actor/display").locator("[data-checked]")).to_have_text("✓ what was logged")
    expect(personal(visitor, "/actor/name").locator("[data-value]")).to_have_text('"owner"')
    expect(personal(visitor, "/request/ip")).to_contain_text("withheld")
    done = visitor.locator(".checks-done")
    expect(done).to_contain_text("2 personal values with their salts hash to what stands in the text")
    expect(done).to_contain_text("2 personal values are withheld, and so not checked: /request/ip, /request/user_agent")
    expect(visitor.locator(HOLDS)).to_contain_text("The proof holds.")


def personal(page, path):  # noqa: F811
    return page.locator(f"[data-personal='{path}']")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("row.querySelector('[data-value]').textContent = '\"mallory\"'", "at /actor/display does not hash to"),
        ("row.querySelector('[data-salt]').textContent = btoa('0'.repeat(16))", "at /actor/display does not hash to"),
        ("row.querySelector('[data-salt]').textContent = 'no salt!'", "at /actor/display does not hash to"),
        ("row.remove()", "at /actor/display does not hash to"),
        ("row.dataset.personal = '/actor/id'", "at /actor/display, /actor/id does not hash to"),
        ("shown.textContent = 'mallory'", "is not what the text says at /actor/display"),
        ("row.dataset.standing = 'erased'; row.querySelector('[data-salt]').remove()", "is not what the text says at /actor/display"),
        ("document.querySelector('h1 [data-said=\"/target/label\"]').textContent = 'another'", "is not what the text says at /target/"),
    ],
    ids=["value", "salt", "no salt", "left out", "moved", "shown", "called erased", "object"],
)  # fmt: skip
def test_a_personal_value_that_was_tampered_with_is_found_out(visitor, server, sealed, act, said):
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")
    expect(visitor.locator(HOLDS)).to_be_visible()

    visitor.evaluate(
        "act => new Function('row', 'shown', act)("
        "document.querySelector('[data-personal=\"/actor/display\"]'), document.querySelector('dd [data-said=\"/actor/display\"]'))",
        act,
    )
    check_again(visitor)

    expect(visitor.locator(FAILS)).to_contain_text(said)


def test_a_name_that_was_changed_on_its_way_wherever_it_stands_is_found_out(visitor, server, sealed):
    def tamper(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(sealed["actor"]["display"], "Mallory"))

    visitor.route(f"**{TRAIL}/*", tamper)
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")

    expect(visitor.locator(FAILS)).to_contain_text("/actor/display does not hash to")
    expect(personal(visitor, "/actor/display").locator("[data-checked]")).to_have_text("✕ not what was logged")


def test_what_is_shown_on_request_is_checked_as_well(visitor, server, sealed):
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")
    visitor.get_by_role("button", name="Show 2 personal values").click()

    expect(visitor.locator(".checks-done")).to_contain_text("4 personal values with their salts hash to")
    expect(visitor.locator("[data-said='/request/ip']")).to_have_text("127.0.0.1")
    visitor.evaluate("document.querySelector('[data-said=\"/request/ip\"]').textContent = '192.0.2.1'")
    check_again(visitor)
    expect(visitor.locator(FAILS)).to_contain_text("is not what the text says at /request/ip")


def test_an_erased_value_is_called_erased_and_none_takes_its_place(visitor, server, api):  # noqa: F811
    api("POST", "models", {"name": "erased"})
    [event] = api("GET", "audit/events?action=model.create&q=erased")["items"]
    api("GET", f"audit/events/{event['id']}/proof?wait=integrated")
    body = {"paths": ["/actor/display", "/actor/name", "/request/ip"], "reason": "she asked"}
    api("POST", f"audit/events/{event['id']}/erasure", body, project=False)

    visitor.goto(f"{server.url}{TRAIL}/{event['id']}")

    expect(visitor.locator(HOLDS)).to_contain_text(
        "3 personal values are erased, and can be neither told nor checked any more"
    )
    expect(personal(visitor, "/actor/display")).to_contain_text("nobody can tell from the hash that stays what it was")
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("(erased) created the model")
    visitor.get_by_role("link", name="Who erased, and why").click()
    expect(visitor.locator(".entries .what")).to_contain_text("she asked")
    visitor.go_back()
    visitor.evaluate(
        "() => { const [row] = document.querySelectorAll('[data-personal=\"/actor/display\"]');"
        " row.dataset.standing = 'shown';"
        " row.children[1].innerHTML = `<code data-value>\"bob\"</code><code data-salt>${btoa('0'.repeat(16))}</code>`; }"
    )
    check_again(visitor)
    expect(visitor.locator(FAILS)).to_contain_text("at /actor/display does not hash to")


ODD = 'one\r\ntwo\rthree \u202eevil\u2028 <b>bold</b> &amp; \\n "quoted" 🦦 ' + "x" * 200


@pytest.fixture(scope="module")
def eventful(api, sealed):  # noqa: F811
    """Entries of many kinds, with texts that a page could spell wrongly; all of them under a checkpoint."""
    api("POST", "models", {"name": "odd", "description": ODD})
    api("PATCH", "models/odd", {"description": ODD * 25})  # longer than an entry holds
    api("PATCH", "models/odd", {"description": ""})
    api("POST", "users", {"name": "dora", "display_name": "Dora ☂ <i>"}, project=False)
    api("PUT", "projects/default/members/dora", {"role": "approver"}, project=False)
    api("PUT", "projects/default/members/dora", {"role": "viewer"}, project=False)
    api("POST", "policies", {"name": "gates", "document": POLICY})
    api("PUT", "environments/production/policy", {"policy": "gates", "reason": ODD})
    [last] = api("GET", "audit/events?action=environment.set_policy", project=False)["items"]
    api("GET", f"audit/events/{last['id']}/proof?wait=integrated")
    return api("GET", "audit/events?limit=200", project=False)["items"]


def test_every_entry_of_a_ledger_holds_to_what_its_page_shows(visitor, server, eventful):
    """No text, however odd, makes the page doubt an honest entry."""
    assert len({event["action"] for event in eventful}) > 12
    for event in eventful:
        visitor.goto(f"{server.url}/audit/{event['id']}")
        expect(visitor.locator("[data-verdict='true'], [data-verdict='false']")).to_be_visible()
        said = visitor.locator(".checks-done").inner_text()
        assert visitor.locator(HOLDS).count() == 1, f"{event['sentence']}: {said}"


def test_two_checkpoints_are_proven_consistent_in_the_page(visitor, server, sealed):
    visitor.goto(f"{server.url}/audit/checkpoints")
    visitor.get_by_role("button", name="Prove consistency").click()

    visitor.locator(HOLDS).wait_for()
    expect(visitor.locator(".checks-done .ok")).to_have_count(4)

    rewrite(visitor, "old-note", "\n", "0\n")
    check_again(visitor)
    visitor.locator(FAILS).wait_for()


def test_a_filter_changes_the_list_and_the_address_in_place_and_a_chip_takes_it_away(visitor, server, sealed):
    visitor.goto(f"{server.url}{TRAIL}")
    visitor.keyboard.press("/")
    expect(visitor.locator("#q")).to_be_focused()
    visitor.fill("#action", "run.*")
    visitor.fill("#q", sealed["target"]["id"])
    visitor.keyboard.press("Enter")
    visitor.locator(".chip").nth(1).wait_for()

    visitor.wait_for_url(lambda url: "action=run.*" in url)
    visitor.wait_for_function(
        "() => !document.querySelector('.htmx-request, .htmx-added, .htmx-settling, .htmx-swapping')"
    )
    listed = visitor.locator("#entries").inner_html()
    visitor.goto(visitor.url)
    expect(visitor.locator(".entries .what").first).to_be_visible()
    expect(visitor.locator(".chip")).to_have_count(2)
    assert strip(visitor.locator("#entries").inner_html()) == strip(listed)

    visitor.get_by_label("Without action run.*").click()
    visitor.wait_for_url(lambda url: "action=" not in url)


def strip(html):
    """Without what times.js and htmx write."""
    return re.sub(r'>(\d+ (s|min) ago|now)<| class=""| htmx-(added|settling|swapping)|\s+', "", html)


def test_an_entry_opens_in_place(visitor, server, sealed):
    visitor.goto(f"{server.url}{TRAIL}?action=run.seal")
    visitor.locator(".entries details summary").first.click()

    expect(visitor.locator(".entries .facts").first).to_contain_text("Known by")


def test_the_record_of_a_version_is_printed_without_the_frame(visitor, server, api, sealed):  # noqa: F811
    version = api("POST", "models/fraud/versions", {"run": sealed["target"]["id"], "artifact": "model.bin"})
    visitor.goto(f"{server.url}/projects/default/models/fraud/versions/{version['number']}/record")
    expect(visitor.locator(".rail")).to_be_visible()

    visitor.emulate_media(media="print")

    expect(visitor.locator(".rail")).to_be_hidden()
    expect(visitor.locator("[data-print]")).to_be_hidden()
    expect(visitor.get_by_role("heading", name="Ledger")).to_be_visible()
    expect(visitor.locator(".record")).to_contain_text(version["digest"], use_inner_text=True)
    assert visitor.pdf()[:5] == b"%PDF-"


def test_the_commands_on_the_page_prove_the_entry_without_the_page(visitor, server, sealed, tmp_path):
    visitor.goto(f"{server.url}{TRAIL}/{sealed['id']}")
    commands = visitor.locator(".code code", has_text="lineal audit export").inner_text().splitlines()

    export, verify = (shlex.split(line) for line in commands)
    taken = tmp_path / export[-1]
    server.cli(*export[1:-1], str(taken))
    assert "proven" in server.cli(*verify[1:3], str(taken), *verify[4:]).stdout

    taken.write_text(taken.read_text().replace("run.seal", "run.sell"))
    server.cli(*verify[1:3], str(taken), *verify[4:], code=1)


def test_without_scripts_the_proof_stands_there_to_be_read(chromium, server, owner_cookies, sealed):  # noqa: F811
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(owner_cookies)
    plain = context.new_page()

    plain.goto(f"{server.url}{TRAIL}/{sealed['id']}")
    expect(plain.locator("[data-part=leaf]")).to_be_visible()
    expect(plain.locator(".code code", has_text="lineal audit verify event-")).to_be_visible()
    expect(plain.locator(".verdict")).to_be_hidden()

    plain.goto(f"{server.url}{TRAIL}?action=run.seal")
    plain.get_by_role("link", name=re.compile("^Entry number")).first.click()
    plain.wait_for_url(f"{server.url}{TRAIL}/*")
    plain.goto(f"{server.url}{TRAIL}?action=run.seal")
    plain.get_by_role("link", name="Export").click()
    expect(plain.get_by_role("link", name="Download")).to_be_visible()
    context.close()


def test_the_download_holds_what_is_shown(visitor, server, sealed):
    visitor.goto(f"{server.url}{TRAIL}?action=run.seal")
    visitor.get_by_role("link", name="Export").click()
    with visitor.expect_download() as download:
        visitor.get_by_role("link", name="Download").click()

    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "audit.jsonl"
    assert [line for line in lines if sealed["id"] in line]
