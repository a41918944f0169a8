"""A small store of runs that is also kept in plain Python, and filters read naively over it: what SQL is held against."""

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cmp_to_key
from uuid import UUID, uuid5

from hypothesis import strategies as st

from tracking.limits import SEARCH_PATTERN
from tracking.metrics import codec
from tracking.metrics.points import Points, make_points
from tracking.metrics.summary import Summary, summarise
from tracking.models import (
    Batch,
    Chunk,
    Dataset,
    DatasetVersion,
    EnvironmentLock,
    Experiment,
    Param,
    Run,
    RunInput,
    Series,
    Tag,
)
from tracking.search import ast
from tracking.values import spell

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = UUID(int=1)

NUMBERS = [0.0, -0.0, 0.5, 1 / 3, 5e-324, 1.0, -1.0, 2.5, 3.0, 1e300, math.inf, -math.inf]
LONG = "ä" * 199
TEXTS = [
    "",
    "a",
    "A",
    "b",
    "aB",
    "ä",
    "Ä",
    "ß",
    "0.5",
    "1",
    "1e0",
    "true",
    "%",
    "_",
    "a%b",
    "a_b",
    "\\",
    "*?[a]",
    "^.$]",
]
TEXTS += ["it's", 'say "hi"', "two\nlines", "ZZ", "z", "日本", "😀", LONG, LONG + "x", LONG + "xy", LONG + "xz"]
KEYS = ["loss", "val/loss", "my key", "count", 'quo"te', "and", "x@1"]
MOMENTS = [START + timedelta(milliseconds=step) for step in (0, 1, 1000, 86_400_000)]
IDS = [uuid5(ALICE, str(number)) for number in range(40)]


@dataclass
class Row:
    """One run. Params hold scalars as they were logged, metrics lists of values."""

    attributes: dict
    metrics: dict[str, list[float]] = field(default_factory=dict)
    params: dict = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[tuple] = field(default_factory=list)
    pk: int = 0

    def points(self, key: str) -> Points:
        values = self.metrics[key]
        return make_points(range(len(values)), [0] * len(values), values)

    def summary(self, key: str) -> Summary | None:
        return summarise(self.points(key)) if key in self.metrics else None


def random_rows(seed: int, count: int = 24) -> list[Row]:
    """Runs with much in common, so that ties and gaps are the rule."""
    rng = random.Random(seed)

    def some(make, keys=KEYS, share=0.5):
        return {key: make() for key in keys if rng.random() < share}

    def scalar():
        return rng.choice([*NUMBERS, *TEXTS, 1, 10**400, True, False, None, math.nan])

    def row(number):
        return Row(
            attributes={
                "id": IDS[number],
                "name": rng.choice(TEXTS[1:]),
                "description": rng.choice(["", "", "long " * 60 + "a", "long " * 60 + "b"]),
                "status": rng.choice(Run.Status.values),
                "created_at": rng.choice(MOMENTS),
                "ended_at": rng.choice([None, *MOMENTS]),
                "created_by": rng.choice(["alice", "bob"]),
                "parent": IDS[rng.randrange(number)] if number and rng.random() < 0.4 else None,
                "host": rng.choice(["", "node-1", "Node-1"]),
                "code.commit": rng.choice(["", "c0ffee"]),
                "code.dirty": rng.choice([None, True, False]),
                "environment": rng.choice([None, "sha256:1", "sha256:2"]),
                "sealed": rng.choice([True, False]),
                "experiment": rng.choice(["churn", "Fraud"]),
            },
            metrics=some(lambda: [rng.choice([*NUMBERS, math.nan]) for _ in range(rng.randrange(1, 4))]),
            params=some(scalar),
            tags=some(lambda: rng.choice(TEXTS)),
            datasets=sorted(
                {
                    (rng.choice(["d1", "D1"]), rng.choice([None, "sha256:a", "sha256:b"]), rng.choice(["", "train"]))
                    for _ in range(rng.choice([0, 0, 1, 2]))
                },
                key=str,
            ),
        )

    return [row(number) for number in range(count)]


def save(project, rows: list[Row]) -> list[Row]:
    """Store the rows and note their primary keys in them."""
    for row in rows:
        run = _save_run(project, row)
        row.pk = run.pk
        common = {"run": run, "experiment": run.experiment}
        for key in row.metrics:
            summary = row.summary(key)
            Series.objects.create(**common, key=key, **{name: getattr(summary, name) for name in Summary._fields})
        _save_points(run, row)
        for key, scalar in row.params.items():
            value = spell(scalar)
            Param.objects.create(
                **common, key=key, value=value.text, head=value.head, kind=value.kind, number=value.number
            )
        for key, text in row.tags.items():
            Tag.objects.create(**common, key=key, value=text, head=text[:200])
        for mention in row.datasets:
            RunInput.objects.create(run=run, version=_version(project, *mention[:2]), context=mention[2])
    return rows


