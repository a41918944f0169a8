"""An approver's day in a real browser, by keyboard alone: what waits, the gates, the word, what ran when, and the way back."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.journeys.test_browser_journey import (  # noqa: F401 - fixtures
    POLICY,
    api,
    approver_link,
    chromium,
    owner_cookies,
    page,
    sign_in,
    upload,
    wait_until,
)

pytestmark = [pytest.mark.browser, pytest.mark.server]

BASE = "/projects/default"
MOST_TABS = 120  # presses of Tab before something counts as out of reach


@pytest.fixture(scope="module")
def past(api):  # noqa: F811
    """Version 1 in production and serving at eu-1; version 2 asked for, and waiting for a person."""
    api("POST", "models", {"name": "fraud"})
    first = register(api, b"weights of the first")
    began = promote(api, first, "the first")["finished_at"]
    report(api, first)
    api("POST", "policies", {"name": "prod-gates", "document": POLICY})
    api("PUT", "environments/production/policy", {"policy": "prod-gates", "reason": "four eyes"})
    second = register(api, b"weights of the second")
    waiting = promote(api, second, "better on the holdout")
    assert waiting["decision"] == "waiting", waiting
    return {"first": first, "second": second, "began": datetime.fromisoformat(began), "promotion": waiting["id"]}


def register(api, content):  # noqa: F811
    version = api("POST", "models/fraud/versions", {"run": log_run(api, content), "artifact": "model.bin"})
    number = version["number"]
    wait_until(
        lambda: api("GET", f"models/fraud/versions/{number}")["lifecycle"] == "verified", "a worker to verify the bytes"
    )
    return version


def log_run(api, content):  # noqa: F811
    run = api("POST", "runs", {"experiment": "journey", "name": "fit"})["id"]
    used = {"name": "train", "digest": "sha256:" + "ab" * 32, "kind": "file", "strength": "content", "context": "train"}
    metric = {"key": "auc", "steps": [0], "times": [1_700_000_000_000_000], "values": [0.99]}
    batch = {"writer": "0" * 31 + "1", "sequence": 1, "metrics": [metric], "params": {}, "tags": {}, "inputs": [used]}
    api("POST", f"runs/{run}/batches", batch)
    upload(api, run, "model.bin", content)
    api("POST", f"runs/{run}/finish", {"status": "finished"})
    return run


def promote(api, version, reason):  # noqa: F811
    body = {"version": str(version["number"]), "environment": "production", "reason": reason}
    return api("POST", "models/fraud/promotions", body)


def report(api, version):  # noqa: F811
    body = {"model": "fraud", "version": str(version["number"]), "environment": "production", "target": "eu-1"}
    return api("POST", "deployments", body)


def tab_to(page, selector):  # noqa: F811
    """Press Tab until what has the focus is `selector`, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached within {MOST_TABS} presses of Tab at {page.url}")


def test_an_approver_decides_looks_back_and_rolls_back_without_a_mouse(page, server, api, approver_link, past):  # noqa: F811
    sign_in(page, server, approver_link)
    find_what_waits(page, server, past)
    approve_after_reading_the_gates(page, past)
    see_what_ran_before_and_runs_now(page, server, past)
    walk_the_line(page, server, past)
    roll_back(page, server, api, past)

    assert page.complaints == []


def find_what_waits(page, server, past):  # noqa: F811
    page.goto(f"{server.url}{BASE}/promotions")
    tab_to(page, "main a[href='?mine=1']")
    page.keyboard.press("Enter")
    page.get_by_text("needs your word").wait_for()
    tab_to(page, f"a[href$='/promotions/{past['promotion']}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/promotions/{past['promotion']}")


def approve_after_reading_the_gates(page, past):  # noqa: F811
    row = page.locator("table.gates tr", has_text="auc >= 0.8")
    expect(row).to_contain_text("0.99")
    expect(row).to_contain_text("pass")
    expect(page.locator("ol.steps li.info").first).to_have_text(re.compile("^Approvals"), use_inner_text=True)
    tab_to(page, "#reason")
    page.keyboard.type("I read the errors it makes")
    tab_to(page, "button[value='approve']")
    page.keyboard.press("Enter")
    page.get_by_text("Promoted.", exact=True).wait_for()


