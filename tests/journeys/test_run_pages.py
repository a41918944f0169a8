"""The pages of a run in a real browser: charts that zoom, smooth and change what is across; files that cannot act; all by keyboard."""

# ruff: noqa: F811 - the browser and its page are fixtures of the approver's journey

import math
import re

import pytest
from playwright.sync_api import expect

from tests.journeys.test_browser_journey import api, chromium, owner_cookies, page, upload  # noqa: F401
from tests.web.run_story import FILES, parquet

pytestmark = [pytest.mark.browser, pytest.mark.server]

START_US = 1_700_000_000_000_000
COUNT = 6_000
SPIKE = 4_321
NARROW = (
    "",
    "/charts",
    "/charts?view=table",
    "/values",
    "/artifacts?path=data/rows.csv",
    "/artifacts?path=report.html",
    "/code",
    "/line",
    "/ledger",
)


def log(api, run, key, values, *, sequence):
    """A second between two points."""
    steps = list(range(len(values)))
    series = {"key": key, "steps": steps, "times": [START_US + step * 1_000_000 for step in steps], "values": values}
    api("POST", f"runs/{run}/batches", {"writer": "0" * 31 + "2", "sequence": sequence, "metrics": [series]})


@pytest.fixture(scope="module")
def run(api):
    """6,000 points with one spike, 50 plain ones, and files of all kinds."""
    code = {"commit": "1a2b3c4d", "dirty": True, "diff": "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"}
    run = api("POST", "runs", {"experiment": "pages", "code": code, "params": {"a.b": 1, "a.c": 2}})["id"]
    wave = [math.sin(step / 40) + (step % 7) / 10 for step in range(COUNT)]
    wave[SPIKE] = 50.0
    log(api, run, "loss", wave, sequence=1)
    log(api, run, "plain", [float(step % 5) for step in range(50)], sequence=2)
    for path, content in {**FILES, "data/rows.parquet": parquet(10)}.items():
        if content:
            upload(api, run, path, content)
    api("POST", f"runs/{run}/finish", {"status": "finished"})
    return run


@pytest.fixture
def desk(page, server, owner_cookies):
    """`desk(run, path)`: the owner's browser at that page of a run."""
    page.context.add_cookies(owner_cookies)

    def go(run, path=""):
        page.goto(f"{server.url}/projects/default/runs/{run}{path}")
        return page

    return go


def chart(page, key):
    figure = page.locator(f"figure[data-metric='{key}']")
    figure.locator("canvas").wait_for()
    return figure


def drawn(page, key):
    """What the plot holds: across, values, smoothed values; and the ends of what is shown."""
    return page.evaluate(
        """(key) => {
            const plot = figures.get(document.querySelector(`figure[data-metric="${key}"]`)).plot;
            const { min, max } = plot.scales.x;
            return { data: plot.data, min, max, alphas: plot.series.map((each) => each.alpha) };
        }""",
        key,
    )


def wait_for_ends(page, key, low, high):
    """Until the plot reaches from `low` to `high`."""
    page.wait_for_function(
        """([key, low, high]) => {
            const plot = figures.get(document.querySelector(`figure[data-metric="${key}"]`))?.plot;
            return plot && Math.abs(plot.scales.x.min - low) < 1e-3 && Math.abs(plot.scales.x.max - high) < 1e-3;
        }""",
        arg=[key, low, high],
    )


def drag(page, key, begin, end):
    """From one share of the plot's width to another."""
    box = chart(page, key).locator(".u-over").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * begin, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, y)
    page.mouse.move(box["x"] + box["width"] * end, y)
    page.mouse.up()


def test_a_drag_looks_closer_and_fetches_what_the_whole_had_no_room_for(desk, run):
    page = desk(run, "/charts")
    chart(page, "loss")
    whole = drawn(page, "loss")
    assert len(whole["data"][0]) <= 1_000
    assert SPIKE in whole["data"][0]  # thinned, and not lost

    with page.expect_response(lambda answer: "first_step=" in answer.url) as fetched:
        drag(page, "loss", 0.70, 0.74)

    answer = fetched.value.json()["loss"]
    page.wait_for_function("() => figures.get(document.querySelector('figure[data-metric=\"loss\"]')).detail !== null")
    near = drawn(page, "loss")
    within = [step for step in near["data"][0] if near["min"] <= step <= near["max"]]
    assert not answer["downsampled"]
    assert 4_150 < near["min"] < SPIKE < near["max"] < 4_500
    assert within == list(range(math.ceil(near["min"]), math.floor(near["max"]) + 1))  # each point there is
    assert max(value for value in near["data"][1] if value is not None) == 50.0
    wait_for_ends(page, "plain", near["min"], near["max"])  # all charts look at the same stretch
    page.wait_for_url(lambda url: f"from={near['min']}" in url)

    page.get_by_role("button", name="Reset zoom").click()

    wait_for_ends(page, "loss", 0, COUNT - 1)
    page.wait_for_url(lambda url: "from=" not in url)
    assert page.complaints == []


