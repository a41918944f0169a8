"""Makes the README's pictures from a running demo: python docs/screenshots.py 'http://127.0.0.1:8765/login#…'"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1280, 860


def main(link: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(link)
        page.wait_for_url("**/")
        origin = link.partition("/login")[0]
        page.goto(f"{origin}/projects/default/runs")
        page.locator("a[href*='/runs/0']").last.click()
        page.wait_for_load_state("networkidle")
        shoot(page, "run")
        page.goto(f"{origin}/projects/default/models/triage/versions/3")
        shoot(page, "version")
        page.goto(f"{origin}/projects/default/promotions")
        page.locator("a[href*='/promotions/0']").first.click()
        page.wait_for_load_state("networkidle")
        shoot(page, "promotion")
        page.goto(f"{origin}/projects/default/audit")
        shoot(page, "audit")
        page.goto(f"{origin}/projects/default/monitoring/alerts")
        page.locator("a[href*='/alerts/0']").first.click()
        page.wait_for_load_state("networkidle")
        page.locator("a[href*='/columns/']").first.click()
        shoot(page, "column")
        page.locator(".crumbs a").last.click()
        shoot(page, "monitor")
        browser.close()


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1])
