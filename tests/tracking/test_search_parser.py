"""What may be written in a filter or an order, and what is said when it may not."""

import threading
import time

import pytest

from core.errors import Invalid
from tracking.search import InvalidFilter, InvalidOrder, parse, parse_order
from tracking.search.ast import (
    AllOf,
    Among,
    AnyOf,
    Attribute,
    Between,
    Compare,
    Dataset,
    IsNan,
    Like,
    Metric,
    MetricAt,
    Missing,
    Not,
    Param,
    Tag,
    Term,
)

LOSS = Compare(Metric("loss"), "<", 0.1)
ADAM = Compare(Param("opt"), "=", "adam")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", AllOf()),
        (" \n\t", AllOf()),
        ("metrics.loss < 0.1", LOSS),
        ("metric.loss<.1", LOSS),
        ("METRICS.loss < 1E-1", LOSS),
        ("metrics.`loss` < +0.1", LOSS),
        ('metrics."loss" < 0.1', LOSS),
        ("((metrics.loss < 0.1))", LOSS),
        ("last(metrics.loss) < 0.1", LOSS),
        ("params.opt = 'adam'", ADAM),
        ('param.opt == "adam"', ADAM),
        ("metrics.loss < 0.1 and params.opt = 'adam'", AllOf((LOSS, ADAM))),
        ("metrics.loss < 0.1 OR params.opt = 'adam'", AnyOf((LOSS, ADAM))),
        ("NOT metrics.loss < 0.1 AND params.opt = 'adam'", AllOf((Not(LOSS), ADAM))),
        ("not (metrics.loss < 0.1 AND params.opt = 'adam')", Not(AllOf((LOSS, ADAM)))),
        ("params.opt = 'adam' OR params.opt = 'adam' AND metrics.loss < 0.1", AnyOf((ADAM, AllOf((ADAM, LOSS))))),
        ("min( metrics.val/loss ) <> -3", Compare(Metric("val/loss", "min"), "!=", -3.0)),
        ("Count(metrics.a.b-c:d) >= inf", Compare(Metric("a.b-c:d", "count"), ">=", float("inf"))),
        ("metrics.x between 1 and 2", Between(Metric("x"), 1.0, 2.0)),
        ("metrics.x NOT BETWEEN -1 AND -Infinity", Between(Metric("x"), -1.0, float("-inf"), negated=True)),
        ("params.`my key` in (1, 2.5)", Among(Param("my key"), (1.0, 2.5))),
        ("tags.t NOT IN ('a')", Among(Tag("t"), ("a",), negated=True)),
        ("tags.t like '%a'", Like(Tag("t"), "%a")),
        ("tags.t not ilike '%a'", Like(Tag("t"), "%a", ignore_case=True, negated=True)),
        ("tags.t IS NULL", Missing(Tag("t"))),
        ("tags.t is not null", Missing(Tag("t"), negated=True)),
        ("metrics.x is NaN", IsNan(Metric("x"))),
        ("tags.größe = 'ä'", Compare(Tag("größe"), "=", "ä")),
        ("params.and = 'or'", Compare(Param("and"), "=", "or")),
        ("tags.t = 'it''s'", Compare(Tag("t"), "=", "it's")),
        (r"tags.t = 'it\'s'", Compare(Tag("t"), "=", "it's")),
        (r"tags.t = 'C:\data\\'", Compare(Tag("t"), "=", "C:\\data\\")),
        ('tags.t = "say ""hi"""', Compare(Tag("t"), "=", 'say "hi"')),
        ("tags.t = 'two\nlines'", Compare(Tag("t"), "=", "two\nlines")),
        ("params.flag = TRUE", Compare(Param("flag"), "=", "true")),
        ("datasets.digest = 'sha256:a'", Compare(Dataset("digest"), "=", "sha256:a")),
        ("status = 'FINISHED'", Compare(Attribute("status"), "=", "finished")),
        ("run.name = 'a'", Compare(Attribute("name"), "=", "a")),
        ("attributes.`run_name` = 'a'", Compare(Attribute("name"), "=", "a")),
        ("metrics.`loss@5` = 1", Compare(Metric("loss@5"), "=", 1.0)),
        ("metrics.loss@5 < 0.1", Compare(MetricAt("loss", 5), "<", 0.1)),
        ("metrics.val/loss@-1 IS NULL", Missing(MetricAt("val/loss", -1))),
        ("metrics.`recall@10`@200 is not nan", IsNan(MetricAt("recall@10", 200), negated=True)),
        ('metrics."my loss"@+7 IN (1)', Among(MetricAt("my loss", 7), (1.0,))),
        ("0.1 > metrics.loss", LOSS),
        ("'adam' = params.opt", ADAM),
        ("0.1 < metrics.x <= 2", AllOf((Compare(Metric("x"), ">", 0.1), Compare(Metric("x"), "<=", 2.0)))),
        ("2 >= metrics.x > 0.1", AllOf((Compare(Metric("x"), "<=", 2.0), Compare(Metric("x"), ">", 0.1)))),
        (
            "NOT 'a' <= name < 'b'",
            Not(AllOf((Compare(Attribute("name"), ">=", "a"), Compare(Attribute("name"), "<", "b")))),
        ),
    ],
)
def test_a_filter_is_read_as_it_is_meant(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("metrics.loss", 13, "ends where a comparison"),
        ("metrics.loss <", 15, "ends where a number or quoted text should follow"),
        ("metrics.loss ~ 3", 14, "found '~', expected a comparison"),
        ("metrics.loss < 0.1 AND", 23, "ends where a name such as metrics.loss"),
        ("metrics.loss < 0.1 metrics.acc > 1", 20, "found 'metrics.acc', expected AND, OR or the end"),
        ("(metrics.loss < 0.1", 20, "ends where ')' should follow"),
        ("metrics.loss < 0.1)", 19, "found ')', expected the end"),
        ("params.opt = adam", 14, "found 'adam', expected a number or quoted text"),
        ("params.opt = 'adam", 14, "quoted here has no end"),
        ("params.`opt = 1", 8, "quoted here has no end"),
        ("params.opt IN ()", 16, "found ')', expected a number or quoted text"),
        ("params.opt IN (1, 'a')", 19, "cannot be mixed"),
        ("params.opt LIKE 5", 17, "expected quoted text"),
        ("params.opt NOT = 5", 16, "found '=', expected IN, LIKE, ILIKE or BETWEEN"),
        ("params.opt IS 5", 15, "expected NULL or NAN"),
        ("metrics.loss = 'low'", 16, "metrics are numbers"),
        ("metrics.loss = true", 16, "metrics are numbers"),
        ("metrics.loss LIKE 'a'", 19, "LIKE compares text"),
        ("metrics.loss = 1.2.3", 16, "found '1.2.3'"),
        ("metrics.loss@last < 1", 1, "after @ comes a step, a whole number"),
        ("metrics.a@b@5 < 1", 1, "after @ comes a step"),
        ("metrics.loss@9223372036854775808 < 1", 1, "after @ comes a step"),
        ("params.lr@5 = 1", 1, "only metrics have steps"),
        ("metrics.@5 = 1", 1, "the key is empty"),
        ("metrics.loss@5 LIKE 'a'", 21, "LIKE compares text"),
        ("min(metrics.loss@5) = 1", 1, "taken of a whole metric"),
        ("1 < metrics.x > 2", 15, "a range is written with"),
        ("1 = metrics.x = 2", 15, "a range is written with"),
        ("1 < metrics.x <> 2", 15, "a range is written with"),
        ("1 < params.x < 'a'", 16, "cannot be mixed"),
        ("'a' < datasets.name < 'b'", 21, "write BETWEEN"),
        ("1 metrics.x", 3, "found 'metrics.x', expected a comparison"),
        ("staus = 'failed'", 1, "Did you mean status?"),
        ("attributes.start_tme > 1", 1, "Did you mean start_time?"),
        ("metrcs.loss > 1", 1, "Did you mean metrics.loss?"),
        ("parms.lr = 1", 1, "Did you mean params.lr?"),
        ("metrics.`` = 1", 1, "the key is empty"),
        (f"metrics.{'k' * 251} = 1", 1, "at most 250"),
        ("tags.seed = 5", 13, "this is text; write the value in quotes"),
        ("min(params.lr) = 1", 1, "taken of metrics only"),
        ("avg(metrics.lr) = 1", 1, "there is no function 'avg'"),
        ("min(metrics.x) IS NAN", 19, "only the last value of a metric"),
        ("colour = 'red'", 1, "there is no attribute 'colour'"),
        ("name = 'a' AND run.colour = 'red'", 16, "there is no attribute 'colour'"),
        ("datasets.colour = 'red'", 1, "they have name, digest and context"),
        ("run_id = 'abc'", 10, "ids have 32 hexadecimal digits"),
        ("run_id LIKE 'abc%'", 13, "LIKE compares text"),
        ("run_id > 'abc'", 10, "has no meaning here"),
        ("status = 'done'", 10, "running, finished, failed, killed"),
        ("sealed = 'maybe'", 10, "true or false"),
        ("params.flag < true", 15, "has no meaning here"),
        ("created_at > 'yesterday'", 14, "'yesterday' is no time"),
        ("created_at > 1e300", 14, "is no time"),
        ("created_at > '0001-01-01T00:00:00+14:00'", 14, "is no time"),
        ("name = 'a\0'", 10, "U+0000"),
        ("name = '\ud800'", 9, "U+D800"),
    ],
)
def test_a_mistake_is_shown_with_its_place(text, position, words):
    with pytest.raises(InvalidFilter) as caught:
        parse(text)

    assert words in caught.value.detail
    assert caught.value.extra["position"] == position
    assert caught.value.detail.startswith(f"At character {position} of the filter: ")
    assert isinstance(caught.value, Invalid)
    assert caught.value.code == "invalid-filter"
    assert caught.value.extra["errors"] == [{"field": "filter", "detail": caught.value.detail}]


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("metrics.loss ~ 3", "metrics.loss ~ 3\n             ^"),
        ("metrics.loss <", "metrics.loss <\n              ^"),
        ("name = 'a'\n AND staus = 'b'", "name = 'a'  AND staus = 'b'\n                ^"),
        ("(" * 60 + "x", None),
    ],
    ids=["inside", "at the end", "over lines", "far in"],
)
def test_a_mistake_is_pointed_at(text, excerpt):
    with pytest.raises(InvalidFilter) as caught:
        parse(text)

    line, caret = caught.value.extra["excerpt"].split("\n")
    assert excerpt is None or f"{line}\n{caret}" == excerpt
    assert len(line) <= 75
    assert caret.strip() == "^"


