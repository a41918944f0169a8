"""Every page on its first view, among 100,000 runs, beside a run with a million points: what the server takes for it, what the
browser fetches, and whether anything moves while it comes.

Server time is from the request to the last byte of the answer, on one connection, p50 and p95 of the calls after the first.
Transferred is what Chromium counts with an empty cache, headers included: the page, its style sheets, scripts and icons, and the series
that its charts ask for. CLS is the sum of the layout shifts that the browser reports, on a screen 1440 and 390 pixels wide.
Targets are 200 kB, 100 ms and 0.01. The limit of the server time is a Django view on the same app server that answers a constant.
"""

import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.null_site import null_site
from bench.registry import request
from bench.sheet import Sheet
from bench.sockets import Sockets
from bench.stores import said_in_the_store, served, stored
from bench.table import Row, at_share
from tests import browsers
from tests.server import Server

runs = 100_000  # `--runs`
points = 1_000_000  # `--points`, of the long run
databases: Sequence[str] = ("sqlite", "postgresql")  # `--database`
quick = False  # `--quick`: a small store and few calls
QUICK_RUNS, QUICK_POINTS, QUICK_CALLS = 2_000, 50_000, 5
CALLS = 30
WIDTHS = (1440, 390)
SETTLE_MS = 400  # after the network went quiet; late shifts come in here
MOST_KB, MOST_MS, MOST_SHIFT = 200.0, 100.0, 0.01
LIMIT_IS = "a Django view that answers a constant"
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Page:
    """`ms` are the server's times, `kb` what came over the network at the first view, `shifts` one CLS for each of `WIDTHS`."""

    name: str
    ms: Sequence[float]
    kb: float
    shifts: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        return at_share(self.ms, 0.95)

    @property
    def missed(self) -> str:
        checks = {"ms": self.p50 <= MOST_MS, "kB": self.kb <= MOST_KB, "CLS": max(self.shifts) <= MOST_SHIFT}
        return ", ".join(name for name, met in checks.items() if not met)


def measure(folder: Path) -> list[Row | Sheet]:
    """Some ten minutes on two cores, most of which goes into filling the stores."""
    found: list[Row | Sheet] = []
    with null_site(folder) as url:
        for database in databases:
            with stored(folder, database) as store:
                said = said_in_the_store(store, ["bench.pages_store", *map(str, _sizes())])
                paths = json.loads(said.splitlines()[-1])
                with served(store) as server:
                    pages = _measured(server, paths)
            found += [*_rows(pages, store.name, _constant(url)), _sheet(pages, store.name)]
    return found


def _sizes() -> tuple[int, int]:
    return (min(runs, QUICK_RUNS), min(points, QUICK_POINTS)) if quick else (runs, points)


def _measured(server: Server, paths: Mapping[str, str]) -> list[Page]:
    calls = QUICK_CALLS if quick else CALLS
    with _browser() as browser:
        cookies = _signed_in(browser, server)
        headers = {"Cookie": "; ".join(f"{each['name']}={each['value']}" for each in cookies), "Accept": "text/html"}
        pages = []
        for name, path in paths.items():
            with Sockets(server.url) as connection:
                ms = _timed(connection, request("GET", path, headers), calls)
            looks = [_look(browser, cookies, f"{server.url}{path}", width) for width in WIDTHS]
            pages.append(Page(name, ms, looks[0][0], [shift for _, shift in looks]))
    return pages


def _timed(connection: Sockets, sent: bytes, calls: int) -> list[float]:
    """Milliseconds of each call but the first, which fills caches."""
    connection.send(sent)
    taken = []
    for _ in range(calls):
        begun = time.perf_counter()
        connection.send(sent)
        taken.append((time.perf_counter() - begun) * 1_000)
    return taken


def _constant(url: str) -> list[float]:
    with Sockets(url) as connection:
        return _timed(connection, request("GET", "/"), CALLS)


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = browsers.find_chromium()
    if path is None:
        raise RuntimeError("there is no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=browsers.FLAGS)
        yield browser
        browser.close()


def _signed_in(browser: Any, server: Server) -> list[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.link)
    page.wait_for_url(f"{server.url}/")
    cookies = [{key: each[key] for key in ("name", "value", "url") if key in each} for each in context.cookies()]
    context.close()
    return [each | {"url": server.url} for each in cookies]


def _look(browser: Any, cookies: Sequence[Any], url: str, width: int) -> tuple[float, float]:
    """Kilobytes that came at a first view, and how much moved."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_cookies(cookies)
    page = context.new_page()
    page.add_init_script(WATCH_SHIFTS)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    came: list[float] = []
    network.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    answer = page.goto(url, wait_until="load")
    if answer.status != 200:
        raise RuntimeError(f"{urlsplit(url).path} answers {answer.status}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)
    shift = page.evaluate("window.shifted")
    context.close()
    return sum(came) / 1_000, shift


def _rows(pages: Sequence[Page], database: str, constant: Sequence[float]) -> Iterator[Row]:
    limit = statistics.median(constant)
    slowest = max(pages, key=lambda page: page.p50)
    middle = statistics.median(page.p50 for page in pages)
    for name, value, detail in (
        ("server time of the median page", middle, f"{len(pages)} pages, target {MOST_MS:.0f} ms"),
        ("server time of the slowest page", slowest.p50, f"{slowest.name}, p95 {slowest.p95:.0f}"),
    ):
        met = "met" if value <= MOST_MS else "MISSED"
        yield Row(f"{name}, {database}", "ms", value, limit, LIMIT_IS, more_is_better=False, detail=f"{detail}, {met}")


def _sheet(pages: Sequence[Page], database: str) -> Sheet:
    many, long = _sizes()
    missed = [page for page in pages if page.missed]
    columns = ("page", "kB", "ms p50", "ms p95", *(f"CLS {width}" for width in WIDTHS), "missed")
    rows = [
        (page.name, f"{page.kb:.0f}", f"{page.p50:.0f}", f"{page.p95:.0f}", *(f"{shift:.3f}" for shift in page.shifts), page.missed)
        for page in sorted(pages, key=lambda page: -page.p50)
    ]  # fmt: skip
    note = (
        f"{many:,} runs, one of them with {long:,} points. Targets: {MOST_KB:.0f} kB, {MOST_MS:.0f} ms, CLS {MOST_SHIFT}; "
        f"{len(missed)} of {len(pages)} pages miss one."
    )
    return Sheet(
        f"pages-{database.split(maxsplit=1)[0].lower()}", f"First view of every page, {database}", columns, rows, note
    )