def _save_points(run: Run, row: Row) -> None:
    """Metrics of even length as chunks, the others still in a batch, as a worker leaves them half way."""
    waiting = [(key, row.points(key)) for key, values in row.metrics.items() if len(values) % 2]
    if waiting:
        Batch.objects.create(run=run, points=sum(len(points) for _, points in waiting), payload=codec.pack(waiting))
    for key, values in row.metrics.items():
        if len(values) % 2 == 0:
            Chunk.objects.create(
                run=run,
                key=key,
                count=len(values),
                first_step=0,
                last_step=len(values) - 1,
                payload=codec.encode(row.points(key)),
                outline=codec.encode(row.points(key)),
            )


def _save_run(project, row: Row) -> Run:
    given = dict(row.attributes)
    experiment, _ = Experiment.objects.get_or_create(
        project=project, name=given.pop("experiment", "churn"), defaults={"created_by": "alice"}
    )
    environment = given.pop("environment", None)
    if environment:
        environment, _ = EnvironmentLock.objects.get_or_create(project=project, digest=environment)
    parent = given.pop("parent", None)
    given["uuid"] = given.pop("id")
    return Run.objects.create(
        project=project,
        experiment=experiment,
        environment=environment,
        parent=Run.objects.get(project=project, uuid=parent) if parent else None,
        created_by_id=ALICE,
        **{name.replace(".", "_"): value for name, value in given.items()},
    )


def _version(project, name: str, digest: str | None) -> DatasetVersion:
    dataset, _ = Dataset.objects.get_or_create(project=project, name=name)
    version, _ = DatasetVersion.objects.get_or_create(
        dataset=dataset,
        identity=str(digest),
        defaults={"digest": digest, "kind": "file", "strength": "declared", "created_by": "alice"},
    )
    return version


# --- the naive reading -------------------------------------------------------------------------------------------


def passes(expr, row: Row) -> bool:
    """The meaning of a filter, said once more without SQL."""
    match expr:
        case ast.AllOf(parts):
            return all(passes(part, row) for part in parts)
        case ast.AnyOf(parts):
            return any(passes(part, row) for part in parts)
        case ast.Not(part):
            return not passes(part, row)
        case ast.Missing(asked, negated):
            return is_present(asked, row) == negated
        case ast.IsNan(ast.MetricAt() as asked, negated):
            return [math.isnan(value) != negated for value in at_step(asked, row)] == [True]
        case ast.IsNan(asked, negated):
            summary = row.summary(asked.key)
            return summary is not None and (summary.last is None) != negated
    numeric = isinstance(getattr(expr, "value", getattr(expr, "low", (getattr(expr, "values", None) or [0])[0])), float)
    if isinstance(expr, ast.Like):
        numeric = False
    return any(holds(expr, value) for value in values_of(expr.field, row, numeric=numeric))


def is_present(asked, row: Row) -> bool:
    if isinstance(asked, ast.Metric):
        return asked.key in row.metrics
    if isinstance(asked, ast.MetricAt):
        return bool(at_step(asked, row))
    return bool(values_of(asked, row, numeric=False))


def at_step(asked: ast.MetricAt, row: Row) -> list[float]:
    values = row.metrics.get(asked.key, [])
    return [values[asked.step]] if 0 <= asked.step < len(values) else []


def values_of(asked, row: Row, *, numeric: bool) -> list:
    """What there is to compare."""
    match asked:
        case ast.Metric(key, column):
            summary = row.summary(key)
            found = [] if summary is None else [getattr(summary, column)]
        case ast.MetricAt():
            found = [value for value in at_step(asked, row) if not math.isnan(value)]
        case ast.Param(key):
            value = spell(row.params[key]) if key in row.params else None
            found = [] if value is None else [value.number if numeric else value.text]
        case ast.Tag(key):
            return [row.tags[key]] if key in row.tags else []
        case ast.Dataset(column):
            place = ("name", "digest", "context").index(column)
            return [mention[place] for mention in row.datasets if mention[place]]
        case ast.Attribute(name):
            found = [row.attributes[name]]
            if name in {"description", "host", "code.commit"}:
                found = [value for value in found if value != ""]
    return [value for value in found if value is not None]


