"""Notebooks, where a cell is run again before the runs that it had started were ended: those end then, as killed."""

import logging
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

    from lineal._run import Run

logger = logging.getLogger("lineal")

WAIT_S = 5.0  # for the server; what is left then is in the spool

# How kernels name the file of a cell: ipykernel by a hash of its text in a folder of its own, IPython and Colab by number and hash.
_CELLS = re.compile(r".*[\\/]ipykernel_\d+[\\/](\d+)\.py|<ipython-input-\d+-(\w+)>")


class _Execution(NamedTuple):
    """Which cell runs, and its turn: the number in the brackets beside it."""

    cell: str
    turn: int


class _Begun(NamedTuple):
    turn: int
    run: "Run"


_begun: dict[str, list[_Begun]] = {}  # by cell, what it began and has not ended


def begin(run: "Run") -> None:
    """`run` was started; what an earlier turn of the same cell began has had its time. One turn may begin many."""
    now = _execution()
    if now is None:
        return
    open_ones = [each for each in _begun.get(now.cell, []) if each.run.is_open]
    _begun[now.cell] = [each for each in open_ones if each.turn == now.turn] + [_Begun(now.turn, run)]
    for former in [each.run for each in open_ones if each.turn != now.turn]:
        logger.warning("run %s is ended as killed, because its cell began run %s in its place", former.id, run.id)
        former.finish("killed", timeout_s=WAIT_S)


def _execution() -> _Execution | None:
    """The cell that is being run; None outside of notebooks, and in threads, which outlive the cell that began them."""
    if "ipykernel" not in sys.modules:
        return None
    cell = _cell(sys._getframe())  # noqa: SLF001 - what inspect.currentframe() returns too, without importing inspect
    turn = getattr(_shell(), "execution_count", None)
    return _Execution(cell, turn) if cell is not None and isinstance(turn, int) else None


def _cell(frame: "FrameType | None") -> str | None:
    """The hash of the cell at the bottom of the stack: a function of another cell, or of a module, only helps it."""
    found = None
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            match = _CELLS.fullmatch(frame.f_code.co_filename)
            found = (match[1] or match[2]) if match else found
        frame = frame.f_back
    return found


def _shell() -> object:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
