"""What a test answers."""

from typing import NamedTuple


class Outcome(NamedTuple):
    """`p_value`: how often pure chance gives a statistic at least as large, in [0, 1]."""

    statistic: float
    p_value: float
