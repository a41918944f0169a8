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
        self._most = 0
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
        left = self._sender.unsent
        self._most = max(self._most, left)
        if time.monotonic() - self._begun_at < PATIENCE_S or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar, self._task = _new_bar()
            self._bar.start()
        done, total = self._measure(left)
        why = f" ({self._sender.why_not})" if self._sender.why_not else ""
        words = f"run {self._sender.header.run[-6:]}: {left} {'record' if left == 1 else 'records'} to send{why}"
        self._bar.update(self._task, completed=done, total=total, description=words[:100], amount=self._amount())

    def _measure(self, left: int) -> tuple[int, int]:
        """Bytes where files wait, since these take the time; records otherwise."""
        files = max(self._sender.waiting_bytes, self._sender.uploaded_bytes)
        return (self._sender.uploaded_bytes, files) if files else (self._most - left, self._most)

    def _amount(self) -> str:
        files = max(self._sender.waiting_bytes, self._sender.uploaded_bytes)
        if not files:
            return ""
        from rich.filesize import decimal

        return f"{decimal(self._sender.uploaded_bytes)} of {decimal(files)}"


def _new_bar() -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeElapsedColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    return bar, bar.add_task("", total=None, amount="")