def test_smoothing_is_an_exponential_mean_and_leaves_the_values_faint(desk, run):
    page = desk(run, "/charts")
    chart(page, "plain")
    page.get_by_label("Smoothing").fill("0.8")
    page.wait_for_function(
        "() => figures.get(document.querySelector('figure[data-metric=\"plain\"]')).plot.series[2].show"
    )

    seen = drawn(page, "plain")
    mean, expected = 0.0, []
    for at, value in enumerate(seen["data"][1], start=1):
        mean = 0.8 * mean + 0.2 * value
        expected.append(mean / (1 - 0.8**at))
    assert seen["data"][1] == [float(step % 5) for step in range(50)]
    assert seen["data"][2] == pytest.approx(expected)
    assert seen["alphas"][1] < 0.5 <= seen["alphas"][2]
    page.wait_for_url(lambda url: "smooth=0.8" in url)


@pytest.mark.parametrize(
    ("across", "first", "last"),
    [("step", 0, COUNT - 1), ("relative", 0, COUNT - 1), ("time", START_US / 1e6, START_US / 1e6 + COUNT - 1)],
)
def test_what_is_across_changes_and_is_kept_in_the_address(desk, run, across, first, last):
    page = desk(run, "/charts")
    chart(page, "loss")
    page.locator("[data-chart-setting=x]").select_option(across)
    wait_for_ends(page, "loss", first, last)
    seen = drawn(page, "loss")

    assert (seen["data"][0][0], seen["data"][0][-1]) == pytest.approx((first, last))
    page.reload()
    wait_for_ends(page, "loss", first, last)


def test_a_cursor_on_one_chart_reads_all_of_them(desk, run):
    page = desk(run, "/charts")
    chart(page, "plain")
    box = chart(page, "loss").locator(".u-over").bounding_box()

    page.mouse.move(box["x"] + 3, box["y"] + 20)

    for key in ("loss", "plain"):
        expect(page.locator(f"figure[data-metric='{key}'] .at")).to_have_text(re.compile(r"^step \d"))


def test_logarithms_leave_out_what_has_none(desk, run):
    page = desk(run, "/charts?y=log&xscale=log")
    chart(page, "plain")
    seen = drawn(page, "plain")

    assert seen["data"][0][0] == 1  # step 0 has no logarithm
    assert None in seen["data"][1]
    assert all(value is None or value > 0 for value in seen["data"][1])
    assert page.complaints == []


@pytest.mark.parametrize(
    ("values", "scale", "low", "high"),
    [
        ([0.5], "linear", 0.45, 0.55),
        ([50.0] * 9, "linear", 45, 55),
        ([-2.0, -2.0], "linear", -2.2, -1.8),
        ([0.1 + 0.2, 0.3], "linear", 0.27, 0.33),
        ([0.0], "linear", -1, 1),
        ([0.003], "log", 0.0006, 0.015),
    ],
    ids=["one point", "a constant", "below zero", "but for rounding", "zero", "one point on a log scale"],
)
def test_values_that_are_one_lie_in_the_middle_of_their_chart(desk, api, values, scale, low, high):
    run = api("POST", "runs", {"experiment": "flat"})["id"]
    log(api, run, "flat", values, sequence=1)
    page = desk(run, f"/charts?y={scale}")
    chart(page, "flat")

    seen = page.evaluate("() => { const { min, max } = [...figures.values()][0].plot.scales.y; return [min, max]; }")

    assert seen == pytest.approx([low, high])
    assert page.complaints == []


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [("", 6, 8), ("?xscale=log", 1.4, 35), ("?x=relative", -1, 1)],
    ids=["step", "log", "time"],
)
def test_a_single_point_lies_in_the_middle_across(desk, api, query, low, high):
    run = api("POST", "runs", {"experiment": "single"})["id"]
    series = {"key": "single", "steps": [7], "times": [START_US], "values": [0.5]}
    api("POST", f"runs/{run}/batches", {"writer": "0" * 31 + "2", "sequence": 1, "metrics": [series]})
    page = desk(run, f"/charts{query}")
    chart(page, "single")

    assert (drawn(page, "single")["min"], drawn(page, "single")["max"]) == pytest.approx((low, high))


def keys_shown(page):
    return page.locator("figure[data-metric]").evaluate_all("all => all.map((figure) => figure.dataset.metric)")


