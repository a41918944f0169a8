"""`lineal profile`: what Parquet and CSV files hold, as a table to read or as a profile to keep."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineal._errors import InvalidProfile
from lineal.cli.exits import CommandFailed, usage_error
from lineal.cli.output import Column, Output, print_json, say, write_file
from lineal.cli.text import clean

if TYPE_CHECKING:
    from lineal._profiles.columns import ColumnProfile
    from lineal._profiles.document import Profile
    from lineal._profiles.reference import Reference

SUFFIX = ".lineal-profile"


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES…")
@click.option("--reference", metavar="FILE", help="Count over its cells: a reference (JSON), or a profile.")
@click.option("--privacy", type=click.Choice(["standard", "strict"]), default="standard", show_default=True)
@click.option("--key-file", metavar="FILE", help="The hashing key: 16 bytes, or 32 hex digits.")
@click.option("--predictions", metavar="COLUMN", help="The column of predictions.")
@click.option("--labels", metavar="COLUMN", help="The column of labels.")
@click.option("--out", metavar="FILE", help="Keep the profile there; `-` is stdout.")
@click.option("--url", hidden=True, help="Not used: nothing is sent.")
@click.option("--json", "as_json", is_flag=True, help="Print the profile's document as JSON.")
def profile(
    files: Sequence[str],
    *,
    reference: str | None,
    privacy: str,
    key_file: str | None,
    predictions: str | None,
    labels: str | None,
    out: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Say what files of rows hold, without their rows.

    FILES are Parquet or CSV files, folders of them, or addresses (s3://…); all of them make one profile. Profiles that were kept
    (*.lineal-profile) are shown, several of them merged. Nothing is sent anywhere.
    """
    if out == "-" and as_json:
        raise usage_error("--out - and --json: only one of them can have stdout")
    key = read_key(key_file) if key_file else None
    options: dict[str, Any] = {"privacy": privacy, "predictions": predictions, "labels": labels, "key": key}
    if all(file.endswith(SUFFIX) for file in files):
        found = reduce(lambda one, two: one.merge(two), map(_kept, files))
    else:
        found = _made(files, options | {"reference": _read_reference(reference, key) if reference else None})
    _write(found, out, as_json=as_json)


def _write(found: "Profile", out: str | None, *, as_json: bool) -> None:
    if out == "-":
        sys.stdout.buffer.write(found.to_bytes())
        return
    if out is not None:
        write_file(Path(out), found.to_bytes())
        say(f"kept in {out}")
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)


def _kept(file: str) -> "Profile":
    from lineal._profiles.document import Profile

    try:
        return Profile.from_bytes(Path(file).read_bytes())
    except InvalidProfile as error:
        raise CommandFailed(f"{file}: {error}") from error


def read_key(file: str) -> bytes:
    """The 16 bytes of a hashing key. Raises a usage error."""
    content = Path(file).read_bytes()
    if len(content) == 16:
        return content
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 16:
        raise usage_error(f"--key-file {file}: 16 bytes or 32 hex digits are expected")
    return key


def _read_reference(file: str, key: bytes | None) -> "Reference":
    """A reference, or that of a profile."""
    from lineal._profiles.document import Profile
    from lineal._profiles.envelope import FAMILY, parse
    from lineal._profiles.reference import Reference

    content = Path(file).read_bytes()
    try:
        if content.startswith(FAMILY):
            return Profile.from_bytes(content).reference(key)
        return Reference.from_json(parse(content))
    except (InvalidProfile, ValueError) as error:
        raise CommandFailed(f"--reference {file}: {error}") from error


def _made(files: Sequence[str], options: Mapping[str, Any]) -> "Profile":
    from lineal._profiles.making import profile as make_profile

    try:
        with _progress(files) as on_rows:
            return make_profile(list(files), on_rows=on_rows, **options)
    except (ImportError, TypeError, ValueError) as error:
        raise CommandFailed(str(error)) from error


@contextmanager
def _progress(files: Sequence[str]) -> Iterator[Callable[[int], object] | None]:
    """A bar of rows on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from lineal._profiles.files import find_files
    from lineal._profiles.sources import FileSource

    columns = ("rows", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rows", total=FileSource(find_files(files)).rows)
        yield lambda rows: bar.advance(task, rows)


def _print(found: "Profile") -> None:
    rows = [_row(name, column) for name, column in found.columns.items()]
    strict = found.privacy == "strict"
    columns = [each for each in _COLUMNS if not strict or each[0] not in _VALUES]
    Output(as_json=False).listing(rows, columns, empty="no columns")
    say(f"{found.rows:,} rows, {len(found.columns)} columns" + (", strict: no values" if strict else ""))
    if found.performance is not None:
        say(_quality(found.performance.to_json()))


_QUARTILES = ("25%", "50%", "75%")
_VALUES = ("min", *_QUARTILES, "max", "most frequent")
_COLUMNS: list[Column] = [
    (heading, itemgetter(heading)) for heading in ("column", "type", "missing", "distinct", "mean", *_VALUES)
]


def _row(name: str, column: "ColumnProfile") -> dict[str, object]:
    quartiles = column.kll.quantiles(4) if column.kll is not None and column.kll.n else [None] * 3
    missing = f"{100 * column.missing / column.n:.3g}%" if column.n and column.missing else None
    return {
        "column": name,
        "type": column.type if column.role == "feature" else f"{column.type} ({column.role})",
        "missing": missing,
        "distinct": column.distinct,
        "mean": _shown(column.type, column.mean),
        "min": _shown(column.type, column.min),
        "max": _shown(column.type, column.max),
        **{heading: _shown(column.type, value) for heading, value in zip(_QUARTILES, quartiles, strict=True)},
        "most frequent": _frequent(column),
    }


def _shown(kind: str, value: float | None) -> str | None:
    """A value of a column as its type is read: times as dates, durations in seconds."""
    if value is None:
        return None
    if kind in ("ts", "ts_utc", "date"):
        import numpy as np

        count, unit = (value, "D") if kind == "date" else (value / 1e9, "s")
        return str(np.int64(round(count)).astype(f"datetime64[{unit}]")) + ("Z" if kind == "ts_utc" else "")
    if kind in ("time", "dur"):
        return f"{value / 1e9:.6g}s"
    return f"{value:.5g}"


def _frequent(column: "ColumnProfile") -> str | None:
    """Of texts and bools, the most frequent with their shares."""
    if column.values is None or column.family not in ("text", "bool") or not column.present:
        return None
    items = column.values.items[:3]
    named = [(value if isinstance(value, str) else str(bool(value)).lower(), count) for value, count in items]
    return ", ".join(f"{clean(name)[:20]} {100 * count / column.present:.3g}%" for name, count in named) or None


def _quality(performance: Mapping[str, Any]) -> str:
    labelled, predicted = performance["labelled"], performance["predicted"]
    known = f"{labelled:,} of {predicted:,} predictions have labels"
    if not labelled:
        return known
    if performance["kind"] == "regression":
        return f"{known}: mean absolute error {performance['absolute'] / labelled:.6g}"
    hits = sum(row[place] for place, row in enumerate(performance["confusion"]))
    return f"{known}: accuracy {hits / labelled:.6g}"
