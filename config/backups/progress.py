"""What people see while it works: a bar in a terminal, a line a stage elsewhere, nothing beside `--json`. All on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, Self

import click


class Progress(Protocol):
    def stage(self, words: str, total: int | None, *, in_bytes: bool = False) -> "Stage":
        """A context; `total` is what its steps add up to, where that is known."""

    def say(self, words: str) -> None: ...


class Stage(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def advance(self, steps: int) -> None: ...


class _Quiet:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def advance(self, steps: int) -> None:
        pass


class Silent:
    def stage(self, words: str, total: int | None, *, in_bytes: bool = False) -> Stage:
        return _Quiet()

    def say(self, words: str) -> None:
        pass


class Lines:
    """For logs of cron and Kubernetes."""

    def stage(self, words: str, total: int | None, *, in_bytes: bool = False) -> Stage:
        click.echo(f"{words} …", err=True)
        return _Quiet()

    def say(self, words: str) -> None:
        click.echo(words, err=True)


class Bars:
    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - only in a terminal

        self._console = Console(stderr=True)

    def stage(self, words: str, total: int | None, *, in_bytes: bool = False) -> Stage:
        return _Bar(self._console, words, total, in_bytes=in_bytes)

    def say(self, words: str) -> None:
        click.echo(words, err=True)


class _Bar:
    def __init__(self, console: object, words: str, total: int | None, *, in_bytes: bool) -> None:
        from rich.progress import (  # noqa: PLC0415 - only in a terminal
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        count = DownloadColumn() if in_bytes else MofNCompleteColumn()
        columns = [TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn()]
        self._bar = Progress(*columns, console=console)  # type: ignore[arg-type]  # a Console, which only rich can name
        self._task = self._bar.add_task(words, total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, steps: int) -> None:
        self._bar.advance(self._task, steps)


@contextmanager
def shown(*, as_json: bool) -> Iterator[Progress]:
    yield Silent() if as_json else Bars() if sys.stderr.isatty() else Lines()
