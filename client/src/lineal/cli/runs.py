"""`lineal runs`: list, search, show and put away runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from lineal.cli.options import Caller, connected, limited
from lineal.cli.output import Column, print_json, say, write_file
from lineal.cli.putting_away import act_options, confirmed, put_away, selected
from lineal.cli.server import path
from lineal.cli.text import clean, short_digest, shown_duration, shown_time, shown_value

_SHOWN_METRICS = 3  # more columns than that fit no screen; --column chooses
_KINDS = ("metrics", "params", "tags")
_LIFECYCLES = click.Choice(["active", "archived", "deleted", "all"])


@click.group()
def runs() -> None:
    """List, search, show and put away runs."""


@runs.command("list")
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--lifecycle", type=_LIFECYCLES, default="active", show_default=True)
@limited
@connected
def list_runs(caller: Caller, *, experiments: Sequence[str], lifecycle: str, limit: int) -> None:
    """List runs, newest first."""
    _search(caller, {"experiments": list(experiments), "lifecycle": lifecycle}, columns=(), limit=limit)


@runs.command("search")
@click.argument("filter_text", metavar="FILTER", required=False)
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="May be repeated.")
@click.option("--order", "order_by", multiple=True, metavar="KEY", help="e.g. 'metrics.auc DESC'; may be repeated.")
@click.option("--column", "columns", multiple=True, metavar="KEY", help="e.g. params.lr, metrics.auc, tags.team.")
@click.option("--lifecycle", type=_LIFECYCLES, default="active", show_default=True)
@click.option("--offset", type=click.IntRange(0, 10_000), default=0, help="Skip so many of the runs found.")
@limited
@connected
def search_runs(
    caller: Caller,
    *,
    filter_text: str | None,
    experiments: Sequence[str],
    order_by: Sequence[str],
    columns: Sequence[str],
    lifecycle: str,
    offset: int,
    limit: int,
) -> None:
    """Search runs.

    \b
    FILTER is for example
      metrics.auc > 0.9 AND params.family = 'boosting'
      min(metrics.loss) < 0.1 OR tags.team IN ('risk', 'fraud')
      0.1 < metrics.loss@100 <= 0.5 AND datasets.digest = 'sha256:…'
    docs/search.md has the whole language.
    """
    query: dict[str, Any] = {"experiments": list(experiments), "lifecycle": lifecycle}
    if filter_text:
        query["filter"] = filter_text
    if order_by:
        query["order_by"] = list(order_by)
    if offset:
        query["offset"] = offset
    if columns:
        query["columns"] = [key for key in columns if key.partition(".")[0] in _KINDS]
    _search(caller, query, columns=columns, limit=limit)


def _search(caller: Caller, query: dict[str, Any], *, columns: Sequence[str], limit: int) -> None:
    if not query["experiments"]:
        del query["experiments"]
    rows = caller.server.search("runs/search", query, limit=limit)
    keys = list(columns) or _metric_columns(rows)
    caller.output.listing(rows, [*_COLUMNS, *(_key_column(key) for key in keys)], empty="no runs")


def _took(row: Mapping[str, Any]) -> str | None:
    begun, ended = row.get("started_at"), row.get("ended_at")
    if not begun or not ended:
        return None
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
    return shown_duration(max(seconds, 0.0))


_COLUMNS: list[Column] = [
    ("id", lambda row: row.get("id")),
    ("experiment", lambda row: row.get("experiment")),
    ("name", lambda row: row.get("name")),
    ("status", lambda row: row.get("status")),
    ("started", lambda row: shown_time(row.get("started_at"))),
    ("took", _took),
]


def _metric_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = sorted({key for row in rows for key in row.get("metrics") or {}})
    return [f"metrics.{key}" for key in keys[:_SHOWN_METRICS]]


def _key_column(key: str) -> Column:
    return key, lambda row: column_value(row, key)


def column_value(row: Mapping[str, Any], key: str) -> object:
    """`metrics.auc` (its last value), `params.lr`, `tags.team` or a plain field of a run."""
    kind, _, name = key.partition(".")
    name = name.strip('`"')
    if kind not in _KINDS or not name:
        return row.get(key)
    value = (row.get(kind) or {}).get(name)
    return value.get("last") if kind == "metrics" and isinstance(value, dict) else value


@runs.command("show")
@click.argument("run")
@connected
def show_run(caller: Caller, *, run: str) -> None:
    """Show one run: where it came from, what went in and what came out."""
    detail = caller.server.get(path("runs", run))
    code = detail.get("code") or {}
    seal = detail.get("seal") or {}
    facts = [
        ("run", detail.get("id")),
        ("experiment", detail.get("experiment")),
        ("name", detail.get("name")),
        ("status", detail.get("status")),
        ("lifecycle", detail.get("lifecycle")),
        ("restorable", f"until {shown_time(detail['purge_at'])}" if detail.get("purge_at") else None),
        ("purged", purged_fact(detail.get("purged"))),
        ("started", shown_time(detail.get("started_at"))),
        ("took", _took(detail)),
        ("by", detail.get("created_by")),
        ("code", _code_fact(code)),
        ("environment", short_digest((detail.get("environment") or {}).get("digest"))),
        ("seal", f"{seal['number']} {short_digest(seal.get('digest'))}" if seal else None),
        *((f"param {key}", value) for key, value in (detail.get("params") or {}).items()),
        *((f"metric {key}", column_value(detail, f"metrics.{key}")) for key in detail.get("metrics") or {}),
        *((f"tag {key}", value) for key, value in (detail.get("tags") or {}).items()),
        *((f"input {use.get('context') or use.get('name')}", _dataset_fact(use)) for use in detail.get("inputs") or []),
        *((f"output {use.get('name')}", _dataset_fact(use)) for use in detail.get("outputs") or []),
        ("page", caller.server.page(detail.get("url"))),
    ]
    caller.output.facts(detail, facts)


@runs.command("reproduce")
@click.argument("run")
@connected
def reproduce_run(caller: Caller, *, run: str) -> None:
    """Print the shell script that makes a run again, as far as it was recorded.

    Clone and commit, uncommitted changes, environment, data by digest, command. What is missing stands in the script as
    a comment, and on stderr; exit code 0 all the same. Read it before you run it: it is what somebody's run recorded.
    """
    recipe = caller.server.get(path("runs", run, "recipe"))
    if caller.output.as_json:
        print_json(recipe)
        return
    for line in str(recipe.get("script") or "").splitlines():
        click.echo(clean(line))
    for reason in recipe.get("missing") or []:
        say(f"missing: {reason}")


@runs.command("diff")
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File; stdout without it.")
@connected
def run_diff(caller: Caller, *, run: str, out: Path | None) -> None:
    """Print the uncommitted changes that a run was made with, for `git apply`."""
    _bring_text(caller, path("runs", run, "diff"), "diff", out)


@runs.command("lock")
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File; stdout without it.")
@connected
def run_lock(caller: Caller, *, run: str, out: Path | None) -> None:
    """Print the packages that a run had, one `name==version` a line, for `pip install -r`."""
    _bring_text(caller, path("runs", run, "lock"), "lock", out)


def _bring_text(caller: Caller, where: str, name: str, out: Path | None) -> None:
    """As it was recorded, to the byte."""
    text = caller.server.text(where)
    if out is not None:
        write_file(out, text)
        caller.output.done({name: str(out)}, f"wrote {out}")
    elif caller.output.as_json:
        print_json({name: text})
    else:
        click.echo(text, nl=False)


def purged_fact(purged: Mapping[str, Any] | None) -> str | None:
    """`2026-11-21 03:14:27Z by alice: why`."""
    if not purged:
        return None
    reason = f": {purged['reason']}" if purged.get("reason") else ""
    return f"{shown_time(purged.get('at'))} by {purged.get('by')}{reason}"


def _code_fact(code: Mapping[str, Any]) -> str | None:
    if not code.get("commit"):
        return None
    parts = [str(code["commit"])[:12], code.get("branch"), "with uncommitted changes" if code.get("dirty") else None]
    return " ".join(str(part) for part in parts if part)


def _dataset_fact(use: Mapping[str, Any]) -> str:
    rows = f"{use['rows']} rows " if use.get("rows") is not None else ""
    return f"{shown_value(use.get('name'))} {short_digest(use.get('digest'))} {rows}[{use.get('strength')}]"


def _chosen(function: Any) -> Any:
    """RUN… or --where, with what narrows it."""
    for option in (
        click.option("--lifecycle", type=_LIFECYCLES, help="Which runs --where is about, where not the usual ones."),
        click.option(
            "--experiment", "experiments", multiple=True, metavar="NAME", help="With --where; may be repeated."
        ),
        click.option(
            "--where", metavar="FILTER", help="As in `runs search`, e.g. \"metrics.loss > 3 AND tags.smoke = 'yes'\"."
        ),
        click.argument("ids", nargs=-1, metavar="[RUN]…"),
    ):
        function = option(function)
    return function


def _put_away(
    caller: Caller,
    act: str,
    *,
    ids: Sequence[str],
    where: str | None,
    experiments: Sequence[str],
    lifecycle: str | None,
    **options: Any,
) -> None:
    selection = selected(ids, where, experiments=list(experiments), lifecycle=lifecycle)
    put_away(caller, kind="run", act=act, selection=selection, **options)


@runs.command("archive")
@_chosen
@act_options
@connected
def archive_runs(caller: Caller, **options: Any) -> None:
    """Put runs away: out of the lists, unchanged and restorable."""
    _put_away(caller, "archive", **options)


@runs.command("restore")
@_chosen
@act_options
@connected
def restore_runs(caller: Caller, **options: Any) -> None:
    """Bring archived or deleted runs back. --where looks in the bin, unless --lifecycle says otherwise."""
    _put_away(caller, "restore", **options)


@runs.command("delete")
@_chosen
@act_options
@connected
def delete_runs(caller: Caller, **options: Any) -> None:
    """Delete runs into the bin, from which they can be restored until the server lets go of them.

    Runs that something living came from are held, and so are those that `lineal holds` keeps: exit code 24.
    """
    _put_away(caller, "delete", **options)


@runs.command("purge")
@_chosen
@confirmed
@act_options
@connected
def purge_runs(caller: Caller, **options: Any) -> None:
    """Take runs out of the bin for good: points, params, tags and files. Their ids, seals and ledger entries stay."""
    _put_away(caller, "purge", **options)