def holds(expr, value) -> bool:
    match expr:
        case ast.Compare(_, operator, other):
            return {
                "=": value == other,
                "!=": value != other,
                "<": value < other if operator == "<" else None,
                "<=": value <= other if operator == "<=" else None,
                ">": value > other if operator == ">" else None,
                ">=": value >= other if operator == ">=" else None,
            }[operator]
        case ast.Among(_, others, negated):
            return (value in others) != negated
        case ast.Between(_, low, high, negated):
            return (low <= value <= high) != negated
        case ast.Like(_, pattern, ignore_case, negated):
            return is_like(pattern_parts(pattern), value, ignore_case) != negated
    raise TypeError(expr)


def pattern_parts(pattern: str) -> list[tuple[str, bool]]:
    parts, at = [], 0
    while at < len(pattern):
        escaped = pattern[at] == "\\" and pattern[at + 1 : at + 2] in {"%", "_", "\\"} and at + 1 < len(pattern)
        parts.append((pattern[at + 1], False) if escaped else (pattern[at], pattern[at] in "%_"))
        at += 2 if escaped else 1
    return parts


def is_like(parts: list[tuple[str, bool]], text: str, ignore_case: bool) -> bool:
    """By the set of places in the text that may have been reached, a part at a time."""
    places = {0}
    for character, is_wild in parts:
        if is_wild and character == "%":
            places = set(range(min(places), len(text) + 1)) if places else places
        else:
            places = {
                place + 1
                for place in places
                if place < len(text) and (is_wild or _same(character, text[place], ignore_case))
            }
    return len(text) in places


def _same(asked: str, found: str, ignore_case: bool) -> bool:
    return asked == found or (ignore_case and found in {asked.lower(), asked.upper(), asked.title()})


def ordered(rows: list[Row], terms) -> list[Row]:
    """Rows by the terms of an order: the missing last, and equals newest first."""

    def compare(one: Row, other: Row) -> int:
        for term in terms:
            left, right = rank(term.field, one), rank(term.field, other)
            if left != right:
                missing_last = left[0] != right[0]
                less = left < right
                return (-1 if less else 1) * (1 if missing_last or not term.descending else -1)
        return other.pk - one.pk

    return sorted(rows, key=cmp_to_key(compare))


def rank(asked, row: Row) -> tuple:
    """(0 number, 1 text, 2 missing) and the value."""
    if isinstance(asked, ast.Param) and asked.key in row.params:
        value = spell(row.params[asked.key])
        return (0, value.number) if value.number is not None else (1, value.text[:200])
    values = values_of(asked, row, numeric=True)
    if not values:
        return (2, 0)
    return (1, values[0][:200]) if isinstance(values[0], str) else (0, values[0])


# --- filters to try ----------------------------------------------------------------------------------------------

metrics = st.builds(ast.Metric, st.sampled_from(KEYS), st.sampled_from(["last", "min", "max", "count"]))
at_steps = st.builds(ast.MetricAt, st.sampled_from(KEYS[:2]), st.integers(-1, 2))
params = st.builds(ast.Param, st.sampled_from(KEYS))
tags = st.builds(ast.Tag, st.sampled_from(KEYS))
datasets = st.builds(ast.Dataset, st.sampled_from(["name", "digest", "context"]))
texts_of_runs = st.sampled_from(
    ["name", "description", "host", "code.commit", "experiment", "environment", "created_by"]
)
text_attributes = st.builds(ast.Attribute, texts_of_runs)
times = st.builds(ast.Attribute, st.sampled_from(["created_at", "ended_at"]))

numbers = st.sampled_from(NUMBERS) | st.floats(-4, 4, allow_nan=False, width=16)
texts = st.sampled_from([*TEXTS, "alice", "Fraud", "node-1", "sha256:a", "sha256:1", "D1", "train", "long " * 60 + "a"])
patterns = st.lists(
    st.sampled_from([*"aAbBäÄßzZ01%%__\\*?[]^.$-\n'\"e", "long", "sha", "日", "ä" * 90]), max_size=5
).map(lambda parts: "".join(parts)[:SEARCH_PATTERN])  # a longer one is refused, which other tests claim


def asked_of(fields, literals, *, ordering=True):
    """Comparisons of those fields with those literals."""
    operators = ["=", "!=", "<", "<=", ">", ">="] if ordering else ["=", "!="]
    compare = st.builds(ast.Compare, fields, st.sampled_from(operators), literals)
    among = st.builds(ast.Among, fields, st.lists(literals, min_size=1, max_size=4).map(tuple), st.booleans())
    between = st.builds(ast.Between, fields, literals, literals, st.booleans())
    return compare | among | between if ordering else compare | among


