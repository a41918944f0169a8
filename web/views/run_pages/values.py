"""The params and tags of a run: searched, and folded by the dots in their keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.http import HttpResponse

from accounts.models import Project
from tracking.models import Param, Run, Tag
from tracking.values import unspell
from web.values import plain
from web.views.base import PageRequest
from web.views.run_pages.frame import run_page, show_run

SHOWN_VALUES = 500  # params and tags each; a search finds the others
SHOWN_CHARACTERS = 400  # of a value before it folds


@dataclass(frozen=True, slots=True)
class Value:
    """`kind` is what a param was given as: number, text, word (true, false, null)."""

    key: str
    name: str
    text: str
    kind: str = "text"

    @property
    def is_long(self) -> bool:
        return len(self.text) > SHOWN_CHARACTERS or self.text.count("\n") > 6

    @property
    def start(self) -> str:
        return " ".join(self.text[:120].split())


@dataclass
class Branch:
    """Values below a part of a key that ends in a dot."""

    name: str
    values: list[Value] = field(default_factory=list)
    branches: dict[str, "Branch"] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.values) + sum(branch.count for branch in self.branches.values())


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the folded list: a value, or the beginning or end of a branch."""

    value: Value | None = None
    opens: Branch | None = None
    closes: bool = False


@run_page
def run_values(request: PageRequest, project: Project, run: Run) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    params, more_params = _found(Param, run, search, "kind")
    tags, more_tags = _found(Tag, run, search)
    return show_run(
        request,
        project,
        run,
        "values",
        "web/run_values.html",
        search=search,
        lists=[
            ("params", "Parameters", list(lines(_branch(_param(*row) for row in params))), len(params), more_params),
            ("tags", "Tags", list(lines(_branch(Value(key, key, value) for key, value in tags))), len(tags), more_tags),
        ],
    )


def _found(table: Any, run: Run, search: str, *more: str) -> tuple[Sequence[tuple[Any, ...]], bool]:
    """Those with `search` in key or value, whatever its case."""
    rows = table.objects.filter(run=run).order_by("key")
    if search:
        rows = rows.filter(Q(key__icontains=search) | Q(value__icontains=search))
    found = list(rows.values_list("key", "value", *more)[: SHOWN_VALUES + 1])
    return found[:SHOWN_VALUES], len(found) > SHOWN_VALUES


def _param(key: str, text: str, kind: str) -> Value:
    return Value(
        key,
        key,
        text if kind == "s" else plain(unspell(text, kind)),
        {"s": "text", "b": "word", "n": "word"}.get(kind, "number"),
    )


def _branch(values: Iterator[Value] | Sequence[Value] | Any) -> Branch:
    """A branch for each beginning that more than one key has."""
    root = Branch("")
    keyed = [(value, value.key.split(".")) for value in values]
    _grow(root, keyed, 0)
    return root


def _grow(branch: Branch, keyed: Sequence[tuple[Value, list[str]]], depth: int) -> None:
    heads: dict[str, list[tuple[Value, list[str]]]] = {}
    for value, parts in keyed:
        heads.setdefault(parts[depth] if depth < len(parts) - 1 else "", []).append((value, parts))
    for head, some in heads.items():
        if head and len(some) > 1 and depth < 8:
            child = branch.branches.setdefault(head, Branch(head))
            _grow(child, some, depth + 1)
        else:
            branch.values += [Value(v.key, ".".join(parts[depth:]), v.text, v.kind) for v, parts in some]


def lines(branch: Branch) -> Iterator[Line]:
    """The plain values first, then branch by branch, each between its beginning and its end."""
    for value in sorted(branch.values, key=lambda value: value.key):
        yield Line(value=value)
    for _, child in sorted(branch.branches.items()):
        yield Line(opens=child)
        yield from lines(child)
        yield Line(closes=True)
