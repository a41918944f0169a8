"""What may follow what somebody has written of a filter so far: names, signs, values and words, as the parser expects them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from django.conf import settings

from core import replica
from core.access import ProjectRef
from core.time_limits import time_limit
from tracking.limits import SEARCH_LENGTH
from tracking.models import Dataset
from tracking.search import ast
from tracking.search.columns import spelled
from tracking.search.errors import SearchTooSlow
from tracking.search.fields import ATTRIBUTES, FUNCTIONS, KEYED, STATES, Unacceptable, field_of
from tracking.search.parser import expected_after
from tracking.selectors import keys as words

MOST = 20  # suggestions: more than fit under a box
SIGNS = ("=", "!=", "<", "<=", ">", ">=")
WORDS_AFTER_A_NAME = ("IN (", "LIKE '", "BETWEEN ", "IS NULL", "IS NOT NULL")
LOGGED: tuple[words.Logged, ...] = ("metrics", "params", "tags")

_TAIL = re.compile(r"[^\s()<>=!,'\"`]*$")
_NAME = r"[^\W\d]\w*(?:\.(?:`[^`]*`|\"(?:[^\"\\]|\\.)*\"|[\w/:.@-]+))?"
_COMPARED = re.compile(
    rf"({_NAME})\s*(?:=|==|!=|<>|<=|>=|<|>|(?:NOT\s+)?(?:LIKE|ILIKE)|(?:NOT\s+)?IN\s*\((?:[^()]*,)?)\s*$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`text` stands in for what was written from `Completion.begin` on; `kind` says what it is, for people."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Completion:
    begin: int
    items: Sequence[Suggestion] = ()


def complete(*, project: ProjectRef, text: str, experiment: str = "") -> Completion:
    """Suggestions for the end of `text`, of the keys and values of that experiment, or of the project's newest ones. At most
    four queries. What cannot be read any more is answered with none.

    Raises SearchTooSlow.
    """
    if len(text) > SEARCH_LENGTH or "\0" in text or "\0" in experiment:
        return Completion(len(text))
    with time_limit(settings.SLOW_READ_S, SearchTooSlow, using=replica.alias()):
        source = _Source(project, experiment)
        quote = _open_quote(text)
        if quote is None:
            return _of_word(text, source)
        return _of_key(text, quote, source) if text[:quote].endswith(".") else _of_value(text, quote, source)


class _Source:
    """Looks things up in the experiments in question, which are asked for once."""

    def __init__(self, project: ProjectRef, experiment: str) -> None:
        self._project, self._name = project, experiment
        self._ids: list[int] | None = None

    @property
    def experiments(self) -> list[int]:
        if self._ids is None:
            self._ids = words.recent_experiments(project=self._project, name=self._name)
        return self._ids

    def keys(self, kind: words.Logged, part: str) -> list[Suggestion]:
        found = words.known_keys(experiments=self.experiments, kind=kind, containing=part, limit=MOST)
        return [Suggestion(spelled(kind, key), kind) for key in found]

    def values(self, field: ast.Field, part: str) -> list[Suggestion]:
        return [Suggestion(quoted(value), "value") for value in self._values(field, part)]

    def _values(self, field: ast.Field, part: str) -> Iterable[str]:
        match field:
            case ast.Param(key):
                return words.known_values(
                    experiments=self.experiments, kind="params", key=key, containing=part, limit=MOST
                )
            case ast.Tag(key):
                return words.known_values(
                    experiments=self.experiments, kind="tags", key=key, containing=part, limit=MOST
                )
            case ast.Attribute(("status" | "lifecycle") as name):
                return [state for state in STATES[name] if part.lower() in state]
            case ast.Dataset("name"):
                rows = Dataset.objects.filter(project_id=self._project.id, name__icontains=part).order_by("name")
                return list(rows.values_list("name", flat=True)[:MOST])
        return []


def _of_word(text: str, source: _Source) -> Completion:
    begin = cast("re.Match[str]", _TAIL.search(text)).start()
    before, part = text[:begin], text[begin:]
    expected = expected_after(before)
    found: list[Suggestion] = []
    if "NAME" in expected:
        found += _names(part, source)
    compared = _COMPARED.search(before)
    if compared and {"TEXT", "NUMBER"} & expected and not part:
        field = _field(compared[1])
        found = source.values(field, "") if field is not None else []
    elif "COMPARATOR" in expected and before[-1:].isspace():
        found += _words((*SIGNS, *WORDS_AFTER_A_NAME), part, "comparison")
    elif {"_AND", "_OR"} & expected and before[-1:].isspace():
        found += _words(("AND ", "OR "), part, "word")
    return Completion(begin, found[:MOST])


def _names(part: str, source: _Source) -> list[Suggestion]:
    prefix, dot, rest = part.partition(".")
    if dot and prefix.lower() in KEYED:
        kind = next(logged for logged in LOGGED if logged.startswith(prefix.lower().rstrip("s")))
        return source.keys(kind, rest)
    if dot and prefix.lower() in {"datasets", "dataset"}:
        return _words(("datasets.name", "datasets.digest", "datasets.context"), f"datasets.{rest}", "datasets")
    attributes = _words(tuple(ATTRIBUTES), part, "attribute")
    if not part:
        return _words(("metrics.", "params.", "tags.", "datasets."), "", "names") + attributes
    groups = _words(("metrics.", "params.", "tags.", "datasets."), part, "names")
    functions = _words(tuple(f"{function}(metrics." for function in FUNCTIONS), part, "function")
    keys = [suggestion for kind in LOGGED for suggestion in source.keys(kind, part)[: MOST // 2]]
    return [*groups, *functions, *attributes, *keys]


def _of_key(text: str, quote: int, source: _Source) -> Completion:
    """A key that is being written in quotes: `metrics."my lo`."""
    name = re.search(r"(\w+)\.$", text[:quote])
    kind = next((logged for logged in LOGGED if name and logged.startswith(name[1].lower().rstrip("s"))), None)
    if name is None or kind is None:
        return Completion(len(text))
    return Completion(name.start(), source.keys(kind, text[quote + 1 :]))


def _of_value(text: str, quote: int, source: _Source) -> Completion:
    """A text that is being written: `params.opt = 'ad`."""
    compared = _COMPARED.search(text[:quote])
    field = _field(compared[1]) if compared else None
    return Completion(quote, source.values(field, text[quote + 1 :])) if field is not None else Completion(len(text))


def _field(name: str) -> ast.Field | None:
    try:
        return field_of(name)
    except Unacceptable:
        return None


def _words(known: Sequence[str], part: str, kind: str) -> list[Suggestion]:
    return [Suggestion(word, kind) for word in known if word.lower().startswith(part.lower())]


def quoted(value: str) -> str:
    """A text as a filter writes it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _open_quote(text: str) -> int | None:
    """Where a quote begins that has no end; None where all have."""
    opened: int | None = None
    skip = False
    for position, character in enumerate(text):
        if skip:
            skip = False
        elif opened is None:
            opened = position if character in "'\"`" else None
        elif character == "\\" and text[opened] != "`":
            skip = True
        elif character == text[opened]:
            opened = None
    return opened
