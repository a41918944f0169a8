"""docs/search.md keeps its word: every example on the page is run, and finds what the page says."""

import json
import re
from pathlib import Path

import pytest

from tests.tracking.searching import IDS, START, Row, save
from tracking.search import InvalidFilter, parse, search_runs
from tracking.search.fields import ALIASES, ATTRIBUTES, KEYED, STATES

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text()


def rows_of(heading: str) -> list[tuple[str, str]]:
    """The two cells of each row of all tables that are headed so; the first without its backticks."""
    found = []
    for table in re.findall(rf"^\| {heading} \|.*\n\|[ -|]*\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for line in table.splitlines():
            first, second = line.strip(" |").split(" | ", 1)
            found.append(
                (first.strip().strip("`").strip() if "``" not in first else first.strip()[2:-2], second.strip())
            )
    return found


FINDS, GIVES, TOLD = rows_of("filter \\| finds"), rows_of("order \\| gives"), rows_of("filter \\| is told")


@pytest.fixture
def page_runs(project):
    """The runs that the page shows, oldest first."""
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    rows = []
    for number, run in enumerate(shown):
        attributes = {"id": IDS[number], "name": run["name"], "status": run["status"], "created_at": START}
        metrics = {key: [float(value) for value in values] for key, values in run["metrics"].items()}
        datasets = [tuple(mention) for mention in run["datasets"]]
        rows.append(Row(attributes, metrics=metrics, params=run["params"], tags=run["tags"], datasets=datasets))
    return save(project, rows)


def test_every_filter_finds_the_runs_that_the_page_names(project, page_runs):
    assert len(FINDS) > 40
    for text, named in FINDS:
        found = sorted(run.name for run in search_runs(project=project, filter=text).items)
        assert ", ".join(found) == named, text


def test_every_order_gives_the_order_that_the_page_names(project, page_runs):
    assert len(GIVES) >= 4
    for text, named in GIVES:
        assert ", ".join(run.name for run in search_runs(project=project, order_by=[text]).items) == named, text


@pytest.mark.parametrize(("text", "words"), TOLD, ids=[text for text, _ in TOLD])
def test_every_mistake_is_told_as_the_page_says(text, words):
    with pytest.raises(InvalidFilter) as caught:
        parse(text)

    assert words in caught.value.detail


def test_the_mistake_that_is_shown_is_pointed_at_as_shown():
    told = re.search(r"runs search \"(metrics.*)\"\nlineal: (.*)\n  (metrics.*)\n  ( *\^)\n", PAGE)
    command, detail, *shown = told.groups()
    with pytest.raises(InvalidFilter) as caught:
        parse(command)

    assert caught.value.detail == detail
    assert caught.value.extra["excerpt"] == "\n".join(shown)


def test_all_attributes_stand_on_the_page_with_their_other_names():
    table = dict(rows_of("attribute \\| compared with \\| also called"))
    assert list(table) == list(ATTRIBUTES)
    for name, rest in table.items():
        kind, _, others = rest.partition(" | ")
        assert re.findall(r"`(\w+)`", others) == [alias for alias, meant in ALIASES.items() if meant == name]
        column = ATTRIBUTES[name]
        if column.kind in STATES:
            assert kind == ", ".join(STATES[column.kind])
        else:
            assert kind.startswith({"boolean": "true or false"}.get(column.kind, column.kind))
    assert {"metrics", "params", "tags"} <= set(KEYED)
