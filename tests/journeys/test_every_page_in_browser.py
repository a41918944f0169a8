"""Every page in Chromium, of a project in which everything has happened and of one in which nothing has: no serious finding of axe-core
in light or dark, nothing wider than the screen, no name that acts, and a picture of each.

`SCREENSHOTS=FOLDER` says where the pictures go; pytest's own folder otherwise (`--basetemp`).
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.journeys.test_browser_journey import chromium  # noqa: F401 - a fixture
from tests.server import Server, free_port, postgresql_database
from tests.web.every_page import STRANGE

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.slow]

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
GRAVE = ("serious", "critical")
AXE = {
    "light": "axe.run({ resultTypes: ['violations'] })",
    "dark": "axe.run({ resultTypes: ['violations'], runOnly: { type: 'rule', values: ['color-contrast'] } })",
}
INJECTED = "img[src='x'], [onerror], [onmouseover], [onload], main script:not([src]):not([type='application/json'])"
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
# Whether the text is kept whole somewhere, and where it is shown, cannot turn what stands beside it.
WHOLE = """(name) => {
  const found = { whole: false, loose: [] };
  for (const each of document.querySelectorAll("main [title], main [data-copy], main input, main option"))
    if ([each.title, each.dataset.copy, each.value].includes(name)) found.whole = true;
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (!text.data.includes(name)) continue;
    found.whole = true;
    if (text.parentElement.closest("svg")) continue;  // each text of a drawing is laid out by itself
    let each = text.parentElement;
    const isOpen = (some) => getComputedStyle(some).display === "inline" && getComputedStyle(some).unicodeBidi === "normal";
    while (isOpen(each)) each = each.parentElement;
    const isAlone = each.textContent.trim() === name.trim();
    if (getComputedStyle(each).unicodeBidi === "normal" && !isAlone) found.loose.push(each.outerHTML.slice(0, 200));
  }
  return found;
}"""

# How far right of the name's cell begins the short id that stands behind it, and how wide it is to its last character: laid out in turn,
# the first character of an id is left of its last one, and no part of the name is right of it.
ID_BEHIND = """(name) => {
  for (const cell of document.querySelectorAll("main th.lead")) {
    const [link, id] = [cell.querySelector("a"), cell.querySelector("code")];
    if (!link || !id || link.title !== name) continue;
    const at = (place) => {
      const range = document.createRange();
      range.setStart(id.firstChild, place);
      range.setEnd(id.firstChild, place + 1);
      return range.getBoundingClientRect().left;
    };
    const names = [...link.querySelector("bdi").getClientRects()];
    return { first: at(0), last: at(id.textContent.length - 1), name: Math.max(...names.map((each) => each.right)) };
  }
  return null;
}"""


@dataclass
class Seen:
    """What a page was found to be, at any width and in any colours."""

    findings: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    injected: int = 0
    too_wide: dict[str, int] = field(default_factory=dict)
    title: str = ""


@dataclass
class World:
    server: Server
    paths: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server on a store that holds one of everything."""
    folder = tmp_path_factory.mktemp("every-page")
    with postgresql_database() as database:
        env = {name: value for name, value in os.environ.items() if not name.startswith("LINEAL_")}
        env["LINEAL_CREDENTIALS_FILE"] = str(folder / "credentials.json")
        if database:
            env["LINEAL_DATABASE_URL"] = database
        inside = {"LINEAL_HOME": str(folder / "home"), "DJANGO_SETTINGS_MODULE": "config.settings"}
        done = subprocess.run(
            [sys.executable, "-m", "tests.web.every_page"], env=env | inside, capture_output=True, text=True, timeout=300
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        server = Server(folder / "home", free_port(), env)
        server.start()
        try:
            yield World(server, json.loads(done.stdout.splitlines()[-1]))
        finally:
            server.stop()


@pytest.fixture(scope="module")
def cookies(world, chromium):  # noqa: F811 - pytest's way
    context = chromium.new_context()
    page = context.new_page()
    page.goto(world.server.link)
    page.wait_for_url(f"{world.server.url}/")
    kept = context.cookies()
    context.close()
    return kept


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    named = os.environ.get("SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def seen(world, chromium, cookies, pictures):  # noqa: F811
    """One browser walks all pages once a width; each is judged and pictured where it stands."""
    from axe_playwright_python.base import AXE_FILE_PATH

    axe = Path(AXE_FILE_PATH).read_text()
    found = {name: Seen() for name in world.paths}
    for width in WIDTHS:
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.add_cookies(cookies)
        page = context.new_page()
        heard = []
        page.on("console", lambda said, kept=heard: kept.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error, kept=heard: kept.append(str(error)))
        page.on("dialog", lambda shown, kept=heard: (kept.append(f"dialog: {shown.message}"), shown.dismiss()))
        for name, path in world.paths.items():
            heard.clear()
            page.emulate_media(color_scheme="light")
            page.goto(world.server.url + path, wait_until="networkidle")
            look_at(page, found[name], width, axe if width == WIDTHS[0] else "", pictures / f"{slug(name)}-{width}")
            found[name].complaints += heard
        context.close()
    return found


def look_at(page, seen, width, axe, picture):
    seen.title = page.title()
    seen.injected += page.locator(INJECTED).count()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.screenshot(path=f"{picture}-{scheme}.png", full_page=True)
        if (over := page.evaluate(TOO_WIDE)) > 0:
            seen.too_wide[f"{width} {scheme}"] = over
        if axe:
            page.evaluate(axe)
            violations = page.evaluate(AXE[scheme])["violations"]
            seen.findings |= {
                f"{each['id']} ({scheme}): {node['html'][:120]} {node['any'][0]['message'][:160] if node['any'] else ''}"
                for each in violations
                if each["impact"] in GRAVE
                for node in each["nodes"]
            }


def slug(name):
    return re.sub(r"\W+", "-", name)


def test_axe_has_no_serious_finding_on_any_page(seen):
    found = sorted(f"{name}: {finding}" for name, each in seen.items() for finding in each.findings)
    assert found == [], "\n".join(found)


def test_no_page_breaks_the_content_policy_or_its_own_script(seen):
    assert {name: each.complaints for name, each in seen.items() if each.complaints} == {}


def test_no_name_becomes_markup(seen):
    assert {name: each.injected for name, each in seen.items() if each.injected} == {}
    assert {each.title for each in seen.values()}.isdisjoint({"666", "667", "owned", "1"})


def test_no_page_is_wider_than_a_desk_or_a_phone(seen):
    assert {name: each.too_wide for name, each in seen.items() if each.too_wide} == {}


def test_there_is_a_picture_of_each_page_at_each_width_in_light_and_dark(seen, pictures):
    expected = {
        f"{slug(name)}-{width}-{scheme}.png" for name in seen for width in WIDTHS for scheme in SCHEMES
    }  # fmt: skip
    assert expected <= {path.name for path in pictures.iterdir()}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_name_stands_whole_and_turns_nothing_beside_it(world, chromium, cookies, kind):  # noqa: F811
    """In the list of runs, on the run's own pages, among its values, as a dataset's, and where it is searched for."""
    name = STRANGE[kind]
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(world.server.url + world.paths["run_list"] + "?experiment=strange", wait_until="networkidle")
    said = {"run_list": page.evaluate(WHOLE, name)}
    laid_out = page.evaluate(ID_BEHIND, name)
    at = next(
        link.get_attribute("href")
        for link in page.locator("main td a[href*='/runs/0'], main th a[href*='/runs/0']").all()
        if name in (link.text_content(), link.get_attribute("title"))
    )
    for part in ("", "/charts", "/values"):
        page.goto(world.server.url + at.partition("?")[0] + part, wait_until="networkidle")
        said[f"run{part}"] = page.evaluate(WHOLE, name)
    others = {
        "data": world.paths["dataset_list"],
        "dataset": f"/projects/default/data/{quote(name, safe='')}",
        "search": f"/search?q={quote(name[:40])}",
    }
    for where, path in others.items():
        page.goto(world.server.url + path, wait_until="networkidle")
        said[where] = page.evaluate(WHOLE, name)
    context.close()

    assert laid_out["first"] < laid_out["last"]
    assert laid_out["name"] <= laid_out["first"] or kind == "long"  # cut at the end of the cell
    assert [where for where, each in said.items() if not each["whole"]] == []
    assert {where: each["loose"] for where, each in said.items() if each["loose"]} == {}