@pytest.mark.parametrize("path", ["", "/charts"], ids=["overview", "charts"])
def test_the_first_metric_of_a_run_appears_while_it_goes_on(desk, api, path):
    """On a page that had nothing to draw, and without loading it anew."""
    run = api("POST", "runs", {"experiment": "first metric"})["id"]
    page = desk(run, path)
    expect(page.locator("[data-none]")).to_be_visible()
    page.evaluate("window.untouched = true")

    log(api, run, "loss", [3.0, 2.0, 1.0], sequence=1)

    expect(page.locator("figure[data-metric=loss] canvas")).to_be_visible(timeout=20_000)
    expect(page.locator("figure[data-metric=loss] [data-last]")).to_have_text("last 1")
    expect(page.locator("[data-none]")).to_have_count(0)
    expect(page.locator("[data-spoken]")).to_have_text("New: loss")
    assert page.evaluate("window.untouched")
    assert page.complaints == []


def test_new_metrics_take_their_places_among_the_others(desk, api):
    """In their group, which may be new itself; what is there keeps its drawing, and points go on coming."""
    run = api("POST", "runs", {"experiment": "late metrics"})["id"]
    log(api, run, "train/loss", [3.0, 2.0], sequence=1)
    page = desk(run, "/charts")
    chart(page, "train/loss")
    page.evaluate("window.kept = document.querySelector('figure[data-metric=\"train/loss\"]')")

    for sequence, key in enumerate(["lr", "train/acc", "train/z", "val/<b>", "eval/loss"], start=2):
        log(api, run, key, [1.0, 2.0], sequence=sequence)

    expect(page.locator("figure[data-metric]")).to_have_count(6, timeout=20_000)
    page.locator("figure[data-metric='val/<b>']").scroll_into_view_if_needed()
    expect(page.locator("figure[data-metric='val/<b>'] canvas")).to_be_visible()
    assert keys_shown(page) == ["lr", "eval/loss", "train/acc", "train/loss", "train/z", "val/<b>"]
    assert [heading.strip() for heading in page.locator("h2.group-name").all_inner_texts()] == [
        "eval 1",
        "train 3",
        "val 1",
    ]
    expect(page.locator(".tabs a[aria-current] .count")).to_have_text("6")
    assert page.evaluate("window.kept === document.querySelector('figure[data-metric=\"train/loss\"]')")

    series = {"key": "val/<b>", "steps": [2], "times": [START_US], "values": [7.5]}
    api("POST", f"runs/{run}/batches", {"writer": "0" * 31 + "2", "sequence": 7, "metrics": [series]})
    expect(page.locator("figure[data-metric='val/<b>'] [data-last]")).to_have_text("last 7.5", timeout=20_000)

    api("POST", f"runs/{run}/finish", {"status": "finished"})
    expect(page.locator("[data-ended]")).to_be_visible(timeout=20_000)
    assert page.complaints == []


def test_a_search_among_charts_is_joined_by_what_it_finds_alone(desk, api):
    run = api("POST", "runs", {"experiment": "late and searched"})["id"]
    log(api, run, "train/loss", [3.0], sequence=1)
    page = desk(run, "/charts?q=acc")
    expect(page.locator("[data-none]")).to_be_visible()

    log(api, run, "val/loss", [1.0], sequence=2)
    log(api, run, "val/acc", [0.5], sequence=3)

    expect(page.locator("figure[data-metric='val/acc'] canvas")).to_be_visible(timeout=20_000)
    assert keys_shown(page) == ["val/acc"]


def test_the_table_of_metrics_draws_each_beside_its_last_value(desk, run):
    page = desk(run, "/charts?view=table")
    pictures = page.locator("td[data-label=Last]").get_by_role("img")

    expect(pictures).to_have_count(2)
    expect(pictures.first).to_have_accessible_name(re.compile("^loss: 6000 points, .* greatest 50$"))  # the spike, too
    assert page.complaints == []


def test_an_overview_with_its_charts_full_counts_what_comes(desk, api):
    run = api("POST", "runs", {"experiment": "full overview"})["id"]
    for number in range(6):
        log(api, run, f"metric{number}", [1.0], sequence=number + 1)
    page = desk(run)
    expect(page.locator("[data-metric-count]")).to_have_text("6")

    log(api, run, "a", [1.0], sequence=7)

    expect(page.locator("[data-metric-count]")).to_have_text("7", timeout=20_000)
    assert keys_shown(page) == [f"metric{number}" for number in range(6)]


def test_charts_go_by_keyboard(desk, run):
    """Search, tabs, walking along a line, zooming and going back, without a mouse."""
    page = desk(run, "/charts")
    chart(page, "plain")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("plain")
    page.keyboard.press("Enter")
    page.wait_for_url("**/charts?q=plain*")
    expect(page.locator("figure[data-metric]")).to_have_count(1)
    figure = chart(page, "plain")
    page.keyboard.press("Escape")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.metric") == "plain":
            break
    expect(figure).to_be_focused()
    for step in range(4):
        page.keyboard.press("ArrowRight")
        expect(figure.locator(".at")).to_have_text(f"step {step}: {step}")
    expect(page.locator("[data-spoken]")).to_have_text("plain, step 3: 3")

    page.keyboard.press("+")
    wait_for_ends(page, "plain", 3 - 49 / 4, 3 + 49 / 4)
    page.keyboard.press("0")
    wait_for_ends(page, "plain", 0, 49)


