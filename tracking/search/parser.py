"""From text to tree: `parse` reads a filter, `parse_order` an order. Neither touches the database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError
from lark.lark import PostLex

from tracking.limits import SEARCH_COMPARISONS, SEARCH_DEPTH, SEARCH_LENGTH, SEARCH_LIST, SEARCH_ORDER, SEARCH_PATTERN
from tracking.search.ast import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Compare,
    Dataset,
    Expr,
    Field,
    IsNan,
    Like,
    Metric,
    MetricAt,
    Missing,
    Not,
    Operator,
    Term,
    Value,
)
from tracking.search.errors import InvalidFilter, InvalidOrder
from tracking.search.fields import Unacceptable, field_of, is_ordered, takes_patterns, unquote, value_for
from tracking.values import has_control

SPELLINGS = {"==": "=", "<>": "!="}
MIRRORED: dict[str, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}  # 1 < x is x > 1; = and != are themselves
EXPECTED = {  # what a reader may make of the grammar's terminals; in this order
    "a name such as metrics.loss": {"NAME"},
    "a comparison (=, !=, <, <=, >, >=, IN, LIKE, ILIKE, BETWEEN, IS)": {"COMPARATOR"},
    "NULL or NAN": {"_NULL"},
    "a number or quoted text": {"NUMBER"},
    "quoted text": {"TEXT"},
    "IN, LIKE, ILIKE or BETWEEN": {"_IN"},
    "AND": {"_AND"},
    "OR": {"_OR"},
    "ASC or DESC": {"DIRECTION"},
    "NULLS LAST": {"_NULLS"},
    "LAST": {"PLACE"},
    "'('": {"_OPEN"},
    "','": {"_COMMA"},
    "')'": {"_CLOSE"},
    "the end": {"$END"},
}
FOREIGN: dict[type[InvalidFilter], set[str]] = {  # the two languages share states of the parser, not what may follow
    InvalidFilter: {"DIRECTION", "_NULLS"},
    InvalidOrder: {"COMPARATOR", "_IN", "LIKE", "_BETWEEN", "_IS", "NOT"},
}


def parse(text: str) -> Expr:
    """The tree of a filter; blank text is the filter that every run passes.

    Linear in `len(text)`: about 0.2 ms for a usual filter, under 50 ms for the longest allowed.

    Raises:
        InvalidFilter: it cannot be understood, or is larger than the limits allow.
    """
    return cast("Expr", _read("filter", text, InvalidFilter)) if text.strip() else AllOf()


def expected_after(text: str) -> set[str]:
    """Names of the grammar's terminals that may follow the beginning of a filter; none where it cannot be one."""
    interactive = _grammar().parse_interactive(text, start="filter")
    try:
        interactive.exhaust_lexer()
    except (UnexpectedToken, UnexpectedCharacters, _TooLarge):
        return set()
    accepted: set[str] = interactive.accepts()  # type: ignore[no-untyped-call]  # lark types it by its docstring alone
    return accepted - FOREIGN[InvalidFilter]


def parse_order(texts: Iterable[str]) -> tuple[Term, ...]:
    """The keys of an order, each text holding one or several. Raises InvalidOrder."""
    terms: list[Term] = []
    for text in texts:
        terms += cast("list[Term]", _read("order", text, InvalidOrder))
    if len(terms) > SEARCH_ORDER:
        raise InvalidOrder(f"An order has at most {SEARCH_ORDER} keys; this one has {len(terms)}.")
    return tuple(terms)


def _read(start: str, text: str, refusal: type[InvalidFilter]) -> Any:
    try:
        return _parsed(start, text, refusal)
    except InvalidFilter as exc:
        exc.show_in(text)
        raise


def _parsed(start: str, text: str, refusal: type[InvalidFilter]) -> Any:
    _check_text(text, refusal)
    try:
        return _Builder(refusal).transform(_grammar().parse(text, start=start))
    except (UnexpectedToken, UnexpectedCharacters) as exc:
        raise _explained(exc, text, refusal) from exc
    except _TooLarge as exc:
        raise refusal(exc.detail, position=exc.position) from exc
    except VisitError as exc:
        raise exc.orig_exc from exc


