"""`lineal evidence`: verdicts of other tools on a model version, attached with the documents they stand on."""

from collections.abc import Mapping
from typing import IO, Any

import click

from lineal.cli.exits import ExitCode, leave
from lineal.cli.options import Caller, connected, limited
from lineal.cli.output import say
from lineal.cli.references import VersionRef, VersionRefType
from lineal.cli.server import path
from lineal.cli.text import shown_time

TOOLS = ("generic", "great_expectations", "evidently")
_CODES = {"fail": ExitCode.GATE_FAILED, "error": ExitCode.EVIDENCE_MISSING}


@click.group()
def evidence() -> None:
    """Verdicts of other tools on a model version."""


@evidence.command("add")
@click.argument("version", type=VersionRefType(), metavar="MODEL@sha256:…|MODEL/NUMBER")
@click.argument("file", type=click.File("rb"), metavar="FILE|-")
@click.option("--name", metavar="TEXT", help="What it is called; else what the document calls itself.")
@click.option("--tool", type=click.Choice(TOOLS), help="Who wrote it; else found by the document's shape.")
@click.option("--check", is_flag=True, help="Leave with 20 if the verdict is fail, with 21 if it is error.")
@connected
def add_evidence(
    caller: Caller, *, version: VersionRef, file: IO[bytes], name: str | None, tool: str | None, check: bool
) -> None:
    """Attach FILE, as the tool wrote it, to a version. The same file again is the same evidence.

    \b
    FILE is JSON of
      Great Expectations   a validation or checkpoint result
      Evidently            a snapshot, report or test suite
      any other tool       {"name": …, "verdict": "pass|fail|error", "tool": …}
    """
    where = path("models", version.model, "versions", version.version, "evidence")
    report = caller.server.post_document(where, file.read(), content_type="application/json", name=name, tool=tool)
    caller.output.done(report, f"evidence:{report['id']} {report['name']}: {report['verdict']}")
    for line in _failures(report):
        say(line)
    code = _CODES.get(report["verdict"], ExitCode.OK)
    if check and code:
        leave(code)


def _failures(report: Mapping[str, Any]) -> list[str]:
    summary = report.get("summary") or {}
    return [
        " ".join(part for part in (failure["check"], ", ".join(failure["columns"]), failure["detail"]) if part)
        for failure in summary.get("failures", [])
    ]


@evidence.command("list")
@click.argument("version", type=VersionRefType(), metavar="MODEL@sha256:…|MODEL/NUMBER")
@click.option("--name", metavar="TEXT", help="Of this name only.")
@limited
@connected
def list_evidence(caller: Caller, *, version: VersionRef, name: str | None, limit: int) -> None:
    """List the evidence on a version, newest first."""
    columns = [
        ("id", lambda row: row.get("id")),
        ("name", lambda row: row.get("name")),
        ("verdict", lambda row: row.get("verdict")),
        ("tool", lambda row: f"{row.get('tool')} {row.get('tool_version')}".strip()),
        ("failed", lambda row: (row.get("summary") or {}).get("failed")),
        ("observed", lambda row: shown_time(row.get("observed_at"))),
        ("by", lambda row: row.get("created_by")),
    ]
    where = path("models", version.model, "versions", version.version, "evidence")
    rows = caller.server.items(where, limit=limit, name=name)
    caller.output.listing(rows, columns, empty=f"no evidence on {version}")


@evidence.command("show")
@click.argument("version", type=VersionRefType(), metavar="MODEL@sha256:…|MODEL/NUMBER")
@click.argument("evidence_id", metavar="ID")
@click.option("--document", "only_document", is_flag=True, help="Print the document alone, as it was attached.")
@connected
def show_evidence(caller: Caller, *, version: VersionRef, evidence_id: str, only_document: bool) -> None:
    """Show one piece of evidence, and what failed in it."""
    report = caller.server.get(path("models", version.model, "versions", version.version, "evidence", evidence_id))
    if only_document:
        click.echo(report["document"].encode(), nl=False)
        return
    facts = [
        ("evidence", report.get("name")),
        ("on", f"{report.get('model')} v{report.get('version')}"),
        ("verdict", report.get("verdict")),
        ("tool", f"{report.get('tool')} {report.get('tool_version')}".strip()),
        ("observed", shown_time(report.get("observed_at"))),
        ("by", report.get("created_by")),
        ("sha256", report.get("sha256")),
        ("at", report.get("report_url")),
        *(("failed", line) for line in _failures(report)),
        *(("note", note) for note in (report.get("summary") or {}).get("notes", [])),
        ("page", caller.server.page(report.get("url"))),
    ]
    caller.output.facts(report, facts)
