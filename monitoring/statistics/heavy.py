"""scipy's distributions and tests, imported where something is judged: they take 70 MB, which only workers need."""

from typing import Any


def stats() -> Any:
    """The module `scipy.stats`."""
    import scipy.stats  # noqa: PLC0415 - see above

    return scipy.stats


def optimize() -> Any:
    """The module `scipy.optimize`."""
    import scipy.optimize  # noqa: PLC0415 - see above

    return scipy.optimize


def special() -> Any:
    """The module `scipy.special`."""
    import scipy.special  # noqa: PLC0415 - see above

    return scipy.special
