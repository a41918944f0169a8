"""The order of found runs, and pages of it."""

import math

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor
from tests.tracking.searching import (
    IDS,
    START,
    Row,
    asked_of,
    filters,
    numbers,
    ordered,
    orders,
    passes,
    random_rows,
    save,
    texts,
    written,
    written_term,
)
from tracking.search import ast, search_runs

IN_ONE_STORE = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@pytest.fixture
def make_runs(project):
    """`make_runs("loss", a=[0.1], b=[2.0])`: runs of these names whose metric has these values, oldest first."""

    def make(key="loss", **named):
        rows = [
            Row({"id": IDS[number], "name": name, "created_at": START}, metrics={key: values} if values else {})
            for number, (name, values) in enumerate(named.items())
        ]
        return save(project, rows)

    return make


@pytest.fixture
def turn_pages(project):
    """`turn_pages(["name"], limit=2)`: the pages, each a list of runs, until there is no next one."""

    def turn(order_by=(), *, limit=2, **options):
        pages, cursor = [], None
        while True:
            page = search_runs(project=project, order_by=order_by, limit=limit, cursor=cursor, **options)
            pages.append(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return pages
            assert len(pages) < 100, "the pages have no end"

    return turn


def names(pages):
    return [run.name for page in pages for run in page]


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_pages_are_the_naive_order_cut_into_pieces(project, turn_pages, seed):
    """Random runs full of ties and gaps, random orders of up to three keys, random filters, every size of page."""
    rows = save(project, random_rows(seed))

    @IN_ONE_STORE
    @given(orders, filters | st.none(), st.integers(1, 30))
    def agree(terms, expr, limit):
        text = "" if expr is None else written(expr)
        pages = turn_pages([written_term(term) for term in terms], limit=limit, filter=text)

        passing = [row for row in rows if expr is None or passes(expr, row)]
        assert [run.pk for page in pages for run in page] == [row.pk for row in ordered(passing, terms)]
        assert all(len(page) == limit for page in pages[:-1])

    agree()


def test_pages_are_the_same_where_few_runs_pass_and_where_many_do(project, turn_pages, monkeypatch):
    """Both ways of reading a page are used by the same listing while runs arrive, so they have to agree."""
    rows = save(project, random_rows(8))

    @settings(IN_ONE_STORE, max_examples=60)
    @given(orders, filters, st.sampled_from([0, 1, 4, 5_000]))
    def agree(terms, expr, few):
        monkeypatch.setattr("tracking.search.selection.FEW", few)
        pages = turn_pages([written_term(term) for term in terms], limit=3, filter=written(expr))

        expected = ordered([row for row in rows if passes(expr, row)], terms)
        assert [run.pk for page in pages for run in page] == [row.pk for row in expected]

    agree()


@pytest.mark.parametrize("seed", [9, 10])
def test_a_filter_that_compares_what_runs_are_ordered_by_cuts_the_same_pages(project, turn_pages, monkeypatch, seed):
    """Its range of the index is read then, and runs without the value are looked for only where some may pass."""
    rows = save(project, random_rows(seed))
    monkeypatch.setattr("tracking.search.selection.FEW", 0)
    of_loss = st.sampled_from(["last", "min", "count"]).map(lambda column: ast.Metric("loss", column))
    keys = of_loss | st.sampled_from([ast.Param("loss"), ast.Tag("loss")])
    asked = asked_of(of_loss | st.just(ast.Param("loss")), numbers) | asked_of(
        st.sampled_from([ast.Param("loss"), ast.Tag("loss")]), texts
    )
    asked |= st.builds(ast.IsNan, st.just(ast.Metric("loss")), st.booleans())
    terms = st.lists(st.builds(ast.Term, keys, st.booleans()), min_size=1, max_size=2).map(tuple)

    @IN_ONE_STORE
    @given(terms, st.lists(asked | filters, min_size=1, max_size=3).map(tuple))
    def agree(terms, parts):
        expr = parts[0] if len(parts) == 1 else ast.AllOf(parts)
        pages = turn_pages([written_term(term) for term in terms], limit=3, filter=written(expr))

        expected = ordered([row for row in rows if passes(expr, row)], terms)
        assert [run.pk for page in pages for run in page] == [row.pk for row in expected]

    agree()


@pytest.mark.parametrize("few", [0, 2, 5_000])
def test_attributes_that_hardly_any_run_has_together_find_those_runs(project, turn_pages, monkeypatch, few):
    """Each passes more than `few`, both together two runs, which are then read at once."""
    hosts, states = ["a", "b", "a", "b", "a", "b", "a", "b"], ["failed"] * 4 + ["finished"] * 4
    save(
        project,
        [
            Row({"id": IDS[n], "name": f"r{n}", "host": hosts[n], "status": states[n]}, metrics={"loss": [-n]})
            for n in range(8)
        ],
    )
    monkeypatch.setattr("tracking.search.selection.FEW", few)

    pages = turn_pages(["metrics.loss"], filter="status = 'failed' AND host IN ('a') AND created_by = 'x'")
    assert names(pages) == []
    pages = turn_pages(["metrics.loss"], limit=1, filter="status = 'failed' AND host IN ('a')")
    assert names(pages) == ["r2", "r0"]


def test_newest_come_first_where_no_order_is_given(make_runs, turn_pages):
    make_runs(a=[1.0], b=[], c=[2.0])

    assert names(turn_pages()) == ["c", "b", "a"]


def test_equal_values_neither_repeat_nor_get_lost(make_runs, turn_pages):
    make_runs(**{f"r{number}": [1.0] for number in range(7)})

    pages = turn_pages(["metrics.loss DESC"], limit=3)

    assert [len(page) for page in pages] == [3, 3, 1]
    assert names(pages) == [f"r{number}" for number in reversed(range(7))]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_missing_and_nan_come_last_in_either_direction(make_runs, turn_pages, direction):
    make_runs(bare=[], low=[1.0], nan=[math.nan], high=[2.0])

    middle = ["low", "high"] if direction == "ASC" else ["high", "low"]
    assert names(turn_pages([f"metrics.loss {direction}"], limit=1)) == [*middle, "nan", "bare"]


def test_infinite_values_have_their_place_and_pass_through_cursors(make_runs, turn_pages):
    make_runs(top=[math.inf], bottom=[-math.inf], huge=[1.7e308], top2=[math.inf])

    assert names(turn_pages(["metrics.loss"], limit=1)) == ["bottom", "huge", "top2", "top"]
    assert names(turn_pages(["metrics.loss DESC"], limit=1)) == ["top2", "top", "huge", "bottom"]


def test_params_sort_as_numbers_and_words_follow(project, turn_pages):
    values = {"a": 10, "b": 9, "c": "auto", "d": "1e1", "e": "Best", "f": None}
    save(
        project,
        [Row({"id": IDS[n], "name": name}, params={"p": value}) for n, (name, value) in enumerate(values.items())],
    )
    save(project, [Row({"id": IDS[10], "name": "bare"})])

    assert names(turn_pages(["params.p"])) == ["b", "d", "a", "e", "c", "f", "bare"]
    assert names(turn_pages(["params.p DESC"])) == ["d", "a", "b", "f", "c", "e", "bare"]


def test_a_run_that_arrives_between_pages_changes_nothing_that_follows(make_runs, project):
    make_runs(a=[1.0], b=[2.0], c=[3.0])
    first = search_runs(project=project, order_by=["metrics.loss"], limit=2)
    save(project, [Row({"id": IDS[20], "name": "late"}, metrics={"loss": [0.5]})])

    second = search_runs(project=project, order_by=["metrics.loss"], limit=2, cursor=first.next_cursor)

    assert [run.name for run in first.items + second.items] == ["a", "b", "c"]


def test_the_number_of_queries_does_not_grow_with_the_page(make_runs, project, django_assert_max_num_queries):
    make_runs(**{f"r{number}": [float(number)] if number % 2 else [] for number in range(20)})

    limit_of_time = 0 if connection.vendor == "sqlite" else 4  # a savepoint and back, a setting and back
    with django_assert_max_num_queries(5 + limit_of_time):
        page = search_runs(
            project=project, filter="metrics.loss IS NULL OR metrics.loss > 0", order_by=["metrics.loss"]
        )
        assert len({(run.experiment.name, run.environment, run.parent) for run in page.items}) == 1


def test_a_cursor_of_another_order_is_refused(make_runs, project):
    make_runs(a=[1.0], b=[2.0])
    cursor = search_runs(project=project, order_by=["metrics.loss"], limit=1).next_cursor

    for order_by in (["metrics.loss DESC"], ["metrics.acc"], ["metrics.loss", "name"], []):
        with pytest.raises(Invalid, match="another listing"):
            search_runs(project=project, order_by=order_by, limit=1, cursor=cursor)


EVIL = [None, True, 1, -1, 2**63, 1.5, "", "nan", "1e999", "x", "' OR 1=1", "a\0b", [], {}, "\N{PILE OF POO}"]


def test_a_cursor_that_was_tampered_with_is_a_cursor_or_refused(make_runs, project):
    """A cursor comes from a stranger: no value in it may reach the database as something else than it should be."""
    make_runs(a=[1.0], b=[2.0])
    orders = (["metrics.loss"], ["name"], ["created_at"], ["id"], ["sealed"], ["tags.x", "params.y"], ["ended_at"], [])
    refused = 0
    for order_by in orders:
        honest = decode_cursor(search_runs(project=project, order_by=order_by, limit=1).next_cursor)
        for place in range(len(honest)):
            for value in EVIL:
                forged = encode_cursor([*honest[:place], value, *honest[place + 1 :]])
                try:
                    search_runs(project=project, order_by=order_by, cursor=forged)
                except Invalid as error:
                    refused += "cursor" in error.detail
    assert refused > 200

    for order_by, value in ((["metrics.loss"], "nan"), (["name"], "a\0b"), (["created_at"], 2**62)):
        made_for, _, pk = decode_cursor(search_runs(project=project, order_by=order_by, limit=1).next_cursor)
        with pytest.raises(Invalid, match="cursor"):
            search_runs(project=project, order_by=order_by, cursor=encode_cursor([made_for, value, pk]))
    for junk in ("x", "%%%", encode_cursor([]), encode_cursor([1]), "é"):
        with pytest.raises(Invalid, match="cursor"):
            search_runs(project=project, cursor=junk)


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_holds_between_one_and_a_thousand(project, limit):
    with pytest.raises(Invalid, match="from 1 to 1000"):
        search_runs(project=project, limit=limit)
