"""An auditor's day in a real browser without a mouse: the trail, one entry and its proof, checkpoints, an export, a record on paper.

Whatever the passage comes by shows that it has the focus, or the passage fails there.
"""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_browser_journey import (  # noqa: F401 - fixtures
    PATIENCE_S,
    api,
    approver_link,
    chromium,
    log_run,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.server]

TRAIL = "/projects/default/audit"
MOST_TABS = 120  # presses of Tab before something counts as out of reach
HOLDS = ".verdict[data-verdict='true']"
FOCUS = """selector => {
    const element = document.activeElement;
    if (element === document.body || !element.matches(selector)) return null;
    const [style, box] = [getComputedStyle(element), element.getBoundingClientRect()];
    const drawn = element.matches('svg a') ? element.querySelector('.box') : null;  // an outline around a node of a drawing
    const isOutlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    const isDrawn = drawn !== null && parseFloat(getComputedStyle(drawn).strokeWidth) >= 3;
    const middle = [box.x + Math.min(box.width, innerWidth - box.x) / 2, box.y + box.height / 2];
    const above = document.elementFromPoint(...middle);
    const name = element.id || element.getAttribute('aria-label') || element.textContent.trim().slice(0, 40);
    return {
        what: `${element.tagName.toLowerCase()} ${name}`,
        isRinged: element.matches(':focus-visible') && (isOutlined || isDrawn),
        isInSight: box.width > 0 && box.height > 0 && above !== null && (element.contains(above) || above.contains(element)),
    };
}"""


@pytest.fixture(scope="module")
def auditor_cookies(chromium, server, api, approver_link):  # noqa: F811 - fixtures
    """Of an approver, who may export; one signing in for the file."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(approver_link)
    page.wait_for_url(f"{server.url}/")
    cookies = context.cookies()
    context.close()
    return cookies


@pytest.fixture
def page(chromium, server, auditor_cookies):  # noqa: F811 - fixtures
    """Signed in at the overview, and asking for no printer."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies(auditor_cookies)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(PATIENCE_S * 1000)
    page.add_init_script("window.print = () => { document.documentElement.dataset.printed = 'yes'; };")
    page.goto(f"{server.url}/")
    yield page
    assert complaints == []
    context.close()


@pytest.fixture(scope="module")
def story(api):  # noqa: F811 - a fixture
    """A version, its model described anew, and several checkpoints over all of that."""
    run = log_run(api)
    version = api("POST", "models/fraud/versions", {"run": run, "artifact": "model.bin"})
    api("PATCH", "models/fraud", {"description": "Scores card payments."})
    [changed] = events(api, "model.update")
    api("GET", f"audit/events/{changed['id']}/proof?wait=integrated")
    for name in ("second", "third"):
        api("POST", "models", {"name": name})
        [made] = events(api, "model.create", q=name)
        api("GET", f"audit/events/{made['id']}/proof?wait=integrated")
    wait_until(lambda: len(api("GET", "audit/checkpoints")["items"]) >= 3, "three checkpoints")
    return {"run": run, "version": version["number"], "changed": changed["id"], "digest": version["digest"]}


