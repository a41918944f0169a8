"""Real columns, what may happen to them, and profiles of them as production sends them: in parts, as bytes, read by the server's code."""

from collections.abc import Callable, Mapping
from functools import cache, reduce
from itertools import pairwise
from typing import Any

import lineal
import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from monitoring.profiles import Profile, merge, read_profile

Column = NDArray[np.float64]
Columns = Mapping[str, Column]

PARTS = 20
MANY = 64  # above so many distinct values a column counts as numbers, below as categories

SHIFTS: Mapping[str, Callable[[Column], Column]] = {
    "none": lambda x: x,
    "+0.1 sd": lambda x: x + 0.1 * x.std(),
    "+0.5 sd": lambda x: x + 0.5 * x.std(),
    "× 1.3": lambda x: x * 1.3,
    "an eighth into the tail": lambda x: np.where(np.arange(len(x)) % 8 == 0, x.mean() + 3 * x.std(), x),
    "rounded": lambda x: np.round(x / (x.std() or 1.0)) * x.std(),
}


@cache
def real_sets() -> Mapping[str, Columns]:
    """The data sets that scikit-learn brings along; columns of more than two values."""
    loads = {
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer,
        "diabetes": datasets.load_diabetes,
        "digits": datasets.load_digits,
        "linnerud": datasets.load_linnerud,
    }
    return {
        name: {
            f"{name}{at}": column.astype(np.float64)
            for at, column in enumerate(load().data.T)
            if len(np.unique(column)) > 2
        }
        for name, load in loads.items()
    }


@cache
def real_numbers() -> Columns:
    """Columns of more than 64 distinct values, of all sets."""
    everything = {name: column for columns in real_sets().values() for name, column in columns.items()}
    return {name: column for name, column in everything.items() if len(np.unique(column)) > MANY}


def resampled(columns: Columns, rows: int, rng: np.random.Generator, *, shift_sd: float = 0.0) -> dict[str, Column]:
    """So many rows of each, drawn anew: from the same distribution, moved by so many standard deviations."""
    return {name: rng.choice(column, rows) + shift_sd * column.std() for name, column in columns.items()}


def profiled(columns: Columns, reference: Any = None, *, parts: int = 1) -> Profile:
    """As the server has it, after as many parts as that were merged there."""
    rows = len(next(iter(columns.values())))
    cuts = np.linspace(0, rows, parts + 1).astype(int)
    pieces = ({name: column[start:end] for name, column in columns.items()} for start, end in pairwise(cuts))
    return reduce(merge, (read_profile(lineal.profile(piece, reference).to_bytes()) for piece in pieces))
