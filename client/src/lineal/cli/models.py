"""`lineal models`: models, their versions and aliases."""

from collections.abc import Sequence
from typing import Any

import click

from lineal.cli.options import Caller, connected, limited, parse_pairs, reasoned
from lineal.cli.references import VersionRef, VersionRefType
from lineal.cli.server import path
from lineal.cli.text import short_digest, shown_size, shown_time


@click.group()
def models() -> None:
    """Models, versions and aliases."""


@models.command("list")
@limited
@connected
def list_models(caller: Caller, *, limit: int) -> None:
    """List models."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("latest", lambda row: row.get("latest_version")),
        ("description", lambda row: row.get("description")),
        ("since", lambda row: shown_time(row.get("created_at"))),
    ]
    caller.output.listing(caller.server.items("models", limit=limit), columns, empty="no models")


@models.command("show")
@click.argument("reference", metavar="MODEL|MODEL@sha256:…|MODEL/NUMBER")
@connected
def show_model(caller: Caller, *, reference: str) -> None:
    """Show a model with what its environments hold, or one version with its files."""
    if "@" in reference or reference.rpartition("/")[2].isdecimal():
        _show_version(caller, VersionRefType().convert(reference, None, None))
        return
    model = caller.server.get(path("models", reference))
    slots = caller.server.items(path("models", reference, "environments"), limit=1000)
    facts = [
        ("model", model.get("name")),
        ("description", model.get("description")),
        ("since", shown_time(model.get("created_at"))),
        *((f"in {slot.get('environment')}", _slot_fact(slot)) for slot in slots),
    ]
    caller.output.facts({**model, "environments": slots}, facts)


def _slot_fact(slot: dict[str, Any]) -> str:
    number = slot.get("version")
    return "nothing" if number is None else f"v{number} {short_digest(slot.get('digest'))}"


def _show_version(caller: Caller, reference: VersionRef) -> None:
    version = caller.server.get(path("models", reference.model, "versions", reference.version))
    facts = [
        ("version", f"{version.get('model')} v{version.get('number')}"),
        ("digest", version.get("digest")),
        ("lifecycle", version.get("lifecycle")),
        ("run", version.get("run")),
        ("by", version.get("created_by")),
        ("since", shown_time(version.get("created_at"))),
        ("aliases", version.get("aliases") or None),
        ("environments", version.get("environments") or None),
        *((f"tag {key}", value) for key, value in (version.get("tags") or {}).items()),
        *((f"file {file['path']}", f"{shown_size(file['size'])} {file['sha256']}") for file in version["manifest"]),
        ("page", caller.server.page(version.get("url"))),
    ]
    caller.output.facts(version, facts)


@models.command("versions")
@click.argument("model")
@limited
@connected
def list_versions(caller: Caller, *, model: str, limit: int) -> None:
    """List the versions of a model, newest first."""
    columns = [
        ("number", lambda row: row.get("number")),
        ("digest", lambda row: short_digest(row.get("digest"))),
        ("lifecycle", lambda row: row.get("lifecycle")),
        ("environments", lambda row: row.get("environments")),
        ("aliases", lambda row: row.get("aliases")),
        ("run", lambda row: row.get("run")),
        ("since", lambda row: shown_time(row.get("created_at"))),
    ]
    rows = caller.server.items(path("models", model, "versions"), limit=limit)
    caller.output.listing(rows, columns, empty=f"no versions of {model}")


@models.command("register")
@click.argument("model")
@click.option("--run", required=True, metavar="RUN", help="The run that made it.")
@click.option("--artifact", required=True, metavar="PATH", help="A file or folder among the run's artifacts.")
@click.option("--description", metavar="TEXT")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@connected
def register_version(
    caller: Caller, *, model: str, run: str, artifact: str, description: str | None, tags: Sequence[str]
) -> None:
    """Register what a run made as a version; prints MODEL@DIGEST. The same files of the same run are one version."""
    body: dict[str, Any] = {"run": run, "artifact": artifact}
    if description is not None:
        body["description"] = description
    if tags:
        body["tags"] = parse_pairs(tags, option="--tag")
    version = caller.server.post(path("models", model, "versions"), body)
    caller.output.done(version, f"{model}@{version['digest']}")


@models.command("alias")
@click.argument("version", type=VersionRefType(), metavar="MODEL@sha256:…|MODEL/NUMBER")
@click.argument("alias")
@reasoned
@connected
def set_alias(caller: Caller, *, version: VersionRef, alias: str, reason: str) -> None:
    """Point an alias at a version. One named like an environment moves by `lineal promote` alone."""
    body = {"version": version.version, "reason": reason}
    alias_now = caller.server.put(path("models", version.model, "aliases", alias), body)
    caller.output.done(alias_now, f"{version.model}@{alias} is {version}")
