"""`lineal tokens`: access tokens, shown once when made."""

from collections.abc import Sequence

import click

from lineal.cli.options import Caller, connected_to_server, limited
from lineal.cli.output import print_json, say
from lineal.cli.server import path
from lineal.cli.text import shown_time

SCOPES = ("read", "log", "register", "promote", "approve", "report", "manage", "metrics", "*")


@click.group()
def tokens() -> None:
    """Access tokens."""


@tokens.command("list")
@limited
@connected_to_server
def list_tokens(caller: Caller, *, limit: int) -> None:
    """List tokens; never their secrets."""
    columns = [
        ("id", lambda row: row.get("id")),
        ("account", lambda row: row.get("account")),
        ("name", lambda row: row.get("name")),
        ("prefix", lambda row: row.get("prefix")),
        ("scopes", lambda row: row.get("scopes")),
        ("project", lambda row: row.get("project")),
        ("expires", lambda row: shown_time(row.get("expires_at"))),
        ("last used", lambda row: shown_time(row.get("last_used_at"))),
        ("state", lambda row: row.get("state")),
    ]
    caller.output.listing(caller.server.items("tokens", limit=limit), columns, empty="no tokens")


@tokens.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="May be repeated; read if absent.")
@click.option("--account", metavar="NAME", help="For this service account; else for yourself.")
@click.option("--only-project", metavar="NAME", help="The token works in this project only.")
@click.option("--expires-in-days", type=click.IntRange(1), default=90, show_default=True)
@connected_to_server
def create_token(
    caller: Caller,
    *,
    name: str,
    scopes: Sequence[str],
    account: str | None,
    only_project: str | None,
    expires_in_days: int,
) -> None:
    """Create a token and print it, this once, on stdout."""
    optional = {"account": account, "project": only_project}
    body = {
        "name": name,
        "scopes": list(scopes) or ["read"],
        "expires_in_days": expires_in_days,
        **{key: value for key, value in optional.items() if value is not None},
    }
    token = caller.server.post("tokens", body)
    if caller.output.as_json:
        print_json(token)
        return
    say(f"token {name}, until {shown_time(token.get('expires_at'))}; it is not shown again")
    click.echo(token["token"])


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@connected_to_server
def revoke_token(caller: Caller, *, token_id: str) -> None:
    """End a token at once."""
    caller.server.delete(path("tokens", token_id))
    caller.output.done({"id": token_id, "revoked": True}, f"revoked token {token_id}")