@pytest.mark.parametrize(
    ("texts", "terms"),
    [
        ([], ()),
        (["metrics.loss DESC"], (Term(Metric("loss"), descending=True),)),
        (["params.lr asc nulls last", "created"], (Term(Param("lr")), Term(Attribute("created_at")))),
        (["max(metrics.auc) desc, tags.`a b`"], (Term(Metric("auc", "max"), descending=True), Term(Tag("a b")))),
    ],
)
def test_an_order_is_read_as_it_is_meant(texts, terms):
    assert parse_order(texts) == terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it ends where a name"),
        ("metrics.loss UP", "found 'UP', expected ASC or DESC, NULLS LAST, ',' or the end"),
        ("metrics.loss DESC NULLS FIRST", "always come last"),
        ("metrics.loss < 1", "found '<', expected ASC or DESC"),
        ("datasets.name", "cannot be ordered by them"),
        ("metrics.loss@5 DESC", "cannot be ordered by the value at one step"),
        ("colour", "there is no attribute 'colour'"),
        ("name,name,name,name", "at most 3 keys"),
    ],
)
def test_a_mistake_in_an_order_is_told(text, words):
    with pytest.raises(InvalidOrder) as caught:
        parse_order([text])

    assert words in caught.value.detail
    assert caught.value.code == "invalid-order"


