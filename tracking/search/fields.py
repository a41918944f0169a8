"""Which names may be searched, and which values each may be compared with."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from tracking.models import Run
from tracking.search.ast import Attribute, Dataset, Field, Metric, MetricAt, Param, Tag, Value
from tracking.values import problem_of_key

Kind = Literal["text", "number", "id", "time", "boolean", "status", "lifecycle"]
Absence = Literal["never", "null", "empty"]  # how a column says that there is nothing: it cannot, NULL, or ""


@dataclass(frozen=True, slots=True)
class Column:
    """Where an attribute is stored: a column of Run, or of the row that Run's column `via` points to."""

    path: str
    kind: Kind = "text"
    absence: Absence = "never"
    via: str = ""


ATTRIBUTES: dict[str, Column] = {
    "id": Column("uuid", "id"),
    "name": Column("name"),
    "description": Column("description", absence="empty"),
    "status": Column("status", "status"),
    "lifecycle": Column("lifecycle", "lifecycle"),
    "created_at": Column("created_at", "time"),
    "ended_at": Column("ended_at", "time", absence="null"),
    "created_by": Column("created_by"),
    "experiment": Column("name", via="experiment_id"),
    "experiment_id": Column("uuid", "id", via="experiment_id"),
    "parent": Column("uuid", "id", absence="null", via="parent_id"),
    "host": Column("host", absence="empty"),
    "os_user": Column("os_user", absence="empty"),
    "entry_point": Column("entry_point", absence="empty"),
    "code.repository": Column("code_repository", absence="empty"),
    "code.commit": Column("code_commit", absence="empty"),
    "code.branch": Column("code_branch", absence="empty"),
    "code.dirty": Column("code_dirty", "boolean", absence="null"),
    "environment": Column("digest", absence="null", via="environment_id"),
    "sealed": Column("sealed", "boolean"),
}

ALIASES = {
    "run_id": "id",
    "uuid": "id",
    "run_name": "name",
    "start_time": "created_at",
    "started_at": "created_at",
    "created": "created_at",
    "end_time": "ended_at",
    "user": "created_by",
    "user_id": "created_by",
    "experiment_name": "experiment",
    "parent_id": "parent",
    "parent_run_id": "parent",
}

KEYED: dict[str, type[Metric | Param | Tag]] = {
    "metrics": Metric,
    "metric": Metric,
    "params": Param,
    "param": Param,
    "tags": Tag,
    "tag": Tag,
}
DATASETS = ("dataset", "datasets")
PREFIXES = ("attributes", "attribute", "attr", "run")
FUNCTIONS = ("min", "max", "last", "count")
STATES = {"status": Run.Status.values, "lifecycle": Run.Lifecycle.values}

_ALL_NAMES = f"Attributes are {', '.join(ATTRIBUTES)}; other names begin with metrics., params., tags. or datasets."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unacceptable(Exception):
    """What is wrong with a name or a value; the parser knows where it stands."""


def field_of(name: str, function: str | None = None) -> Field:
    """The field that `name` means, `function` being min, max, last or count around it. Raises Unacceptable."""
    prefix, dot, rest = name.partition(".")
    field = _prefixed(prefix.lower(), rest) if dot else None
    field = field or Attribute(_attribute(name))
    return _applied(function.lower(), field) if function is not None else field


def kind_of(field: Field) -> Kind | None:
    """What the field is compared with; None for a param, which takes numbers and text."""
    if isinstance(field, Metric | MetricAt):
        return "number"
    if isinstance(field, Attribute):
        return ATTRIBUTES[field.name].kind
    return None if isinstance(field, Param) else "text"


def value_for(field: Field, literal: float | str | bool) -> Value:
    """`literal` as the field's column holds it. Raises Unacceptable if the two do not compare."""
    match kind_of(field):
        case None:
            return _spelled(literal)
        case "status" | "lifecycle" as kind:
            return _state(kind, _text(literal))
        case kind:
            return READERS[kind](literal)


def takes_patterns(field: Field) -> bool:
    return kind_of(field) in {None, "text"}


def is_ordered(field: Field) -> bool:
    """Whether < and > mean something for it."""
    return kind_of(field) not in {"id", "boolean", "status", "lifecycle"}


def unquote(text: str) -> str:
    """A quoted text without its quotes. `\\\\`, `\\'` and `\\"` and a doubled quote stand for one character each."""
    quote = text[0]
    pattern = r"\\([\\'\"])" + f"|{quote}({quote})"
    return re.sub(pattern, lambda match: match[1] or match[2], text[1:-1])


def _prefixed(prefix: str, rest: str) -> Field | None:
    if prefix in KEYED:
        key, step = _key_and_step(rest)
        if step is None:
            return KEYED[prefix](key)
        if KEYED[prefix] is not Metric:
            raise Unacceptable(f"only metrics have steps. If '{key}@{step}' is a key, write it in quotes.")
        return MetricAt(key, step)
    if prefix in DATASETS:
        return _dataset(_plain(rest).lower())
    return Attribute(_attribute(_plain(rest))) if prefix in PREFIXES else None


