"""A data scientist's way through the runs in a real browser: search with suggestions, sort, columns, a saved view, a
comparison, a file; once with the pointer and once by keys alone.
"""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.test_browser_journey import EVIL, api, chromium, owner_cookies, page  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.server]

RUNS = 12
LIST = "/projects/default/runs"


@pytest.fixture(scope="module")
def runs(api):  # noqa: F811 - a fixture
    return [log(api, number) for number in range(RUNS)]


def log(api, number, experiment="sweep", finish=True):  # noqa: F811 - a fixture's value
    params = {"lr": 10.0 ** -(1 + number % 3), "opt": ("adam", "sgd")[number % 2], "seed": 7, EVIL: EVIL}
    run = api("POST", "runs", {"experiment": experiment, "name": f"trial-{number}", "params": params})["id"]
    steps = list(range(40))
    times = [1_700_000_000_000_000 + 1_000_000 * step for step in steps]
    metrics = [
        {"key": "auc", "steps": steps, "times": times, "values": [0.5 + (step + number) / 200 for step in steps]},
        {"key": "val/loss", "steps": steps, "times": times, "values": [1 / (1 + step + number) for step in steps]},
    ]
    api("POST", f"runs/{run}/batches", {"writer": "0" * 31 + "1", "sequence": 1, "metrics": metrics})
    if finish:
        api("POST", f"runs/{run}/finish", {"status": "finished"})
    return run


@pytest.fixture
def owner(page, server, owner_cookies, runs):  # noqa: F811 - fixtures
    """At the list of runs, signed in."""
    page.context.add_cookies(owner_cookies)
    page.goto(f"{server.url}{LIST}?experiment=sweep")
    page.evaluate("window.untouched = true")
    return page


def expect_names(page, *numbers):  # noqa: F811 - a fixture's value
    expected = [f"trial-{number}" for number in numbers]
    expect(page.locator("#run-table tbody th a")).to_have_text(expected, use_inner_text=True)


def test_from_a_search_to_a_comparison_and_a_file(owner, api, runs, tmp_path):  # noqa: F811 - fixtures
    search_with_suggestions(owner)
    sort_by_a_click(owner)
    pick_columns(owner)
    save_the_view(owner)
    export_it(owner, tmp_path)
    compare_three(owner)
    change_the_set_in_place(owner)

    assert owner.complaints == []
    assert owner.title() != "666"


def search_with_suggestions(page):  # noqa: F811 - a fixture's value
    page.locator("#filter").press_sequentially("metrics.au", delay=20)
    page.get_by_role("option", name="metrics.auc").wait_for()
    page.press("#filter", "ArrowDown")
    page.press("#filter", "Enter")
    expect(page.locator("#filter")).to_have_value("metrics.auc ")
    page.get_by_role("option", name="IS NULL", exact=True).wait_for()
    page.keyboard.type("> 0.7 and params.opt = ")
    page.get_by_role("option", name="'adam'").click()
    expect(page.locator("#filter")).to_have_value("metrics.auc > 0.7 and params.opt = 'adam' ")
    page.press("#filter", "Enter")
    page.wait_for_url("**filter=metrics.auc*")
    expect_names(page, 10, 8, 6, 4, 2)
    assert page.evaluate("window.untouched")


def sort_by_a_click(page):  # noqa: F811 - a fixture's value
    page.get_by_role("columnheader", name="auc").get_by_role("link").click()
    page.locator("th[aria-sort=descending]").wait_for()
    page.get_by_role("columnheader", name="auc").get_by_role("link").click()
    page.locator("th[aria-sort=ascending]").wait_for()
    expect_names(page, 2, 4, 6, 8, 10)
    page.wait_for_url(lambda url: "order_by=metrics.auc+ASC" in url)


def pick_columns(page):  # noqa: F811 - a fixture's value
    page.get_by_role("link", name="Columns").click()
    page.get_by_label("Find a column").fill("val/")
    page.get_by_label("min of val/loss").check()
    page.get_by_role("button", name="Show these").click()
    page.get_by_role("columnheader", name="min val/loss").wait_for()
    expect_names(page, 2, 4, 6, 8, 10)


def save_the_view(page):  # noqa: F811 - a fixture's value
    page.get_by_text("Save view").click()
    page.get_by_label("Name of a new view").fill("good adam runs")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**?view=*")
    expect(page.get_by_role("link", name="good adam runs")).to_have_attribute("aria-current", "page")
    expect_names(page, 2, 4, 6, 8, 10)