def test_many_charts_are_fetched_as_they_come_into_view(desk, api):
    run = api("POST", "runs", {"experiment": "wide"})["id"]
    metrics = [
        {"key": f"g{number % 5}/m{number:03}", "steps": [0, 1], "times": [START_US] * 2, "values": [0.0, number]}
        for number in range(500)
    ]
    api("POST", f"runs/{run}/batches", {"writer": "0" * 31 + "3", "sequence": 1, "metrics": metrics})
    asked = []
    page = desk(run, "")
    page.on("request", lambda request: asked.append(request.url.count("key=")) if "/series?" in request.url else None)
    page.goto(page.url + "/charts")
    chart(page, "g0/m000")
    page.wait_for_load_state("networkidle")
    first = sum(asked)
    assert 4 <= first <= 40
    assert len(asked) <= 3
    figures = page.locator("figure[data-metric]")
    assert figures.count() < 96

    while (count := figures.count()) < 96:  # more come with each look at the end of what there is
        page.locator(".more-figures").scroll_into_view_if_needed()
        figures.nth(count).wait_for(state="attached")

    figures.nth(95).scroll_into_view_if_needed()
    figures.nth(95).locator("canvas").wait_for()
    assert sum(asked) > first
    page.wait_for_function("() => document.querySelectorAll('canvas').length < 60")  # those out of sight are let go
    assert page.complaints == []


# ---- files


@pytest.mark.parametrize("path", ["report.html", "work.ipynb", "plots/attack.svg"])
@pytest.mark.parametrize("way", ["in its page", "by its own address"])
def test_no_script_of_a_file_runs(desk, run, path, way):
    """Neither framed by us nor opened by itself, where the address bar would name our server."""
    assert b"top.document.title" in FILES[path]
    page = desk(run)
    dialogs = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    base = f"{page.url}/artifacts"
    page.goto(f"{base}/view?path={path}" if way == "by its own address" else f"{base}?path={path}")
    page.wait_for_load_state("networkidle")

    if way == "in its page" and path != "plots/attack.svg":
        [framed] = page.frames[1:]
        words = {"report.html": "Report", "work.ipynb": "df.head()"}[path]
        expect(framed.locator("body")).to_contain_text(words)
    assert "owned" not in page.title()
    assert dialogs == []
    for frame in page.frames:
        assert "owned" not in frame.locator(":root").inner_text() if path != "plots/attack.svg" else True


def test_a_framed_page_has_an_origin_of_its_own(desk, page, run):
    """Asked from the outside: its document has no cookies and no access to its parent. The browser says so when a script is tried."""
    with page.expect_console_message(lambda said: "sandboxed" in said.text):
        desk(run, "/artifacts?path=report.html")

    assert page.evaluate("document.querySelector('iframe').contentDocument") is None


def test_a_picture_and_tables_are_there(desk, run):
    page = desk(run, "/artifacts?path=plots/pixel.png")
    page.wait_for_function("() => document.querySelector('.picture img').naturalWidth === 1")
    for path in ("data/rows.csv", "data/rows.parquet"):
        page.goto(page.url.partition("?")[0] + f"?path={path}")
        expect(page.locator(".rows tbody tr").nth(9)).to_be_visible()
    page.goto(page.url.partition("?")[0])
    page.get_by_role("link", name="result.json").click()
    page.get_by_text("auc").wait_for()
    assert page.complaints == []


def test_pages_of_a_run_fit_a_narrow_screen_in_light_and_dark(chromium, server, owner_cookies, run):
    for scheme in ("light", "dark"):
        context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
        context.add_cookies(owner_cookies)
        page = context.new_page()
        for path in NARROW:
            page.goto(f"{server.url}/projects/default/runs/{run}{path}")
            too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert too_wide <= 0, f"{path} is {too_wide} px too wide in {scheme}"
        context.close()


def test_lists_are_there_without_scripts(chromium, server, owner_cookies, run):
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(owner_cookies)
    page = context.new_page()
    base = f"{server.url}/projects/default/runs/{run}"

    page.goto(f"{base}/charts")
    expect(page.get_by_text("6000 points")).to_be_visible()
    page.goto(f"{base}/charts?view=table&q=plain")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto(f"{base}/artifacts")
    page.get_by_role("link", name="pixel.png").click()
    expect(page.locator(".picture img")).to_be_visible()
    page.goto(f"{base}/values")
    expect(page.get_by_text("a", exact=True).first).to_be_visible()
    context.close()
