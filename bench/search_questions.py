"""What the search scenario asks, and the answers that plain Python gives over the made-up runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.seed.made import (
    DATASETS,
    EXPERIMENTS,
    HOLDOUTS,
    METRICS,
    OPTIMISERS,
    STAGES,
    TEAMS,
    WORDS,
    MadeRun,
    digest_of,
)

PAGE = 100
KEPT = ("params.lr", "params.opt", "params.depth", "params.p08", "tags.team", "tags.stage", "tags.note")
OWN = ("experiment", "host", "status")
Column = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """One request's body, and the same over columns: which runs pass, and by what they are sorted.

    `keys` are columns with their direction; equals come newest first. `pages` are read by following `next_cursor`.
    """

    body: Mapping[str, Any]
    passes: Callable[[], Mask]
    keys: Sequence[tuple[str, int]] = ()
    offset: int = 0
    pages: int = 1


class Oracle:
    """The runs of numbers below `count`, as columns. The largest takes some seconds to make, and then gives smaller ones."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.columns: dict[str, Column] = {}
        self._users: dict[str, list[int]] = {}
        found: dict[str, list[Any]] = {name: [] for name in (*KEPT, *OWN, *(f"metrics.{key}" for key in METRICS))}
        for number in range(count):
            self._add(MadeRun(number), found)
        self.columns = {name: np.array(values) for name, values in found.items()}

    def of_the_first(self, count: int) -> Oracle:
        """The same for a smaller store."""
        smaller = copy(self)
        smaller.count = count
        smaller.columns = {name: values[:count] for name, values in self.columns.items()}
        return smaller

    def users(self, digest: str) -> Mask:
        """Runs that read that dataset."""
        mask = np.zeros(self.count, bool)
        numbers = np.array(self._users.get(digest, ()), int)
        mask[numbers[numbers < self.count]] = True
        return mask

    def _add(self, run: MadeRun, found: dict[str, list[Any]]) -> None:
        for key, values in run.metrics.items():
            found[f"metrics.{key}"].append(values[-1])
        for name in KEPT:
            kind, _, key = name.partition(".")
            found[name].append((run.params if kind == "params" else run.tags)[key])
        for name in OWN:
            found[name].append(getattr(run, name))
        for use in run.inputs:
            self._users.setdefault(use.digest, []).append(run.number)

    def names(self, question: Question) -> list[str]:
        """Of the runs on the page that the question ends at."""
        numbers = np.flatnonzero(question.passes())
        columns = [-numbers, *(direction * self.columns[name][numbers] for name, direction in reversed(question.keys))]
        first = question.offset + PAGE * (question.pages - 1)
        return [MadeRun(int(number)).name for number in numbers[np.lexsort(columns)][first : first + PAGE]]


@dataclass
class Kind:
    """A kind of question; `ask` draws another one each time, so that no answer is found in a cache."""

    name: str
    ask: Callable[[Oracle, random.Random], Question]
    p50_ms: float = 0
    p95_ms: float = 0
    times: int = 60


def _metric_and_param(oracle: Oracle, chance: random.Random) -> Question:
    least, opt, by = round(chance.uniform(0.3, 0.8), 3), chance.choice(OPTIMISERS), chance.choice(METRICS)
    auc, opts = oracle.columns["metrics.auc"], oracle.columns["params.opt"]
    body = {"filter": f"metrics.auc > {least} AND params.opt = '{opt}'", "order_by": [f"metrics.`{by}`"]}
    return Question(body, lambda: (auc > least) & (opts == opt), [(f"metrics.{by}", 1)])


def _in_one_experiment(oracle: Oracle, chance: random.Random) -> Question:
    inner, place = _metric_and_param(oracle, chance), chance.choice(sorted(set(EXPERIMENTS)))
    experiments = oracle.columns["experiment"]
    body = {**inner.body, "experiments": [place]}
    return Question(body, lambda: (experiments == place) & inner.passes(), inner.keys)


def _rare(oracle: Oracle, chance: random.Random) -> Question:
    """Both comparisons pass many, and both together hardly any."""
    least, low, by = round(chance.uniform(0.985, 0.995), 4), chance.randint(1, 12), chance.choice(METRICS)
    auc, depth = oracle.columns["metrics.auc"], oracle.columns["params.depth"]
    body = {"filter": f"metrics.auc > {least} AND params.depth = {low}", "order_by": [f"metrics.`{by}` DESC"]}
    return Question(body, lambda: (auc > least) & (depth == low), [(f"metrics.{by}", -1)])


