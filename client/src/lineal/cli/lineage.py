"""`lineal trace` and `lineal impact`: the line back to data and code, and forward to what stands on them."""

from collections.abc import Sequence

import click

from lineal.cli.exits import CommandFailed
from lineal.cli.graphs import draw
from lineal.cli.options import Caller, Function, connected
from lineal.cli.output import print_json
from lineal.cli.references import VersionRefType
from lineal.cli.text import clean, is_digest

_PREFIXES = ("run:", "model:", "deployment:", "dataset:", "cause:", "git:", "sha256:")


def _about(function: Function) -> Function:
    for option in (
        click.option("--max-nodes", type=click.IntRange(1, 50_000), help="Stop here and say so."),
        click.option("--live/--all", "live", default=None, help="Only deployments that are live now."),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only these: dataset_version, run, …"),
        click.argument("of", metavar="WHAT"),
    ):
        function = option(function)
    return function


@click.command()
@_about
@connected
def trace(caller: Caller, *, of: str, kinds: Sequence[str], live: bool | None, max_nodes: int | None) -> None:
    """From a deployment, model or run back to its data and code.

    \b
    WHAT is one of
      model:fraud@production   model:fraud/3   fraud@sha256:…   fraud/3
      run:HEX   deployment:UUID   dataset:NAME   dataset:NAME@sha256:…
      git:COMMIT   cause:UUID   sha256:… (any dataset or model with these bytes)
    """
    _show(caller, "trace", of, kinds, live=live, max_nodes=max_nodes)


@click.command()
@_about
@connected
def impact(caller: Caller, *, of: str, kinds: Sequence[str], live: bool | None, max_nodes: int | None) -> None:
    """From a dataset or commit forward to what stands on it. WHAT is written as for `lineal trace`."""
    _show(caller, "impact", of, kinds, live=live, max_nodes=max_nodes)


def _show(
    caller: Caller, direction: str, of: str, kinds: Sequence[str], *, live: bool | None, max_nodes: int | None
) -> None:
    graph = caller.server.get(
        f"lineage/{direction}",
        of=_node_text(of),
        kinds=",".join(kinds) or None,
        live=None if live is None else str(live).lower(),
        max_nodes=max_nodes,
    )
    if caller.output.as_json:
        print_json(graph)
        return
    if not graph.get("starts"):
        raise CommandFailed(f"nothing is recorded under {of}")
    for line in draw(graph, upstream=direction == "trace"):
        click.echo(clean(line))


def _node_text(of: str) -> str:
    """`fraud/3` and `fraud@sha256:…` as the server writes them; other forms as they are."""
    if of.startswith(_PREFIXES):
        return of
    reference = VersionRefType().convert(of, None, None)
    return str(reference.version) if is_digest(str(reference.version)) else f"model:{reference}"
