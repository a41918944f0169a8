"""The frame of the pages in a real browser: shortcuts, the shortcuts' dialog, light and dark, copying, the folded side bar, toasts."""

import pytest
from playwright.sync_api import expect

from tests.journeys.test_browser_journey import api, chromium, log_run, owner_cookies, page  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.server]

PLACES = {
    "r": "/projects/default/runs",
    "m": "/projects/default/models",
    "d": "/projects/default/data",
    "p": "/projects/default/promotions",
    "a": "/projects/default/audit",
    "s": "/settings/profile",
    "h": "/",
}


@pytest.fixture
def signed_in(page, server, owner_cookies):  # noqa: F811 - pytest's way
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.context.add_cookies(owner_cookies)
    page.goto(f"{server.url}/")
    yield page
    assert page.complaints == []


@pytest.fixture(scope="module")
def run(api):  # noqa: F811
    return log_run(api)


def expect_theme(page, name):  # noqa: F811
    expect(page.locator("html")).to_have_attribute("data-theme", name)


def ground(page):  # noqa: F811
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_two_keys_lead_to_each_room(signed_in, server):
    for key, path in PLACES.items():
        signed_in.keyboard.press("g")
        signed_in.keyboard.press(key)
        signed_in.wait_for_url(f"{server.url}{path}")


def test_keys_do_nothing_where_text_is_typed(signed_in, server):
    signed_in.goto(f"{server.url}/projects/default/runs")
    signed_in.focus("#filter")

    signed_in.keyboard.type("g m ? t /")

    expect(signed_in.locator("#filter")).to_have_value("g m ? t /")
    assert signed_in.url == f"{server.url}/projects/default/runs"
    expect(signed_in.locator("#keys")).to_be_hidden()
    expect(signed_in.locator("html[data-theme]")).to_have_count(0)


def test_the_slash_puts_the_cursor_into_the_search_and_enter_finds(signed_in, server, run):
    signed_in.keyboard.press("/")
    expect(signed_in.locator("#seek")).to_be_focused()

    signed_in.keyboard.type(run[:14])
    signed_in.keyboard.press("Enter")

    signed_in.locator(f"#finds a[href$='/runs/{run}']").wait_for()
    signed_in.locator("#q").fill("nothing goes by this")
    signed_in.get_by_text("Nothing goes by").wait_for()


def test_the_question_mark_opens_the_list_of_shortcuts_and_escape_closes_it(signed_in):
    dialog = signed_in.locator("#keys")

    signed_in.keyboard.press("?")
    expect(dialog).to_be_visible()
    signed_in.wait_for_function("() => document.querySelector('#keys').contains(document.activeElement)")
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    signed_in.get_by_role("link", name="Keyboard shortcuts").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("link", name="Close").click()
    expect(dialog).to_be_hidden()


def test_a_chosen_theme_is_there_at_the_first_paint_of_the_next_page(signed_in, server):
    """The server wrote it: the page has it before any script of it has run."""
    light = ground(signed_in)

    signed_in.keyboard.press("t")
    expect_theme(signed_in, "dark")
    dark = ground(signed_in)
    signed_in.goto(f"{server.url}/projects/default/models")

    html = signed_in.evaluate("fetch(location.href).then((answer) => answer.text())")
    assert '<html lang="en" data-theme="dark">' in html
    assert light != dark == ground(signed_in)
    signed_in.get_by_role("button", name="Light or dark").click()
    expect_theme(signed_in, "light")
    assert ground(signed_in) == light


def test_charts_are_given_colours_that_a_canvas_can_paint_with(signed_in):
    read = "getComputedStyle(document.documentElement).getPropertyValue('--chart-3').trim()"
    light = signed_in.evaluate(read)
    signed_in.keyboard.press("t")
    expect_theme(signed_in, "dark")
    dark = signed_in.evaluate(read)

    assert light.startswith("rgb(")
    assert dark.startswith("rgb(")
    assert light != dark


def test_a_digest_is_copied_whole_by_one_click(signed_in, server, run):
    signed_in.goto(f"{server.url}/projects/default/runs/{run}")

    button = signed_in.locator(".under .copy").first
    button.click()

    signed_in.locator(".under .copy.done").first.wait_for()
    assert signed_in.evaluate("navigator.clipboard.readText()") == run


def test_a_toast_says_its_words_as_text_and_does_its_act(signed_in):
    signed_in.evaluate(
        "toast('<b>Archived</b> 3 runs', { tone: 'ok', act: ['Undo', () => { window.undone = true; }] })"
    )
    toast = signed_in.locator(".toast")

    expect(toast.locator("p")).to_have_text("<b>Archived</b> 3 runs")
    toast.get_by_role("button", name="Undo").click()

    expect(toast).to_have_count(0)
    signed_in.wait_for_function("() => window.undone")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
def test_the_side_bar_folds_on_a_narrow_screen(signed_in, server, javascript):
    """And opens without a script, too."""
    state = signed_in.context.storage_state()
    browser = signed_in.context.browser
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, storage_state=state, java_script_enabled=javascript
    )
    narrow = context.new_page()
    narrow.goto(f"{server.url}/projects/default/runs")
    rail = narrow.locator("#rail")

    expect(rail).to_be_hidden()
    narrow.get_by_role("button", name="Menu").click()
    rail.wait_for(state="visible")
    rail.get_by_role("link", name="Models").click()
    narrow.wait_for_url("**/models")

    expect(rail).to_be_hidden()
    context.close()


def test_the_keyboard_reaches_the_content_in_one_step(signed_in):
    signed_in.keyboard.press("Tab")
    expect(signed_in.locator(".skip")).to_be_focused()

    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**/#main")
    signed_in.keyboard.press("Tab")

    signed_in.wait_for_function("() => document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["/", "/search?q=fraud", "/settings/profile", "/settings/tokens", "/settings/accounts",
                                  "/settings/accounts/owner", "/projects/default/settings/members",
                                  "/projects/default/settings/environments", "/projects/default/settings/policies"])  # fmt: skip
def test_no_page_of_settings_is_wider_than_its_screen(signed_in, server, path, width):
    signed_in.set_viewport_size({"width": width, "height": 844})
    signed_in.goto(f"{server.url}{path}")

    assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth")
