"""Notebooks, where a cell is run again before the run that it had started was ended: that one ends then, as killed."""

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineal._run import Run

logger = logging.getLogger("lineal")

WAIT_S = 5.0  # for the server; what is left then is in the spool
_begun: dict[str, "Run"] = {}  # by the place in a cell


def begin(run: "Run") -> None:
    """`run` was started; whatever was started by the same line of the same cell has had its time."""
    place = _place()
    if place is None:
        return
    former, _begun[place] = _begun.get(place), run
    if former is not None and former.is_open:
        logger.warning("run %s is ended as killed, because its cell began run %s in its place", former.id, run.id)
        former.finish("killed", timeout_s=WAIT_S)


def _place() -> str | None:
    """The line that called into this package; None outside of notebooks. A kernel names a cell's file by what is in the cell."""
    if "ipykernel" not in sys.modules:
        return None
    frame = sys._getframe()  # noqa: SLF001 - what inspect.currentframe() returns too, without importing inspect
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lineal."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
