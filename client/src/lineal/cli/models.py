"""`lineal models`: models, their versions and aliases."""

from collections.abc import Sequence
from typing import Any

import click

from lineal.cli.options import Caller, connected, limited, parse_pairs, reasoned
from lineal.cli.putting_away import verb
from lineal.cli.references import VersionRef, VersionRefType
from lineal.cli.runs import purged_fact
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
        ("lifecycle", "deleted" if version.get("deleted_at") else version.get("lifecycle")),
        ("restorable", f"until {shown_time(version['purge_at'])}" if version.get("purge_at") else None),
        ("purged", purged_fact(version.get("purged"))),
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


class Versions(click.Group):
    """`versions MODEL` lists them; `versions delete MODEL/NUMBER` and its like act on them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options of the list may stand before the model, as they may with any other command."""
        if args and self.get_command(ctx, args[0]) is None and args[0] not in ctx.help_option_names:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@models.group("versions", cls=Versions)
def versions() -> None:
    """List the versions of a model (`versions MODEL`), and put versions away."""


@versions.command("list")
@click.argument("model")
@click.option("--deleted", is_flag=True, help="Those in the bin instead.")
@limited
@connected
def list_versions(caller: Caller, *, model: str, deleted: bool, limit: int) -> None:
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
    binned = {"deleted": "true"} if deleted else {}
    rows = caller.server.items(path("models", model, "versions"), limit=limit, **binned)
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


verb(models, "model", "delete", "Delete models into the bin, with all their versions.", argument="MODEL…")
verb(models, "model", "restore", "Bring deleted models back.", argument="MODEL…")
verb(models, "model", "purge", "Take deleted models away for good, with all their versions.", argument="MODEL…")
_VERSIONS = "MODEL/NUMBER…"
verb(
    versions,
    "model_version",
    "delete",
    "Delete versions into the bin. One that is live, or waits for a promotion, is held: exit code 24.",
    argument=_VERSIONS,
)
verb(versions, "model_version", "restore", "Bring deleted versions back.", argument=_VERSIONS)
verb(
    versions,
    "model_version",
    "purge",
    "Take deleted versions away for good. Number, digest and history stay; files go by a sweep.",
    argument=_VERSIONS,
)