def export_it(page, folder):  # noqa: F811 - a fixture's value
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    path = Path(folder) / coming.value.suggested_filename
    coming.value.save_as(path)
    page.keyboard.press("Escape")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["trial-2", "trial-4", "trial-6", "trial-8", "trial-10"]
    assert "min(metrics.val/loss)" in rows[0]


def compare_three(page):  # noqa: F811 - a fixture's value
    page.get_by_label("Select trial-2").check()
    page.get_by_label("Select trial-6").click(modifiers=["Shift"])
    page.get_by_text("3 selected").wait_for()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/runs/compare?runs=*")
    for metric in ("auc", "val/loss"):
        page.locator(f"figure[data-metric='{metric}'] canvas").wait_for()
    expect(page.locator("svg.scatter circle")).to_have_count(3)
    expect(page.locator("svg.parallel path.run")).to_have_count(3)
    expect(page.locator("td.best[data-label=trial-6]")).to_have_count(2)


def change_the_set_in_place(page):  # noqa: F811 - a fixture's value
    page.evaluate("window.untouched = true")
    page.get_by_role("link", name="Take trial-4 out").click()
    expect(page.locator("svg.scatter circle")).to_have_count(2)
    page.fill("#add", "trial-11")
    page.press("#add", "Enter")
    expect(page.locator("svg.scatter circle")).to_have_count(3)
    page.wait_for_url(lambda url: url.count("%2C") == 2)
    assert page.evaluate("window.untouched")
    page.locator("figure[data-metric='auc'] canvas").wait_for()
    page.select_option("[data-setting=x]", "relative")
    page.locator("[data-setting=smooth]").fill("0.6")
    page.wait_for_url(lambda url: "x=relative&smooth=0.6" in url)
    page.get_by_role("link", name="Take trial-11 out").click()  # what was set stays as it is
    expect(page.locator("svg.scatter circle")).to_have_count(2)
    page.wait_for_url("**#x=relative&smooth=0.6")
    expect(page.locator("[data-setting=x]")).to_have_value("relative")
    expect(page.locator("[data-setting=smooth]")).to_have_value("0.6")


def test_the_same_by_keys_alone(owner):
    """No pointer: suggestions, rows, widths, columns and ranges of an axis."""
    page = owner  # noqa: F811 - a fixture's value
    page.keyboard.press("/")
    page.keyboard.type("params.o")
    page.get_by_role("option", name="params.opt").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("= 'sg")
    page.get_by_role("option", name="'sgd'").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**filter=params.opt*")
    expect_names(page, 11, 9, 7, 5, 3, 1)

    page.focus("#run-table tbody tr:first-child input")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_text("3 selected").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("0 selected").wait_for(state="attached")
    page.keyboard.press("Shift+ArrowDown")

    edge = page.get_by_role("separator", name="Width of status")
    before = int(edge.get_attribute("aria-valuenow"))
    edge.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(edge).to_have_attribute("aria-valuenow", str(before + 32))
    page.reload()
    expect(edge).to_have_attribute("aria-valuenow", str(before + 32))

    page.focus("#run-table tbody tr:first-child input")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="Compare").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/compare?runs=*")
    axis = page.get_by_role("slider", name="Range of auc")
    axis.focus()
    page.keyboard.press("ArrowUp")
    page.get_by_text("1 of 2 runs within").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("1 of 2 runs within").wait_for(state="hidden")
    assert page.complaints == []


def test_a_param_named_like_a_shortcut_does_not_take_its_key(owner, server, api):  # noqa: F811 - fixtures
    page = owner  # noqa: F811 - a fixture's value
    api("POST", "runs", {"experiment": "letters", "params": {"c": 1}})
    page.goto(f"{server.url}{LIST}?experiment=letters")
    page.keyboard.press("c")
    page.locator("#picker .choice[data-choice=c]").wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("c")  # the same key closes it
    page.locator("#picker .choice").first.wait_for(state="detached")
    expect(page.locator(".rail .foot .tools")).to_have_css("margin-bottom", "0px")


def test_runs_without_a_number_are_compared_and_hidden(owner, server, api):  # noqa: F811 - fixtures
    page = owner  # noqa: F811 - a fixture's value
    pair = [api("POST", "runs", {"experiment": "words", "params": {"opt": opt}})["id"] for opt in ("adam", "sgd")]
    page.goto(f"{server.url}{LIST}/compare?runs={','.join(pair)}")
    page.locator(".compared .shown").first.uncheck()
    page.locator(".compared .shown").first.check()
    assert page.complaints == []