LONGEST = "params.a = '" + "x" * (10_000 - 13) + "'"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LONGEST + " ", "at most 10,000 are read"),
        ("(" * 9_000, "more than 30 deep"),
        ("not " * 2_400 + "a=1", "more than 30 deep"),
        ("not(" * 31, "more than 30 deep"),
        (" or ".join(["metrics.a=1"] * 101), "more than 100 comparisons"),
        (f"params.a in ({','.join('1' * 501)})", "more than 500 values"),
        (f"params.a in ({','.join('1' * 4_900)})", "more than 500 values"),
        (f"params.a like '{'%a' * 101}'", "at most 200 characters"),
        ("'" * 9_999, "should not be quoted"),
        ("\\" * 9_999, "expected"),
        ("name = '" + "\\'" * 4_900, "no end"),
        ("name = " + "1" * 9_000, "write the value in quotes"),
        ("metrics." + "a" * 9_900, "ends where"),
        ("a " * 4_900, "expected"),
    ],
)
def test_what_is_too_much_is_refused_at_once(text, words):
    """A filter is a stranger's program; none may keep a worker busy."""
    parse("metrics.loss < 1")  # the grammar is built once
    began = time.thread_time()  # of the processor: others may keep it busy

    with pytest.raises(InvalidFilter, match=words):
        parse(text)

    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    "text",
    [
        LONGEST,
        "(" * 30 + "metrics.a=1" + ")" * 30,
        "not " * 30 + "metrics.a=1",
        " or ".join(["metrics.a=1"] * 100),
        f"params.a in ({','.join('1' * 500)})",
        " and ".join(["(not(params.a in (" + ",".join("1" * 20) + ")))"] * 80),
    ],
)
def test_what_is_just_allowed_is_read_quickly(text):
    parse("metrics.loss < 1")
    began = time.thread_time()  # of the processor: others may keep it busy

    assert parse(text)

    assert time.thread_time() - began < 0.5


def test_threads_may_read_filters_at_once():
    texts = ["(" * depth + f"metrics.a={depth}" + ")" * depth for depth in range(30)]
    wrong = []

    def read():
        wrong.extend(text for depth, text in enumerate(texts) if parse(text) != Compare(Metric("a"), "=", depth))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