def events(api, action, q=""):  # noqa: F811 - a fixture's value
    return api("GET", f"audit/events?action={action}&q={q}")["items"]


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until what has the focus is `selector`; it is in sight then, and shows where one is."""
    for _ in range(MOST_TABS):
        page.keyboard.press(key)
        focus = page.evaluate(FOCUS, selector)
        if focus is not None:
            assert is_plain(focus), f"{focus} at {page.url}"
            return
    raise AssertionError(f"{selector} is not reached within {MOST_TABS} presses of {key} at {page.url}")


def is_plain(focus: dict[str, Any]) -> bool:
    """Nothing lies over it, and a ring shows that it is the one."""
    return bool(focus["isRinged"] and focus["isInSight"])


def go(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_an_auditor_goes_from_the_trail_to_paper_without_a_mouse(page, server, story, tmp_path):
    narrow_the_trail(page)
    open_what_changed_in_place(page)
    have_its_proof_checked(page, story)
    prove_that_the_log_only_grew(page)
    take_the_range_away(page, story, tmp_path)
    print_the_record_of_a_version(page, server, story)


def narrow_the_trail(page):
    go(page, "ga")
    expect(page.get_by_role("heading", name="Audit trail")).to_be_visible()
    go(page, "/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("fraud")
    tab_to(page, "#actor")
    page.keyboard.type("owner")
    tab_to(page, "#action")
    page.keyboard.type("model.*")
    page.keyboard.press("Escape")  # folds the suggestions away, and leaves the field
    tab_to(page, "form.find button")
    page.keyboard.press("Enter")
    expect(page.locator(".chip .what")).to_have_text(["fraud", "owner", "model.*"])
    expect(page.locator(".entries .meta > code")).to_have_text(["model.update", "model.create"])
    tab_to(page, "[aria-label='Without text fraud']")
    page.keyboard.press("Enter")
    expect(page.locator(".chip .what")).to_have_text(["owner", "model.*"])
    expect(page.locator(".entries .meta > code")).to_have_text(["model.create"] * 2 + ["model.update", "model.create"])


def open_what_changed_in_place(page):
    changed = page.locator(".entries > li", has=page.locator("code", has_text="model.update"))
    tab_to(page, ".entries > li:nth-child(3) summary")
    page.keyboard.press("Enter")
    expect(changed.get_by_role("columnheader", name="Before")).to_be_visible()
    expect(changed.get_by_role("row", name="description")).to_contain_text("Scores card payments.")
    page.keyboard.press("Enter")
    expect(changed.locator(".inside")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(changed.locator(".inside")).to_be_visible()


def have_its_proof_checked(page, story):
    tab_to(page, ".entries .inside .facts dd:first-of-type a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{TRAIL}/{story['changed']}")
    expect(page.locator(HOLDS)).to_contain_text("The proof holds.")
    tab_to(page, "[data-check]")
    page.evaluate("document.querySelector('[data-verdict]').dataset.verdict = ''")
    page.keyboard.press("Enter")
    expect(page.locator(HOLDS)).to_be_visible()
    tab_to(page, "pre[data-part=body]")
    tab_to(page, "#proof details summary")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=path]")).to_be_visible()


def prove_that_the_log_only_grew(page):
    tab_to(page, "#proof a[href^='/audit/checkpoints']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Checkpoints", level=1)).to_be_visible()
    tab_to(page, "input[type=radio][name=new]")
    page.keyboard.press("ArrowDown")
    newer = page.locator("input[type=radio][name=new]:checked").get_attribute("value")
    tab_to(page, "input[type=radio][name=old]")
    older = page.locator("input[type=radio][name=old]:checked").get_attribute("value")
    tab_to(page, "form button.primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"From {older} to {newer} entries")).to_be_visible()
    expect(page.locator(HOLDS)).to_contain_text(f"The first {older} of {newer} entries are those")


def take_the_range_away(page, story, tmp_path):
    go(page, "ga")
    expect(page.get_by_role("heading", name="Audit trail")).to_be_visible()
    tab_to(page, "#action")
    page.keyboard.type("model.update")
    page.keyboard.press("Enter")
    expect(page.locator(".entries .meta > code")).to_have_text(["model.update"])
    tab_to(page, "[data-dialog=export]", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Export these entries")).to_be_visible()
    tab_to(page, "#export [download]")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(tmp_path / "audit.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [json.loads(line["body"])["id"] for line in lines if line["type"] == "event"] == [story["changed"]]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("[data-dialog=export]")).to_be_focused()


def print_the_record_of_a_version(page, server, story):
    tab_to(page, "#action")
    page.keyboard.press("Control+a")
    page.keyboard.type("model_version.register")
    page.keyboard.press("Enter")
    expect(page.locator(".entries .meta > code")).to_have_text(["model_version.register"])
    version = f"/projects/default/models/fraud/versions/{story['version']}"
    tab_to(page, f".entries .what a[href='{version}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}{version}")
    tab_to(page, f"a[href='{version}/record']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}{version}/record")
    expect(page.locator(".record")).to_contain_text(story["digest"])
    tab_to(page, "[data-print]")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-printed", "yes")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("which", ["trail", "entry", "checkpoints", "record"])
def test_whatever_tab_comes_by_shows_that_it_has_the_focus(page, server, story, which, width):
    page.set_viewport_size({"width": width, "height": 900})
    paths = {
        "trail": f"{TRAIL}?action=model.*",
        "entry": f"{TRAIL}/{story['changed']}",
        "checkpoints": "/audit/checkpoints",
        "record": f"/projects/default/models/fraud/versions/{story['version']}/record",
    }
    page.goto(f"{server.url}{paths[which]}")
    expect(page.locator("main h1")).to_be_visible()
    stops = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS, "*")
        if stop is None:
            break
        stops.append(stop)

    assert len(stops) > 5
    assert [stop for stop in stops if not is_plain(stop)] == []
