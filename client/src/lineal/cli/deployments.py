"""`lineal report-deployment` and `deployments`: what really runs, and what ran at a given time."""

from datetime import datetime

import click

from lineal.cli.options import Caller, Moment, connected, limited
from lineal.cli.output import say
from lineal.cli.references import VersionRef, VersionRefType
from lineal.cli.text import short_digest, shown_time, wire_time


@click.command("report-deployment")
@click.argument("version", type=VersionRefType(), metavar="MODEL@sha256:…|MODEL/NUMBER")
@click.option("--environment", "--env", "environment", required=True, metavar="NAME")
@click.option("--target", required=True, metavar="TEXT", help="What serves it, e.g. cluster/namespace/service.")
@click.option("--image-digest", metavar="sha256:…", help="The container image it runs in.")
@click.option("--traffic-share", type=click.FloatRange(0, 1), help="0 to 1.")
@click.option("--observed-at", type=Moment(), metavar="TIME", help="When it was seen; else now.")
@connected
def report_deployment(
    caller: Caller,
    *,
    version: VersionRef,
    environment: str,
    target: str,
    image_digest: str | None,
    traffic_share: float | None,
    observed_at: datetime | None,
) -> None:
    """Record what really runs somewhere. A version that the environment does not hold is recorded, and said."""
    optional = {
        "image_digest": image_digest,
        "traffic_share": traffic_share,
        "observed_at": wire_time(observed_at) if observed_at else None,
    }
    body = {
        "model": version.model,
        "version": version.version,
        "environment": environment,
        "target": target,
        **{name: value for name, value in optional.items() if value is not None},
    }
    deployment = caller.server.post("deployments", body)
    if deployment.get("matches_slot") is False:
        say(f"warning: {environment} holds another version of {version.model} than the one that runs on {target}")
    caller.output.done(deployment, f"deployment:{deployment['id']}")


@click.command()
@click.option("--model", metavar="NAME")
@click.option("--environment", "--env", "environment", metavar="NAME")
@click.option("--as-of", type=Moment(), metavar="TIME", help="What ran then, e.g. 2026-11-01T12:00Z or 7d.")
@click.option("--target", metavar="TEXT")
@click.option("--all", "ended_too", is_flag=True, help="Those that have ended, too.")
@limited
@connected
def deployments(
    caller: Caller,
    *,
    model: str | None,
    environment: str | None,
    target: str | None,
    as_of: datetime | None,
    ended_too: bool,
    limit: int,
) -> None:
    """List what runs, or ran at a given time."""
    when = {"as_of": wire_time(as_of)} if as_of else {"live": None if ended_too else "true"}
    filters = {"model": model, "environment": environment, "target": target}
    rows = caller.server.items("deployments", limit=limit, **filters, **when)
    columns = [
        ("id", lambda row: row.get("id")),
        ("environment", lambda row: row.get("environment")),
        ("target", lambda row: row.get("target")),
        ("model", lambda row: row.get("model")),
        ("version", lambda row: row.get("version")),
        ("digest", lambda row: short_digest(row.get("digest"))),
        ("since", lambda row: shown_time(row.get("started_at"))),
        ("until", lambda row: shown_time(row.get("ended_at"))),
        ("matches", lambda row: row.get("matches_slot")),
    ]
    caller.output.listing(rows, columns, empty="no deployments")
