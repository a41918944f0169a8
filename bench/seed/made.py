"""What run number n is: the same on every machine, so that an oracle knows a store without reading it.

Values are spread evenly and in no order of age: the fractions of n times a root of a prime. A quarter of the numbers is
rounded, so that ties are common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from math import sqrt
from uuid import UUID

from tracking.values import Scalar

START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
APART = timedelta(seconds=90)  # one run begins after the other
POINTS = 5  # of each metric

METRICS = ("loss", "auc", "accuracy", "f1", *(f"val/m{number:02}" for number in range(4, 20)))
PARAMS = (
    "lr",
    "opt",
    "batch_size",
    "depth",
    "dropout",
    "seed",
    "family",
    *(f"p{number:02}" for number in range(7, 20)),
)
TAGS = ("team", "owner", "stage", "ticket", "note")

EXPERIMENTS = (
    "churn",
    "churn",
    "churn",
    "churn",
    "churn",
    "churn",
    "fraud",
    "fraud",
    "fraud",
    "uplift",
)  # six tenths …
OPTIMISERS = ("adam", "adamw", "sgd", "lamb")
FAMILIES = ("boosting", "forest", "linear")
TEAMS = ("risk", "growth", "pricing", "support", "ops", "ads", "core")
STAGES = ("draft", "candidate", "final")
WORDS = ("sweep", "baseline", "retry", "larger", "smaller", "warm start", "after review", "new labels")
DATASETS = 200  # versions of the training data
HOLDOUTS = 12
RUNS_A_COMMIT = 500
REPOSITORY = "https://git.example.org/churn.git"

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
           109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197)  # fmt: skip
_ROOTS = tuple(sqrt(prime) for prime in _PRIMES)
_OF_METRICS, _OF_PARAMS, _OF_TAGS = 0, 20, 40


@dataclass(frozen=True)
class Use:
    """A dataset version that a run read."""

    name: str
    digest: str
    context: str


@dataclass(frozen=True)
class MadeRun:
    number: int

    @property
    def uuid(self) -> UUID:
        millis = int(self.started_at.timestamp() * 1_000)
        return UUID(int=millis << 80 | 0x7 << 76 | 0b10 << 62 | self.number * 0x9E3779B97F4A7C15 % 2**62)

    @property
    def name(self) -> str:
        return f"run-{self.number:06}"

    @property
    def experiment(self) -> str:
        return self._one_of(EXPERIMENTS, 44)

    @property
    def status(self) -> str:
        return "failed" if self.number % 20 == 7 else "killed" if self.number % 50 == 9 else "finished"

    @property
    def started_at(self) -> datetime:
        return START + APART * self.number

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(minutes=1 + self.number % 180)

    @property
    def host(self) -> str:
        return f"gpu-{int(8 * self._share(43))}"

    @property
    def user(self) -> str:
        return f"user{self.number % 23:02}"

    @property
    def branch(self) -> str:
        return "main" if self.number % 3 else f"topic-{self.number % 60:02}"

    @property
    def commit(self) -> str:
        return sha256(f"commit {self.number // RUNS_A_COMMIT}".encode()).hexdigest()[:40]

    @cached_property
    def metrics(self) -> Mapping[str, Sequence[float]]:
        """The values of steps 0, 1, 2 …; they fall towards the last."""
        return {key: self._history(at) for at, key in enumerate(METRICS)}

    @cached_property
    def params(self) -> Mapping[str, Scalar]:
        number = self.number
        named: dict[str, Scalar] = {
            "lr": round(10 ** (-5 + 4 * self._share(_OF_PARAMS)), 8),
            "opt": self._one_of(OPTIMISERS, _OF_PARAMS + 1),
            "batch_size": 16 << int(5 * self._share(_OF_PARAMS + 2)),
            "depth": 1 + int(12 * self._share(_OF_PARAMS + 3)),
            "dropout": round(self._share(_OF_PARAMS + 4), 2),
            "seed": number,
            "family": self._one_of(FAMILIES, _OF_PARAMS + 6),
        }
        for at in range(len(named), len(PARAMS)):
            share = self._share(_OF_PARAMS + at)
            named[PARAMS[at]] = f"choice {int(30 * share)}" if at % 3 == 0 else round(share * 100, 4)
        return named

    @cached_property
    def tags(self) -> Mapping[str, str]:
        return {
            "team": self._one_of(TEAMS, _OF_TAGS),
            "owner": f"person{int(40 * self._share(_OF_TAGS + 1)):02}",
            "stage": self._one_of(STAGES, _OF_TAGS + 2),
            "ticket": f"T-{self.number:06}",
            "note": f"{self._one_of(WORDS, _OF_TAGS + 3)} {self.number % 977}",
        }

    @cached_property
    def inputs(self) -> Sequence[Use]:
        train = Use("train", digest_of("train", self.number // 3 % DATASETS), "train")
        if self.number % 10:
            return (train,)
        return (train, Use("holdout", digest_of("holdout", self.number // 10 % HOLDOUTS), "test"))

    def _history(self, at: int) -> list[float]:
        last = self._share(_OF_METRICS + at)
        last = round(last, 2) if at % 4 == 3 else last
        return [last + (POINTS - 1 - step) / 8 for step in range(POINTS)]

    def _share(self, at: int) -> float:
        return (self.number + 1) * _ROOTS[at] % 1.0

    def _one_of(self, words: Sequence[str], at: int) -> str:
        return words[int(len(words) * self._share(at))]


def digest_of(dataset: str, number: int) -> str:
    return f"sha256:{sha256(f'{dataset} {number}'.encode()).hexdigest()}"