def _nothing_asked(oracle: Oracle, chance: random.Random) -> Question:
    return Question({}, lambda: np.ones(oracle.count, bool))


def _tags(oracle: Oracle, chance: random.Random) -> Question:
    team, stage = chance.choice(TEAMS), chance.choice(STAGES)
    teams, stages = oracle.columns["tags.team"], oracle.columns["tags.stage"]
    body = {"filter": f"tags.team = '{team}' AND tags.stage != '{stage}'", "order_by": ["metrics.f1 DESC"]}
    return Question(body, lambda: (teams == team) & (stages != stage), [("metrics.f1", -1)])


def _attributes(oracle: Oracle, chance: random.Random) -> Question:
    host, status = f"gpu-{chance.randrange(8)}", chance.choice(["failed", "finished"])
    hosts, states = oracle.columns["host"], oracle.columns["status"]
    body = {"filter": f"host = '{host}' AND status = '{status}'", "order_by": ["metrics.loss"]}
    return Question(body, lambda: (hosts == host) & (states == status), [("metrics.loss", 1)])


def _dataset(oracle: Oracle, chance: random.Random) -> Question:
    name, most = chance.choice([("train", DATASETS), ("holdout", HOLDOUTS)])
    digest = digest_of(name, chance.randrange(most))
    body = {"filter": f"datasets.digest = '{digest}'", "order_by": ["metrics.loss"]}
    return Question(body, lambda: oracle.users(digest), [("metrics.loss", 1)])


def _by_param(oracle: Oracle, chance: random.Random) -> Question:
    least = round(10 ** chance.uniform(-4.5, -1.5), 6)
    rates, loss = oracle.columns["params.lr"], oracle.columns["metrics.loss"]
    body = {"filter": f"params.lr > {least} AND metrics.loss < 0.5", "order_by": ["params.p08 DESC"]}
    return Question(body, lambda: (rates > least) & (loss < 0.5), [("params.p08", -1)])


def _by_two(oracle: Oracle, chance: random.Random) -> Question:
    team, teams = chance.choice(TEAMS), oracle.columns["tags.team"]
    body = {"filter": f"tags.team = '{team}'", "order_by": ["metrics.f1", "params.depth DESC"]}
    return Question(body, lambda: teams == team, [("metrics.f1", 1), ("params.depth", -1)])


def _either(oracle: Oracle, chance: random.Random) -> Question:
    most, opt = round(chance.uniform(0.05, 0.2), 3), chance.choice(OPTIMISERS)
    loss, opts = oracle.columns["metrics.loss"], oracle.columns["params.opt"]
    body = {"filter": f"metrics.loss < {most} OR NOT params.opt = '{opt}'", "order_by": ["metrics.auc DESC"]}
    return Question(body, lambda: (loss < most) | (opts != opt), [("metrics.auc", -1)])


def _pattern(oracle: Oracle, chance: random.Random) -> Question:
    word = chance.choice(WORDS)
    notes = oracle.columns["tags.note"]
    return Question(
        {"filter": f"tags.note LIKE '{word}%'", "order_by": ["metrics.loss"]},
        lambda: np.char.startswith(notes, word),
        [("metrics.loss", 1)],
    )


def _tenth_page(oracle: Oracle, chance: random.Random) -> Question:
    inner = _metric_and_param(oracle, chance)
    return Question(inner.body, inner.passes, inner.keys, pages=10)


def _jump(oracle: Oracle, chance: random.Random) -> Question:
    inner, offset = _metric_and_param(oracle, chance), chance.randrange(1_000, 3_000)
    return Question({**inner.body, "offset": offset}, inner.passes, inner.keys, offset=offset)


KINDS = (
    Kind("metric and param, by a metric", _metric_and_param, 15, 30, times=120),
    Kind("first page without a filter", _nothing_asked, 12, 25, times=120),
    Kind("metric and param, one experiment", _in_one_experiment, 15, 30),
    Kind("two that few runs pass together", _rare, 15, 30),
    Kind("tags, by a metric", _tags, 15, 30),
    Kind("attributes, by a metric", _attributes, 15, 30),
    Kind("dataset by digest, by a metric", _dataset, 15, 30),
    Kind("param and metric, by a param", _by_param, 15, 30),
    Kind("tag, by a metric and a param", _by_two, 15, 30),
    Kind("OR and NOT, by a metric", _either, 15, 30),
    Kind("LIKE on a tag, by a metric", _pattern, 15, 30),
    Kind("tenth page by its cursor", _tenth_page, 15, 30, times=20),
    Kind("jump over some thousand runs", _jump, 0, 0, times=30),
)
