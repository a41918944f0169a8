"""`lineal sync`: what earlier jobs could not deliver, sent now."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lineal.cli.exits import ExitCode, leave
from lineal.cli.output import Column, Output, say

if TYPE_CHECKING:
    from lineal._sync import SyncReport


def _note(row: Mapping[str, Any]) -> str:
    lost = f"{row['missing']} records were lost to damage on disk" if row["missing"] else ""
    refused = f"{len(row['refused'])} refused" if row["refused"] else ""
    unrecorded = f"{row['unrecorded']} values could not be recorded" if row["unrecorded"] else ""
    return "; ".join(part for part in (row["detail"], lost, unrecorded, refused) if part)


_COLUMNS: list[Column] = [
    ("run or monitor", lambda row: row["run"] or row["monitor"]),
    ("project", lambda row: row["project"]),
    ("server", lambda row: row["server"] or "the configured one"),
    ("state", lambda row: row["state"]),
    ("batches", lambda row: row["batches"]),
    ("files", lambda row: row["files"]),
    ("profiles", lambda row: row["parts"]),
    ("note", _note),
]


@click.command()
@click.option(
    "--spool-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the spool; LINEAL_SPOOL_DIR."
)
@click.option("--url", metavar="URL", help="Server of runs that were logged without any; others go where they belong.")
@click.option(
    "--recreate",
    is_flag=True,
    help="Begin runs anew that their server does not know, as after a restore from an older backup. Brings deleted ones back, too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def sync(spool_dir: Path | None, *, url: str | None, recreate: bool, as_json: bool) -> None:
    """Send what earlier jobs could not deliver. Each record arrives exactly once; jobs that still run send their own.

    Exit codes: 0 nothing is left behind, 40 a server does not answer, 1 something was refused, damaged or lost.
    """
    from lineal._sync import sync as deliver

    if url is not None:
        os.environ["LINEAL_URL"] = url
    report = deliver(spool_dir, recreate=recreate)
    rows = [{**asdict(stream), "ok": stream.state == "sent"} for stream in report.streams]
    Output(as_json=as_json).listing(rows, _COLUMNS, empty="nothing is waiting")
    for row in rows:
        for sentence in row["refused"]:
            whose = f"run {row['run']}" if row["run"] else f"monitor {row['monitor']}"
            say(f"{whose}: refused: {sentence}")
    leave(_code(report))


def _code(report: "SyncReport") -> ExitCode:
    if report.ok:
        return ExitCode.OK
    troubled = [each for each in report.streams if each.state != "living" and (each.state != "sent" or _has_loss(each))]
    if all(each.state == "unreachable" and not _has_loss(each) for each in troubled):
        return ExitCode.UNREACHABLE
    return ExitCode.FAILED


def _has_loss(stream: Any) -> bool:
    return bool(stream.refused or stream.missing)