def test_a_filter_that_is_none_is_pointed_out_where_it_went_wrong(owner):
    page = owner  # noqa: F811 - a fixture's value
    page.fill("#filter", "metrics.auc > 1 sideways")
    page.press("#filter", "Enter")
    page.get_by_text("At character 17").wait_for()

    expect(page.locator("#filter")).to_have_attribute("aria-invalid", "true")
    page.wait_for_function("() => document.getElementById('filter').selectionStart === 16")


def test_new_runs_come_and_ends_are_told_without_loading_anew(owner, server, api):  # noqa: F811 - fixtures
    page = owner  # noqa: F811 - a fixture's value
    page.goto(f"{server.url}{LIST}?experiment=live")
    api("POST", "experiments", {"name": "live"})
    log(api, 0, "live")
    page.goto(f"{server.url}{LIST}?experiment=live")
    page.evaluate("window.untouched = true")
    page.mouse.move(0, 0)
    going = log(api, 1, "live", finish=False)
    row = page.locator(f"#run-{going}")
    row.get_by_text("running").wait_for()
    api("POST", f"runs/{going}/finish", {"status": "failed"})
    row.get_by_text("failed").wait_for()
    page.locator("#run-table tbody input").last.focus()
    late = log(api, 2, "live")
    page.get_by_role("button", name="1 new run").wait_for()  # somebody works in the table: nothing is moved
    expect(page.locator(f"#run-{late}")).to_have_count(0)
    page.get_by_role("button", name="1 new run").click()
    expect_names(page, 2, 1, 0)
    assert page.evaluate("window.untouched")


def test_the_first_value_of_a_picked_column_appears_in_its_row(owner, server, api):  # noqa: F811 - fixtures
    page = owner  # noqa: F811 - a fixture's value
    going = log(api, 1, "first value", finish=False)
    page.goto(f"{server.url}{LIST}?experiment=first+value&columns=status,metrics.late,max(metrics.late)")
    cells = page.locator(f"#run-{going} td.num")
    expect(cells).to_have_text(["–", "–"])

    series = {"key": "late", "steps": [0, 1], "times": [1, 2], "values": [4.5, 2.5]}
    api("POST", f"runs/{going}/batches", {"writer": "0" * 31 + "9", "sequence": 1, "metrics": [series]})

    expect(cells).to_have_text(["2.5", "4.5"], timeout=20_000)


def test_lines_are_drawn_in_the_table_and_go_on(owner, server, api):  # noqa: F811 - fixtures
    page = owner  # noqa: F811 - a fixture's value
    going = log(api, 1, "lines", finish=False)
    page.goto(f"{server.url}{LIST}?experiment=lines")
    page.get_by_role("link", name="Columns").click()
    page.get_by_label("Find a column").fill("val/loss")
    page.get_by_label("line of val/loss").check()
    page.get_by_role("button", name="Show these").click()

    line = page.locator(f"#run-{going} td[data-key='val/loss'][data-line]")
    picture = line.get_by_role("img")
    expect(picture).to_have_accessible_name("val/loss: 40 points, from 0.5 to 0.02439, least 0.02439, greatest 0.5")
    assert picture.locator("path").get_attribute("d").count("L") > 10
    expect(page.get_by_role("columnheader", name="line of val/loss")).to_be_visible()

    series = {"key": "val/loss", "steps": [40, 41], "times": [1, 2], "values": ["NaN", 9.0]}
    api("POST", f"runs/{going}/batches", {"writer": "0" * 31 + "1", "sequence": 2, "metrics": [series]})

    expect(picture).to_have_accessible_name(
        "val/loss: 42 points, from 0.5 to 9, least 0.02439, greatest 9", timeout=20_000
    )
    assert picture.locator("path").get_attribute("d").count("M") == 2  # a gap where there was no number
    expect(line.locator(".last")).to_have_text("9")
    assert page.complaints == []


def test_deleted_runs_come_back_by_undo(owner, server, api):  # noqa: F811 - fixtures
    page = owner  # noqa: F811 - a fixture's value
    for number in range(3):
        log(api, number, "doomed")
    page.goto(f"{server.url}{LIST}?experiment=doomed")
    page.get_by_label("Select trial-1").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("1 run deleted.").wait_for()
    expect_names(page, 2, 0)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("1 run as before.").wait_for()
    expect_names(page, 2, 1, 0)
    assert page.complaints == []
