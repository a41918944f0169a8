"""What metric gates can say, and what they refuse to be told."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.gates.expression import BadExpression, Metric, MissingMetric, NotComputable, parse

METRICS = {
    "auc": 0.934,
    "champion.auc": 0.931,
    "loss": 0.2,
    "min(loss)": 0.1,
    "max(champion.loss)": 0.9,
    "val/auc": 0.8,
    "champion.val/auc": 0.7,
    "eval.f1": 0.5,
    "champion.eval.f1": 0.6,
    "nan": math.nan,
    "zero": 0.0,
}


def lookup(metric):
    try:
        return METRICS[str(metric)]
    except KeyError:
        raise MissingMetric(metric) from None


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("auc >= champion.auc - 0.002", True),
        ("auc >= champion.auc + 0.01", False),
        ("auc > 0.9 and loss < 1", True),
        ("auc > 0.99 or loss < 1", True),
        ("not auc > 0.99", True),
        ("not (auc > 0.9 and loss < 1)", False),
        ("min(loss) < 0.15 and loss > 0.15", True),
        ("max(champion.loss) == 0.9", True),
        ("min(auc, loss, 3) == loss", True),
        ("max(auc, 3) == 3", True),
        ("abs(0 - loss) == loss", True),
        ("-loss < 0", True),
        ("- - loss > 0", True),
        ("loss - 0.1 - 0.1 <= 0.001", True),
        ("1 + 2 * 3 == 7", True),
        ("(1 + 2) * 3 == 9", True),
        ("8 / 2 / 2 == 2", True),
        ("`val/auc` >= champion.`val/auc`", True),
        ("eval.f1 < champion.eval.f1", True),
        ("last(auc) == auc", True),
        ("1e-3 < 2.5E2", True),
        ("nan > 0", False),
        ("nan <= 0", False),
        ("nan != nan", True),
    ],
)
def test_expressions_mean_what_they_say(text, passed):
    assert parse(text).judge(lookup).passed is passed


def test_single_comparison_tells_observed_and_limit():
    verdict = parse("auc >= champion.auc - 0.002").judge(lookup)

    assert verdict.observed == 0.934
    assert verdict.limit == pytest.approx(0.929)


def test_compound_question_tells_every_metric_it_used():
    assert parse("auc > 0.9 and min(loss) < 1").judge(lookup).observed == {"auc": 0.934, "min(loss)": 0.1}


def test_missing_metric_is_not_hidden_behind_an_or():
    """A typo in the second half must not sleep until the first half fails."""
    with pytest.raises(MissingMetric) as caught:
        parse("auc > 0 or max(typo) > 0").judge(lookup)

    assert caught.value.metric == Metric("typo", of_champion=False, statistic="max")


@pytest.mark.parametrize("text", ["auc / zero > 1", "auc * 1e308 * 1e308 > 0"])
def test_numbers_that_do_not_exist_are_no_pass(text):
    with pytest.raises(NotComputable):
        parse(text).judge(lookup)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auc",
        "auc +",
        "auc >",
        "auc > > 1",
        "1 < auc < 2",
        "(auc > 1",
        "auc > 1)",
        "auc and loss",
        "(auc > 1) + 1 > 0",
        "not auc",
        "eval(1) > 0",
        "min(auc > 1, 2) > 0",
        "min() > 1",
        "abs(auc, loss) > 1",
        "__import__('os') > 1",
        "auc.__class__.__mro__ > lambda: 1",
        "auc > 'x'",
        "auc ** 2 > 1",
        "auc > 0x10",
        "champion > 1",
        "auc > 1 # yes",
        "x" * 501 + " > 1",
    ],
)
def test_what_is_not_of_the_language_is_refused_with_a_reason(text):
    with pytest.raises(BadExpression, match=r".{10}"):
        parse(text)


def test_champion_is_known_to_be_needed():
    assert parse("auc > champion.auc").needs_champion
    assert not parse("auc > `champion.auc`").needs_champion


def test_deep_nesting_is_read_or_refused_and_never_overflows():
    assert parse("(" * 240 + "auc" + ")" * 240 + " > 0").judge(lookup).passed
    assert parse("-" * 40 + "auc > 0").judge(lookup).passed
    with pytest.raises(BadExpression, match="parts within parts"):
        parse("-" * 490 + "auc > 0")


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text):
    """Any text is an expression or a BadExpression, never another error."""
    with contextlib.suppress(BadExpression):
        parse(text)


@given(st.lists(st.sampled_from(["auc", "1", "(", ")", "+", "-", ">", "and", "not", "min", ",", "champion.", "`a b`"])))
def test_no_heap_of_tokens_breaks_the_parser(tokens):
    with contextlib.suppress(BadExpression):
        parse(" ".join(tokens)[:500])