def _check_text(text: str, refusal: type[InvalidFilter]) -> None:
    if len(text) > SEARCH_LENGTH:
        raise refusal(f"The {refusal.field} has {len(text):,} characters; at most {SEARCH_LENGTH:,} are read.")
    for position, character in enumerate(text, start=1):
        if not character.isprintable() and not character.isspace() and has_control(character):
            raise refusal(f"the character U+{ord(character):04X} cannot stand here.", position=position)


class _TooLarge(Exception):
    def __init__(self, detail: str, token: Token) -> None:
        super().__init__(detail)
        self.detail = detail
        self.position = (token.start_pos or 0) + 1


class _Limits(PostLex):
    """Watches the tokens go by, so that something huge is refused before there is a tree of it."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        groups: list[int] = []  # for each open parenthesis, how much deeper it leads: NOTs before it, and itself
        nots = comparisons = values = 0
        for token in stream:
            nots = nots + 1 if token.type == "NOT" else 0 if token.type != "_OPEN" else nots
            if token.type == "_OPEN":
                groups.append(nots + 1)
                nots = values = 0
            elif token.type == "_CLOSE" and groups:
                groups.pop()
            elif token.type in {"COMPARATOR", "_IN", "LIKE", "_BETWEEN", "_IS"}:
                comparisons += 1
            elif token.type in {"NUMBER", "TEXT", "BOOLEAN"}:
                values += 1
            if sum(groups) + nots > SEARCH_DEPTH:
                raise _TooLarge(f"parentheses and NOTs go more than {SEARCH_DEPTH} deep.", token)
            if comparisons > SEARCH_COMPARISONS:
                raise _TooLarge(f"there are more than {SEARCH_COMPARISONS} comparisons.", token)
            if values > SEARCH_LIST:
                raise _TooLarge(f"there are more than {SEARCH_LIST} values in one list.", token)
            yield token


@cache
def _grammar() -> Lark:
    """Built at first use, in some 30 ms."""
    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        start=["filter", "order"],
        postlex=_Limits(),
        maybe_placeholders=True,
    )


class _Builder(Transformer[Token, Any]):
    """One method per rule of the grammar. Checks what grammar cannot: names, and that values suit them."""

    def __init__(self, refusal: type[InvalidFilter]) -> None:
        super().__init__()
        self.refusal = refusal

    def filter(self, parts: list[Expr]) -> Expr:
        return parts[0]

    def any_of(self, parts: list[Expr]) -> Expr:
        return AnyOf(tuple(parts))

    def all_of(self, parts: list[Expr]) -> Expr:
        return AllOf(tuple(parts))

    def negated(self, parts: list[Any]) -> Expr:
        return Not(parts[1])

    def compare(self, parts: list[Any]) -> Expr:
        field, sign, token = parts
        operator = cast("Operator", SPELLINGS.get(sign, str(sign)))
        if operator not in {"=", "!="}:
            self._need_order(field, token, str(sign))
        return Compare(field, operator, self._value(field, token))

    def chained(self, parts: list[Any]) -> Expr:
        """`0.1 < metrics.loss <= 0.5`, and `0.1 < metrics.loss` alone."""
        low, first, field, second, high = parts
        operator = SPELLINGS.get(first, str(first))
        left = self.compare([field, Token("COMPARATOR", MIRRORED.get(operator, operator)), low])
        if second is None:
            return left
        if {first[0], second[0]} not in ({"<"}, {">"}) or {str(first), str(second)} & {"<>"}:
            raise self._refused(second, "a range is written with < and <= alone, or with > and >= alone.")
        if isinstance(field, Dataset):
            raise self._refused(second, "a run may have many datasets; write BETWEEN to ask for one in a range.")
        self._alike(field, [low, high])
        return AllOf((left, self.compare([field, second, high])))

    def among(self, parts: list[Any]) -> Expr:
        field, negation, *tokens = parts
        return Among(field, self._alike(field, tokens), negation is not None)

    def like(self, parts: list[Any]) -> Expr:
        field, negation, word, token = parts
        if not takes_patterns(field):
            raise self._refused(token, f"{word.upper()} compares text, which this is not.")
        pattern = unquote(token)
        if len(pattern) > SEARCH_PATTERN:
            raise self._refused(token, f"a pattern has at most {SEARCH_PATTERN} characters.")
        return Like(field, pattern, word.lower() == "ilike", negation is not None)

    def between(self, parts: list[Any]) -> Expr:
        field, negation, low, high = parts
        self._need_order(field, low, "BETWEEN")
        lowest, highest = self._alike(field, [low, high])
        return Between(field, lowest, highest, negation is not None)

    def missing(self, parts: list[Any]) -> Expr:
        return Missing(parts[0], parts[1] is not None)

    def nan(self, parts: list[Any]) -> Expr:
        field, negation, token = parts
        if not isinstance(field, MetricAt) and (not isinstance(field, Metric) or field.column != "last"):
            raise self._refused(token, "only the last value of a metric can be NaN; write metrics.<key> IS NAN.")
        return IsNan(field, negation is not None)

    def field(self, parts: list[Token]) -> Field:
        try:
            return field_of(parts[-1], parts[0] if len(parts) == 2 else None)
        except Unacceptable as exc:
            raise self._refused(parts[0], str(exc)) from exc

    def order(self, parts: list[Term]) -> list[Term]:
        return parts

    def term(self, parts: list[Any]) -> Term:
        field, direction, place = parts
        if place is not None and place.lower() == "first":
            raise self._refused(place, "runs without a value always come last.")
        if isinstance(field, Dataset):
            raise self.refusal("A run may have many datasets, so runs cannot be ordered by them.")
        if isinstance(field, MetricAt):
            raise self.refusal("Runs cannot be ordered by the value at one step; min, max and last are kept in order.")
        return Term(field, direction is not None and direction.lower() == "desc")

    def _value(self, field: Field, token: Token) -> Value:
        try:
            return value_for(field, _literal(token))
        except Unacceptable as exc:
            raise self._refused(token, str(exc)) from exc

    def _alike(self, field: Field, tokens: Sequence[Token]) -> tuple[Value, ...]:
        values = tuple(self._value(field, token) for token in tokens)
        for token, value in zip(tokens, values, strict=True):
            if type(value) is not type(values[0]):
                raise self._refused(token, "numbers and text cannot be mixed here.")
        return values

    def _need_order(self, field: Field, token: Token, sign: str) -> None:
        if not is_ordered(field) or token.type == "BOOLEAN":
            raise self._refused(token, f"{sign} has no meaning here; use =, != or IN.")

    def _refused(self, token: Token, detail: str) -> InvalidFilter:
        return self.refusal(detail, position=(token.start_pos or 0) + 1)


def _literal(token: Token) -> float | str | bool:
    if token.type == "NUMBER":
        return float(token)
    return token.lower() == "true" if token.type == "BOOLEAN" else unquote(token)


def _explained(exc: UnexpectedToken | UnexpectedCharacters, text: str, refusal: type[InvalidFilter]) -> InvalidFilter:
    if isinstance(exc, UnexpectedToken):
        at_end = exc.token.type == "$END"
        position, allowed = len(text) if at_end else exc.token.start_pos or 0, set(exc.accepts or exc.expected)
    else:
        position, allowed = exc.pos_in_stream or 0, set(exc.allowed or ())
    expected = _in_words(allowed - FOREIGN[refusal])
    if text[position:].strip() == "":
        return refusal(f"it ends where {expected} should follow.", position=len(text) + 1)
    quote = re.match(r"\.?[`\"']", text[position:])
    if quote:
        return refusal("what is quoted here has no end, or should not be quoted.", position=position + len(quote[0]))
    return refusal(f"found {_found(text[position:])}, expected {expected}.", position=position + 1)


def _in_words(allowed: set[str]) -> str:
    """A comparison and a value each say all that may follow, so they are said alone."""
    words = [phrase for phrase, terminals in EXPECTED.items() if terminals & allowed]
    if allowed & {"COMPARATOR", "NUMBER"}:
        return words[0]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _found(rest: str) -> str:
    word = re.match(r"\w[\w.]*|\S", rest)
    return f"'{word[0][:40]}'" if word else "nothing"