comparisons = st.one_of(
    asked_of(metrics | params, numbers),
    asked_of(at_steps, numbers),
    asked_of(params | tags | datasets | text_attributes, texts),
    asked_of(times, st.sampled_from(MOMENTS)),
    asked_of(st.builds(ast.Attribute, st.sampled_from(["id", "parent"])), st.sampled_from(IDS), ordering=False),
    asked_of(st.just(ast.Attribute("status")), st.sampled_from(Run.Status.values), ordering=False),
    asked_of(st.builds(ast.Attribute, st.sampled_from(["sealed", "code.dirty"])), st.booleans(), ordering=False),
    st.builds(ast.Like, params | tags | datasets | text_attributes, patterns, st.booleans(), st.booleans()),
    st.builds(ast.Missing, metrics | at_steps | params | tags | datasets | text_attributes | times, st.booleans()),
    st.builds(ast.IsNan, st.builds(ast.Metric, st.sampled_from(KEYS)) | at_steps, st.booleans()),
)


def _combined(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(ast.Not, parts) | st.builds(ast.AllOf, several) | st.builds(ast.AnyOf, several)


filters = st.recursive(comparisons, _combined, max_leaves=6)
orders = st.lists(
    st.builds(ast.Term, metrics | params | tags | text_attributes | times
              | st.builds(ast.Attribute, st.sampled_from(["id", "parent", "sealed", "code.dirty", "status"])), st.booleans()),
    max_size=3,
).map(tuple)  # fmt: skip


# --- and how they are written ------------------------------------------------------------------------------------


def written(expr) -> str:
    """Text that parses to exactly this tree."""
    match expr:
        case ast.AllOf(parts):
            return " AND ".join(_grouped(part) for part in parts)
        case ast.AnyOf(parts):
            return " or ".join(_grouped(part) for part in parts)
        case ast.Not(part):
            return f"NOT {_grouped(part)}"
        case ast.Compare(asked, operator, value):
            return f"{written_field(asked)} {operator} {literal(value)}"
        case ast.Among(asked, values, negated):
            return f"{written_field(asked)} {_not(negated)}IN ({', '.join(map(literal, values))})"
        case ast.Between(asked, low, high, negated):
            return f"{written_field(asked)} {_not(negated)}between {literal(low)} AND {literal(high)}"
        case ast.Like(asked, pattern, ignore_case, negated):
            return f"{written_field(asked)} {_not(negated)}{'ILIKE' if ignore_case else 'like'} {literal(pattern)}"
        case ast.Missing(asked, negated):
            return f"{written_field(asked)} IS {_not(negated)}NULL"
        case ast.IsNan(asked, negated):
            return f"{written_field(asked)} is {_not(negated)}NaN"
    raise TypeError(expr)


def written_field(asked) -> str:
    match asked:
        case ast.Metric(key, "last"):
            return f"metrics.{_key(key)}"
        case ast.MetricAt(key, step):
            return f"metrics.{_key(key)}@{step}"
        case ast.Metric(key, column):
            return f"{column}(metric.{_key(key)})"
        case ast.Param(key):
            return f"params.{_key(key)}"
        case ast.Tag(key):
            return f"tags.{_key(key)}"
        case ast.Dataset(column):
            return f"datasets.{column}"
        case ast.Attribute(name):
            return f"attributes.{name}" if len(name) % 2 else name
    raise TypeError(asked)


def written_term(term: ast.Term) -> str:
    return f"{written_field(term.field)} {'DESC' if term.descending else 'asc NULLS LAST'}"


def literal(value) -> str:
    match value:
        case bool():
            return str(value)
        case float():
            return repr(value)
        case datetime():
            milliseconds = (value - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
            return f"'{value.isoformat()}'" if value.second else repr(milliseconds)
        case UUID():
            return f"'{value.hex}'"
    quote = '"' if "'" in value else "'"
    return quote + value.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def _key(key: str) -> str:
    if key.isalnum():
        return key
    return f"`{key}`" if "`" not in key else '"' + key.replace('"', '\\"') + '"'


def _not(negated: bool) -> str:
    return "NOT " if negated else ""


def _grouped(expr) -> str:
    compound = isinstance(expr, ast.AllOf | ast.AnyOf | ast.Not)
    return f"({written(expr)})" if compound else written(expr)
