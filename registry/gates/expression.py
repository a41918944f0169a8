"""The language of metric gates: `auc >= champion.auc - 0.002 and max(latency_ms) < 40`. Pure: no model, no database.

A name is the last value of a metric of the version's run; `champion.name` is the current holder's. `min(loss)`,
`max(loss)` and `last(loss)` of one metric look at its whole history; `min` and `max` of several values compare them.
A name with other characters stands in backquotes: champion.`val/auc`. Nothing here can loop, call or look around.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

MAX_LENGTH = 500  # characters; more than that belongs in two gates
MAX_DEPTH = 50  # parts within parts, far below what the interpreter can recurse

GRAMMAR = r"""
?start: either
?either: both | either "or" both
?both: inverted | both "and" inverted
?inverted: comparison | "not" inverted -> negation
?comparison: sum | sum COMPARES sum
?sum: product | sum ADDS product -> arithmetic
?product: signed | product MULTIPLIES signed -> arithmetic
?signed: atom | "-" signed -> minus
?atom: NUMBER -> number
    | NAME "(" either ("," either)* ")" -> call
    | metric
    | "(" either ")"
metric: NAME | QUOTED | CHAMPION "." QUOTED
COMPARES: ">=" | "<=" | "==" | "!=" | ">" | "<"
ADDS: "+" | "-"
MULTIPLIES: "*" | "/"
CHAMPION: "champion"
NAME: /[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*/
QUOTED: /`[^`\n]{1,250}`/
NUMBER: /[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?/
%ignore /[ \t\n]+/
"""

CHAMPION = "champion."
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
HISTORY = ("last", "min", "max")


class BadExpression(ValueError):
    """Not an expression of this language; the message says where and why."""


class MissingMetric(LookupError):
    """A metric that the expression needs was not logged."""

    def __init__(self, metric: "Metric") -> None:
        super().__init__(str(metric))
        self.metric = metric


class NotComputable(ArithmeticError):
    """All metrics are there and the result is none: a division by zero, or a number beyond floats."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of one run: `statistic` is last, min or max of the metric's history."""

    key: str
    of_champion: bool
    statistic: str = "last"

    def __str__(self) -> str:
        name = f"{CHAMPION if self.of_champion else ''}{self.key}"
        return name if self.statistic == "last" else f"{self.statistic}({name})"


Lookup = Callable[[Metric], float]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression. `is_test` tells a yes or no from a number."""

    is_test: bool
    compute: Callable[[Lookup], Any]
    metrics: tuple[Metric, ...] = ()
    metric: Metric | None = None  # where the part is nothing but a metric
    sides: "tuple[Node, Node] | None" = None  # of a comparison
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """`observed` and `limit` are the two sides where the whole is one comparison; else all metrics used, and None."""

    passed: bool
    observed: Any
    limit: float | None


@dataclass(frozen=True, slots=True)
class Expression:
    text: str
    root: Node

    @property
    def needs_champion(self) -> bool:
        return any(metric.of_champion for metric in self.root.metrics)

    def judge(self, lookup: Lookup) -> Verdict:
        """Every metric is looked up, so a missing one is never hidden behind an `or`.

        Raises:
            MissingMetric: from `lookup`.
            NotComputable: there is no such number.
        """
        values = {str(metric): lookup(metric) for metric in self.root.metrics}
        passed = bool(self.root.compute(lookup))
        if self.root.sides is None:
            return Verdict(passed, values, None)
        left, right = (side.compute(lookup) for side in self.root.sides)
        return Verdict(passed, left, right)


def parse(text: str) -> Expression:
    """The expression in `text`.

    Raises:
        BadExpression: it is too long, not of the language, or not a yes-or-no question.
    """
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"An expression has at most {MAX_LENGTH} characters, and this one has {len(text)}.")
    try:
        root = cast("Node", _parser.parse(text))  # the transformer below makes nodes, no tree
    except UnexpectedInput as exc:
        raise BadExpression(_where(text, exc)) from exc
    if not root.is_test:
        raise BadExpression(f"{text!r} is a number. A gate asks a question, as in 'auc >= 0.9'.")
    return Expression(text=text, root=root)


def _where(text: str, exc: UnexpectedInput) -> str:
    position = exc.pos_in_stream or 0
    if isinstance(exc, UnexpectedToken) and exc.token.type == "$END":
        return f"{text!r} ends too early."
    return f"Not understood from character {position + 1} on: {text[position : position + 20]!r}."


class _Build(Transformer):
    """Makes nodes while the parser goes, so nothing recurses over a deep tree. Refuses mixtures of numbers and tests."""

    @v_args(inline=True)
    def number(self, token: Token) -> Node:
        value = float(token)
        return Node(False, lambda _: value)

    def metric(self, tokens: Sequence[Token]) -> Node:
        text = "".join(tokens[:-1]) + "." * (len(tokens) - 1) + str(tokens[-1]).strip("`")
        quoted_alone = len(tokens) == 1 and tokens[0].type == "QUOTED"
        of_champion = text.startswith(CHAMPION) and not quoted_alone
        return _metric_node(Metric(text.removeprefix(CHAMPION) if of_champion else text, of_champion))

    def call(self, children: Sequence[Any]) -> Node:
        name, arguments = str(children[0]), list(children[1:])
        only = arguments[0].metric if len(arguments) == 1 else None
        if name in HISTORY and only is not None and only.statistic == "last":
            return _metric_node(Metric(only.key, only.of_champion, name))
        if name == "abs" and len(arguments) == 1:
            return _numeric(arguments, lambda values: abs(values[0]))
        if name in ("min", "max") and len(arguments) > 1:
            return _numeric(arguments, min if name == "min" else max)
        raise BadExpression(f"{name}() of {len(arguments)} values is not known; known are min, max, last and abs.")

    @v_args(inline=True)
    def minus(self, value: Node) -> Node:
        return _numeric([value], lambda values: -values[0])

    @v_args(inline=True)
    def arithmetic(self, left: Node, sign: Token, right: Node) -> Node:
        return _numeric([left, right], lambda values: _calculate(values[0], str(sign), values[1]))

    @v_args(inline=True)
    def comparison(self, left: Node, sign: Token, right: Node) -> Node:
        _numbers([left, right])
        compare = COMPARE[str(sign)]
        return Node(
            True,
            lambda lookup: compare(left.compute(lookup), right.compute(lookup)),
            metrics=(*left.metrics, *right.metrics),
            sides=(left, right),
            depth=_depth([left, right]),
        )

    @v_args(inline=True)
    def negation(self, test: Node) -> Node:
        return _tests([test], lambda values: not next(values))

    @v_args(inline=True)
    def both(self, left: Node, right: Node) -> Node:
        return _tests([left, right], all)

    @v_args(inline=True)
    def either(self, left: Node, right: Node) -> Node:
        return _tests([left, right], any)


