"""A bar on the terminal while a run's end waits for the server longer than a second. In logs and notebooks without one: nothing."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from lineal._sender import Sender

PATIENCE_S = 1.0


class Progress:
    """Used in a `with` block; `show` is called while waiting."""

    def __init__(self, sender: "Sender") -> None:
        self._sender = sender
        self._begun_at = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self) -> None:
        """Draw where things stand, once waiting has taken long enough to wonder."""
        if time.monotonic() - self._begun_at < PATIENCE_S or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar, self._task = _new_bar()
            self._bar.start()
        sender = self._sender
        total = max(sender.waiting_bytes, sender.uploaded_bytes) or None
        why = f" ({sender.why_not})" if sender.why_not else ""
        words = f"run {sender.header.run[-6:]}: {sender.unsent} records to send{why}"
        self._bar.update(self._task, completed=sender.uploaded_bytes, total=total, description=words[:100])


def _new_bar() -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    return bar, bar.add_task("", total=None)
