"""A graph of a million nodes as some years of training leave it, and the same walks over it in memory."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

RUNS = 300_000
COMMITS = 199_000
ENVIRONMENTS = 1_000
DATASETS_BROUGHT = 60_000  # from outside, beside those that runs make
HUBS = 20  # datasets that everybody reads
SEED = 20261126
RECENT = 5_000  # of which datasets and models are taken: nobody reads what is years old

SHARE_WITH_MODEL, SHARE_WITH_DATASET = 0.5, 0.2  # of runs
DATASETS_READ = (1, 1, 1, 1, 1, 1, 1, 2, 2, 2)  # by a run: 1.3
SHARE_OF_HUBS = 0.036  # of what is read: some 700 runs for each
DEPLOYMENTS, EVALUATIONS = 0.67, 0.87  # for each model


@dataclass
class MadeUp:
    """Node n is of kind `kinds[n]`; edges are (src, dst, kind), in the order in which they came to be."""

    kinds: list[str] = field(default_factory=list)
    edges: list[tuple[int, int, str]] = field(default_factory=list)
    hubs: list[int] = field(default_factory=list)

    def add(self, kind: str) -> int:
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def join(self, src: int, dst: int, kind: str) -> None:
        self.edges.append((src, dst, kind))

    def of_kind(self, kind: str) -> list[int]:
        return [node for node, its in enumerate(self.kinds) if its == kind]


def made_up() -> MadeUp:
    """The same graph every time."""
    graph, chance = MadeUp(), random.Random(SEED)
    commits = [graph.add("code_commit") for _ in range(COMMITS // 100)]
    environments = [graph.add("environment") for _ in range(ENVIRONMENTS)]
    graph.hubs = [graph.add("dataset_version") for _ in range(HUBS)]
    datasets = [graph.add("dataset_version") for _ in range(100)]
    models: list[int] = []
    for number in range(RUNS):
        if number * COMMITS // RUNS > len(commits):
            commits.append(graph.add("code_commit"))
        if number * DATASETS_BROUGHT // RUNS > len(datasets) - 100 - number * SHARE_WITH_DATASET:
            datasets.append(graph.add("dataset_version"))
        run = graph.add("run")
        graph.join(commits[-1], run, "used")
        graph.join(environments[number * ENVIRONMENTS // RUNS], run, "used")
        _read(graph, run, datasets, chance)
        _make(graph, run, datasets, models, chance)
    return graph


def _read(graph: MadeUp, run: int, datasets: list[int], chance: random.Random) -> None:
    for _ in range(chance.choice(DATASETS_READ)):
        popular = chance.random() < SHARE_OF_HUBS
        source = chance.choice(graph.hubs) if popular else datasets[-chance.randint(1, min(RECENT, len(datasets)))]
        if (source, run, "used") not in graph.edges[-2:]:
            graph.join(source, run, "used")


def _make(graph: MadeUp, run: int, datasets: list[int], models: list[int], chance: random.Random) -> None:
    if chance.random() < SHARE_WITH_DATASET:
        datasets.append(graph.add("dataset_version"))
        graph.join(run, datasets[-1], "generated")
    if chance.random() >= SHARE_WITH_MODEL:
        return
    models.append(graph.add("model_version"))
    graph.join(run, models[-1], "generated")
    for kind, joined_as, share in (
        ("deployment", "deployed", DEPLOYMENTS),
        ("evaluation", "evaluated_by", EVALUATIONS),
    ):
        if chance.random() < share:
            graph.join(models[-chance.randint(1, min(RECENT, len(models)))], graph.add(kind), joined_as)


def neighbours(size: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(size)]
    for standing, going in pairs:
        found[standing].append(going)
    return found


def reached(next_to: Sequence[Sequence[int]], start: int) -> set[int]:
    """What the walk has to find."""
    found, waiting = {start}, [start]
    while waiting:
        for going in next_to[waiting.pop()]:
            if going not in found:
                found.add(going)
                waiting.append(going)
    return found
