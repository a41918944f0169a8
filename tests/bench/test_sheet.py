"""Tables of the bench reach their place in a page, and no other."""

import re
from pathlib import Path

import pytest

from bench.sheet import Sheet, share, write_into

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"
SHEET = Sheet("speed", "Speed", ("", "ours"), [["merge", "3 ms"], ["compare", "9 ms"]], "On one core.")


def test_a_table_takes_the_place_of_the_one_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A\n\n<!-- bench:speed -->\nold\nolder\n<!-- /bench -->\n\n<!-- bench:size -->\nkept\n<!-- /bench -->\n"
    )

    write_into(page, "speed", SHEET.to_markdown())

    table = "|  | ours |\n| --- | ---: |\n| merge | 3 ms |\n| compare | 9 ms |\n\nOn one core.\n"
    assert page.read_text() == (
        f"# A\n\n<!-- bench:speed -->\n{table}<!-- /bench -->\n\n<!-- bench:size -->\nkept\n<!-- /bench -->\n"
    )


@pytest.mark.parametrize("text", ["", 2 * "<!-- bench:speed -->\n<!-- /bench -->\n"])
def test_a_page_without_one_place_for_it_is_refused(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)

    with pytest.raises(ValueError, match="one is expected"):
        write_into(page, "speed", "table")
    assert page.read_text() == text


def test_every_place_of_the_page_on_drift_holds_a_table_and_says_where_it_was_measured():
    places = re.findall(r"<!-- bench:(\w+) -->\n(.*?)<!-- /bench -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    assert [name for name, _ in places] == ["agreement", "alarms", "outlier", "windows", "sequential", "speed"]
    for name, text in places:
        assert text.startswith("|"), name
        assert "*Measured 20" in text, name


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 %"), (0.004, "0.4 %"), (0.04, "4.0 %"), (0.1, "10 %"), (1.0, "100 %")]
)
def test_shares_are_percentages(value, text):
    assert share(value) == text