def see_what_ran_before_and_runs_now(page, server, past):  # noqa: F811
    page.goto(f"{server.url}{BASE}/deployments?range=1d")
    now = page.locator("#then")
    # eu-1 has not been moved yet, and the page says so
    expect(now).to_contain_text(f"fraud version {past['first']['number']}", use_inner_text=True)
    expect(now).to_contain_text("not what was promoted", use_inner_text=True)
    page.locator("svg.timeline .bar.plan").nth(1).wait_for()
    then = (past["began"] + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    tab_to(page, "#as_of")
    page.locator("#as_of").fill(then)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What ran at").wait_for()
    ran = page.locator("#then")
    for words in (f"fraud version {past['first']['number']}", "train", "nobody was asked"):
        expect(ran).to_contain_text(words, use_inner_text=True)
    expect(ran).not_to_contain_text(f"fraud version {past['second']['number']}", use_inner_text=True)


def walk_the_line(page, server, past):  # noqa: F811
    """From the version to its run and on to the data, arrow by arrow; Enter opens what is reached."""
    page.goto(f"{server.url}{BASE}/models/fraud/versions/{past['second']['number']}")
    tab_to(page, ".linegraph-view")
    drawing = page.locator("svg.linegraph-svg")
    page.keyboard.press("ArrowLeft")
    expect(drawing.locator("[data-start]:focus")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(drawing.locator("a[href*='/runs/']:focus")).to_be_visible()
    whole = drawing.get_attribute("viewBox")
    page.keyboard.press("+")
    expect(drawing).not_to_have_attribute("viewBox", whole)
    page.keyboard.press("0")
    expect(drawing).to_have_attribute("viewBox", whole)
    page.keyboard.press("ArrowLeft")
    expect(drawing.locator("a[href*='/data/']:focus")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/data/train?version=*")


def roll_back(page, server, api, past):  # noqa: F811
    page.goto(f"{server.url}{BASE}/models/fraud/environments/production")
    tab_to(page, "#roll-back #reason")
    page.keyboard.type("it refuses good customers")
    tab_to(page, "#roll-back input[name='confirm']")
    page.keyboard.press("Space")
    tab_to(page, "#roll-back button")
    page.keyboard.press("Enter")
    page.get_by_text("Promoted.", exact=True).wait_for()
    assert api("GET", "models/fraud/aliases/production")["version"] == past["first"]["number"]


def test_the_drawings_are_whole_without_a_script(chromium, server, owner_cookies, past):  # noqa: F811
    """Lists, forms, the line and the timeline: the server drew them, and every node is a link."""
    plain = chromium.new_context(java_script_enabled=False)
    plain.add_cookies(owner_cookies)
    page = plain.new_page()  # noqa: F811
    page.goto(f"{server.url}{BASE}/models/fraud/versions/{past['first']['number']}")
    expect(page.locator("svg.linegraph-svg a[data-box]").nth(3)).to_be_visible()
    expect(page.locator(".linegraph-tools")).to_be_hidden()
    page.locator("svg.linegraph-svg a[href*='/runs/']").first.click()
    page.wait_for_url("**/runs/*")
    page.goto(f"{server.url}{BASE}/deployments?range=1d")
    page.locator("svg.timeline a[href*='/deployments/']").first.click()
    page.wait_for_url("**/deployments/*")
    page.goto(f"{server.url}{BASE}/models/fraud/versions/{past['second']['number']}/plan?environment=staging")
    page.fill("#reason", "a trial")
    page.get_by_role("button", name="Ask for promotion to staging").click()
    page.wait_for_url("**/promotions/*")
    expect(page.locator(".head")).to_contain_text("promoted")
    plain.close()


def test_a_dragged_drawing_opens_nothing_and_a_click_does(page, server, owner_cookies, past):  # noqa: F811
    page.context.add_cookies(owner_cookies)
    address = f"{server.url}{BASE}/models/fraud/versions/{past['first']['number']}"
    page.goto(address)
    run = page.locator("svg.linegraph-svg a[href*='/runs/'] .box").first
    run.scroll_into_view_if_needed()
    place = run.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    drawing = page.locator("svg.linegraph-svg")
    before = drawing.get_attribute("viewBox")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 10, steps=4)
    page.mouse.up()

    expect(drawing).not_to_have_attribute("viewBox", before)
    page.evaluate("new Promise((done) => setTimeout(done, 50))")  # until the click that ends a drag would have come
    assert page.url == address
    page.mouse.click(x + 40, y + 10)
    page.wait_for_url("**/runs/*")