def _metric_node(metric: Metric) -> Node:
    return Node(False, lambda lookup: lookup(metric), metrics=(metric,), metric=metric)


def _numeric(parts: Sequence[Node], combine: Callable[[list[float]], float]) -> Node:
    _numbers(parts)
    return Node(
        False,
        lambda lookup: combine([part.compute(lookup) for part in parts]),
        metrics=tuple(metric for part in parts for metric in part.metrics),
        depth=_depth(parts),
    )


def _tests(parts: Sequence[Node], combine: Callable[[Iterator[bool]], bool]) -> Node:
    if not all(part.is_test for part in parts):
        raise BadExpression("'and', 'or' and 'not' join questions, as in 'auc > 0.9 and loss < 1', not numbers.")
    return Node(
        True,
        lambda lookup: combine(part.compute(lookup) for part in parts),
        metrics=tuple(metric for part in parts for metric in part.metrics),
        depth=_depth(parts),
    )


def _numbers(parts: Sequence[Node]) -> None:
    if any(part.is_test for part in parts):
        raise BadExpression("A question is no number: it cannot be compared, added or handed to a function.")


def _depth(parts: Sequence[Node]) -> int:
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_DEPTH:
        raise BadExpression(f"An expression has at most {MAX_DEPTH} parts within parts.")
    return depth


def _calculate(left: float, sign: str, right: float) -> float:
    try:
        value = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
        value = left / right if value is None else value
    except (ZeroDivisionError, OverflowError) as exc:
        raise NotComputable(f"{left:g} {sign} {right:g} is not a number.") from exc
    if math.isinf(value) and math.isfinite(left) and math.isfinite(right):
        raise NotComputable(f"{left:g} {sign} {right:g} is beyond what a float can hold.")
    return value


_parser = Lark(GRAMMAR, parser="lalr", transformer=_Build())
