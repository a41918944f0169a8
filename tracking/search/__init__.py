"""The search language for runs: grammar, parser, order, and the one place where a user's words become SQL conditions.

`grammar.lark` says what may be written, `parser` makes the small tree of `ast` from it, `compile` makes conditions of
that tree, `order` sorts and cuts pages, and `runs` puts them together. Ask `search_runs`, `find_runs` and `count_runs`.
"""

from tracking.search.errors import InvalidFilter, InvalidOrder
from tracking.search.parser import parse, parse_order
from tracking.search.runs import Found, Page, count_runs, find_runs, search_runs

__all__ = [
    "Found",
    "InvalidFilter",
    "InvalidOrder",
    "Page",
    "count_runs",
    "find_runs",
    "parse",
    "parse_order",
    "search_runs",
]