def _key_and_step(rest: str) -> tuple[str, int | None]:
    """`loss@100` is the metric `loss` at step 100; an @ in a key is written in quotes."""
    written, at, digits = rest.rpartition("@") if rest[-1:] not in '`"' else (rest, "", "")
    key = _plain(written) if at else _plain(rest)
    step = int(digits) if re.fullmatch(r"[-+]?[0-9]{1,19}", digits) else None
    if at and (step is None or not -(2**63) <= step < 2**63 or ("@" in key and key is written)):
        raise Unacceptable(f"after @ comes a step, a whole number. If '{rest}' is a key, write it in quotes.")
    problem = problem_of_key(key)
    if problem:
        raise Unacceptable(problem[0].lower() + problem[1:])
    return key, step


def _plain(rest: str) -> str:
    if rest.startswith("`"):
        return rest[1:-1]
    return unquote(rest) if rest.startswith('"') else rest


def _dataset(column: str) -> Dataset:
    match column:
        case "name" | "digest" | "context":
            return Dataset(column)
    raise Unacceptable(f"datasets have no '{column}'; they have name, digest and context.")


def _attribute(name: str) -> str:
    known = name.lower()
    known = ALIASES.get(known, known)
    if known not in ATTRIBUTES:
        raise Unacceptable(f"there is no attribute '{name}'. {_suggestion(name) or _ALL_NAMES}")
    return known


def _suggestion(name: str) -> str:
    """A question, or nothing where no name is near."""
    prefix, dot, rest = name.partition(".")
    if dot:
        near = difflib.get_close_matches(prefix.lower(), [*KEYED, *DATASETS, *PREFIXES], n=1, cutoff=0.7)
        if near:
            return f"Did you mean {near[0]}.{rest}?"
    near = difflib.get_close_matches(name.lower(), [*ATTRIBUTES, *ALIASES], n=1, cutoff=0.7)
    return f"Did you mean {near[0]}?" if near else ""


def _applied(function: str, field: Field) -> Metric:
    if function not in FUNCTIONS:
        raise Unacceptable(f"there is no function '{function}'; there are min, max, last and count.")
    if isinstance(field, MetricAt):
        raise Unacceptable(f"{function}(…) is taken of a whole metric, and {field.key}@{field.step} is one value.")
    if not isinstance(field, Metric):
        raise Unacceptable(f"{function}(…) is taken of metrics only, as in {function}(metrics.loss).")
    return Metric(field.key, function)  # type: ignore[arg-type]  # one of FUNCTIONS, which are the columns


def _spelled(literal: float | str | bool) -> float | str:
    """Params hold booleans as the words true and false."""
    return str(literal).lower() if isinstance(literal, bool) else literal


def _number(literal: float | str | bool) -> float:
    if isinstance(literal, (bool, str)):
        raise Unacceptable("metrics are numbers; compare them with a number without quotes.")
    return literal


def _text(literal: float | str | bool) -> str:
    if not isinstance(literal, str):
        raise Unacceptable("this is text; write the value in quotes.")
    return literal


def _uuid(literal: float | str | bool) -> UUID:
    text = _text(literal)
    if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text, re.IGNORECASE):
        raise Unacceptable(f"'{text[:50]}' is no id; ids have 32 hexadecimal digits.")
    return UUID(text)


def _time(literal: float | str | bool) -> datetime:
    if isinstance(literal, bool):
        raise Unacceptable("a time is written as '2026-01-31T12:00:00Z' or in milliseconds since 1970.")
    try:
        return _from_text(literal) if isinstance(literal, str) else _EPOCH + timedelta(milliseconds=literal)
    except (ValueError, OverflowError) as exc:
        raise Unacceptable(
            f"{str(literal)[:50]!r} is no time; write '2026-01-31T12:00:00Z' or milliseconds since 1970."
        ) from exc


def _from_text(text: str) -> datetime:
    """Times without a zone are UTC."""
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _boolean(literal: float | str | bool) -> bool:
    if isinstance(literal, bool):
        return literal
    if isinstance(literal, str) and literal.lower() in {"true", "false"}:
        return literal.lower() == "true"
    raise Unacceptable("this is true or false.")


READERS: dict[Kind, Callable[[float | str | bool], Value]] = {
    "text": _text,
    "number": _number,
    "id": _uuid,
    "time": _time,
    "boolean": _boolean,
}


def _state(kind: Literal["status", "lifecycle"], text: str) -> str:
    if text.lower() not in STATES[kind]:
        raise Unacceptable(f"'{text[:50]}' is no {kind}; it is one of {', '.join(STATES[kind])}.")
    return text.lower()
