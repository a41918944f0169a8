"""An approver's way through the pages in a real browser: link, run, version, approval, production, audit trail."""

import hashlib
import json
import os
import time
import urllib.request
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import browsers

pytestmark = [pytest.mark.browser, pytest.mark.server]

EVIL = '<img src=x onerror="document.title=666">'
POLICY = {"gate": [{"id": "auc", "kind": "metric", "expr": "auc >= 0.8"}, {"id": "four-eyes", "kind": "approval"}]}
PATIENCE_S = 30


class Api:
    """The server's REST interface, as the machine's owner or with another token."""

    def __init__(self, server):
        self.url, self.token = server.url, server.token

    def __call__(self, method, path, body=None, *, project=True, raw=None, content_type="application/json"):
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        address = path if path.startswith("/") else f"/api/v1/{path}"
        query = ("&" if "?" in address else "?") + urlencode({"project": "default"}) if project else ""
        request = urllib.request.Request(
            f"{self.url}{address}{query}",
            data=data,
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def api(server):
    return Api(server)


@pytest.fixture(scope="module")
def approver_link(api):
    """Carol may approve; this is her one-time link."""
    api("POST", "users", {"name": "carol"}, project=False)
    api("PUT", "projects/default/members/carol", {"role": "approver"}, project=False)
    return api("POST", "login-links", {"account": "carol"}, project=False)["url"]


@pytest.fixture(scope="module")
def promotion(api):
    """A run, its model version, and a promotion that waits for a person."""
    run = log_run(api)
    version = api("POST", "models/fraud/versions", {"run": run, "artifact": "model.bin"})
    number = version["number"]
    wait_until(
        lambda: api("GET", f"models/fraud/versions/{number}")["lifecycle"] == "verified", "a worker to verify the bytes"
    )
    api("POST", "policies", {"name": "prod-gates", "document": POLICY})
    api("PUT", "environments/production/policy", {"policy": "prod-gates", "reason": "four eyes"})
    body = {"version": version["digest"], "environment": "production", "reason": "better on the holdout"}
    result = api("POST", "models/fraud/promotions", body)
    assert result["decision"] == "waiting", result
    return {"id": result["id"], "run": run, "number": number, "digest": version["digest"]}


def log_run(api):
    api("POST", "models", {"name": "fraud"})
    run = api("POST", "runs", {"experiment": "journey", "name": EVIL, "params": {"lr": 0.1, EVIL: EVIL}})["id"]
    steps = list(range(50))
    metrics = [
        {"key": key, "steps": steps, "times": [1_700_000_000_000_000 + step for step in steps], "values": values}
        for key, values in (("auc", [0.5 + step / 100 for step in steps]), (EVIL, ["NaN"] * 50))
    ]
    inputs = [
        {"name": "train", "digest": "sha256:" + "ab" * 32, "kind": "file", "strength": "content", "context": "train"}
    ]
    batch = {"writer": "0" * 31 + "1", "sequence": 1, "metrics": metrics, "params": {}, "tags": {}, "inputs": inputs}
    api("POST", f"runs/{run}/batches", batch)
    upload(api, run, "model.bin", b"weights of the journey")
    api("POST", f"runs/{run}/finish", {"status": "finished"})
    return run


def upload(api, run, path, content):
    file = {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    [answer] = api("POST", f"runs/{run}/artifacts", {"files": [file]})["files"]
    place = answer["upload"]
    url = urlsplit(place["url"])
    path = f"{url.path}?{url.query}&offset=0" if url.query else f"{url.path}?offset=0"
    api("PUT", path, raw=content, content_type="application/octet-stream", project="project=" not in path)
    api("POST", f"uploads/{place['id']}/commit")


@pytest.fixture(scope="module")
def chromium():
    """The system's browser. Without one the test skips, or fails where the environment says that there has to be one."""
    path = browsers.find_chromium()
    if path is None:
        if os.environ.get("LINEAL_REQUIRE_BROWSER") == "1":
            pytest.fail("LINEAL_REQUIRE_BROWSER=1, and there is no Chromium on PATH.")
        pytest.skip("There is no Chromium on PATH.")
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=browsers.FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def owner_cookies(chromium, server, api):
    """Of one signing in for all tests of a file: a server lets nobody try a hundred links a minute."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(api("POST", "login-links", {"account": "owner"}, project=False)["url"])
    page.wait_for_url(f"{server.url}/")
    cookies = context.cookies()
    context.close()
    return cookies


@pytest.fixture
def page(chromium):
    """A page at the width of a desk, and what it complained of: refused by the content policy, or broken script."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.set_default_timeout(PATIENCE_S * 1000)
    yield page
    context.close()


def test_an_approver_finds_a_promotion_approves_it_and_sees_it_in_the_trail(
    page, server, api, approver_link, promotion
):
    sign_in(page, server, approver_link)
    read_the_run(page, server, promotion)
    read_the_version(page, server, promotion)
    approve(page, server, promotion)
    find_it_in_production(page, server)
    find_it_in_the_trail(page, server, api)

    assert page.complaints == []


def test_a_chart_follows_a_run_that_goes_on(page, server, api):
    """Without loading the page anew, and fetching no more than what has come since; a NaN is told, and so is the end."""
    run = api("POST", "runs", {"experiment": "live"})["id"]
    log(api, run, 1, [1.0] * 3_000)
    sign_in(page, server, api("POST", "login-links", {"account": "owner"}, project=False)["url"])
    fetched = []
    page.on("response", lambda answer: fetched.append(answer) if "/series?" in answer.url else None)
    page.goto(f"{server.url}/projects/default/runs/{run}")
    figure = page.locator("figure[data-metric='loss']")
    figure.locator("canvas").wait_for()
    page.evaluate("window.untouched = true")

    log(api, run, 2, [2.0, "NaN", "-Infinity", 7.25], first=3_000)

    figure.get_by_text("last 7.25 · × NaN · ▼ -Infinity").wait_for()
    deltas = [answer for answer in fetched if "since=3000" in answer.url]
    assert deltas[-1].json()["loss"]["steps"] == [3_000, 3_001, 3_002, 3_003]

    api("POST", f"runs/{run}/finish", {"status": "finished"})

    page.get_by_text("This run has ended.").wait_for()
    assert page.evaluate("window.untouched")
    assert page.complaints == []


def log(api, run, sequence, values, first=0):
    steps = list(range(first, first + len(values)))
    times = [1_700_000_000_000_000 + step for step in steps]
    series = {"key": "loss", "steps": steps, "times": times, "values": values}
    api("POST", f"runs/{run}/batches", {"writer": "0" * 31 + "1", "sequence": sequence, "metrics": [series]})


def sign_in(page, server, link):
    page.goto(link)
    page.wait_for_url(f"{server.url}/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert "#" not in page.url
    session = next(cookie for cookie in page.context.cookies() if cookie["name"] == "lineal_session")
    assert session["httpOnly"]


def read_the_run(page, server, promotion):
    page.goto(f"{server.url}/projects/default/runs")
    page.fill("#filter", "metrics.auc > 2")
    page.press("#filter", "Enter")
    page.get_by_text("No run matches").wait_for()
    page.fill("#filter", "metrics.auc > ")
    page.press("#filter", "Enter")
    page.get_by_text("At character").wait_for()
    page.fill("#filter", "metrics.auc > 0.9")
    page.press("#filter", "Enter")
    page.locator(f"a[href$='/runs/{promotion['run']}']").click()
    page.wait_for_url(f"**/runs/{promotion['run']}")
    expect(page.locator("h1")).to_have_text(EVIL)
    page.locator("figure[data-metric='auc'] canvas").wait_for()
    page.get_by_text("No finite value to draw: NaN.").wait_for()
    assert page.title() != "666"


def read_the_version(page, server, promotion):
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("link", name="fraud", exact=True).click()
    page.get_by_role("link", name=f"version {promotion['number']}", exact=True).click()
    page.wait_for_url(f"**/models/fraud/versions/{promotion['number']}")
    expect(page.locator("svg.linegraph-svg")).to_be_visible()
    copied = page.locator(".under .copy").first
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copied.click()
    page.locator(".under .copy.done").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == promotion["digest"]


def approve(page, server, promotion):
    page.goto(f"{server.url}/")
    page.locator(f"a[href$='/promotions/{promotion['id']}']").click()
    page.fill("#reason", "I read the errors it makes")
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Promoted.", exact=True).wait_for()


def find_it_in_production(page, server):
    page.goto(f"{server.url}/")
    production = page.get_by_role("region", name="In production")
    expect(production.get_by_role("link", name="fraud")).to_be_visible()


def find_it_in_the_trail(page, server, api):
    page.goto(f"{server.url}/projects/default/audit?action=promotion.approve")
    entry = page.locator("ul.entries li").first
    expect(entry).to_contain_text("carol approved the promotion")
    expect(entry).to_contain_text("I read the errors it makes")
    entry.locator("a.place").click()
    page.get_by_role("heading", name="Proof").wait_for()
    event = urlsplit(page.url).path.rpartition("/")[2]
    api("GET", f"audit/events/{event}/proof?wait=integrated")
    page.reload()
    page.locator("#proof .verdict[data-verdict=true]").wait_for()


def test_pages_fit_a_narrow_screen_in_light_and_dark(chromium, server, api, promotion):
    """No page is wider than a phone, and none breaks the content policy there."""
    link = api("POST", "login-links", {}, project=False)["url"]
    for scheme in ("light", "dark"):
        context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        page, complaints = context.new_page(), []
        page.on("console", lambda said, kept=complaints: kept.append(said.text) if said.type == "error" else None)
        if scheme == "light":
            page.goto(link)
            page.wait_for_url(f"{server.url}/")
            cookies = context.cookies()
        context.add_cookies(cookies)
        for path in narrow_paths(promotion):
            page.goto(f"{server.url}{path}")
            too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert too_wide <= 0, f"{path} is {too_wide} px too wide in {scheme}"
        assert complaints == []
        context.close()


def narrow_paths(promotion):
    base = "/projects/default"
    return (
        "/", f"{base}/runs", f"{base}/runs/{promotion['run']}", f"{base}/experiments", f"{base}/models",
        f"{base}/models/fraud", f"{base}/models/fraud/versions/{promotion['number']}", f"{base}/promotions",
        f"{base}/promotions/{promotion['id']}", f"{base}/deployments", f"{base}/data", f"{base}/data/train",
        f"{base}/audit", "/audit", "/settings/tokens", "/settings/profile",
    )  # fmt: skip


def test_a_used_or_foreign_link_is_told_apart_from_a_good_one(chromium, server, approver_link):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/login#{'x' * 43}")
    page.get_by_text("This link does not sign in any more").wait_for()
    assert page.url == f"{server.url}/login"
    context.close()
