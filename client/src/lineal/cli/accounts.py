"""`lineal users` and `lineal service-accounts`: who may act on this server."""

import click

from lineal.cli.options import Caller, connected_to_server, limited
from lineal.cli.output import Column, say
from lineal.cli.server import path
from lineal.cli.text import shown_time

_COLUMNS: list[Column] = [
    ("name", lambda row: row.get("name")),
    ("shown as", lambda row: row.get("display_name")),
    ("server admin", lambda row: row.get("is_server_admin")),
    ("active", lambda row: row.get("active")),
    ("since", lambda row: shown_time(row.get("created_at"))),
]


@click.group()
def users() -> None:
    """People who may sign in."""


@users.command("list")
@limited
@connected_to_server
def list_users(caller: Caller, *, limit: int) -> None:
    """List people."""
    caller.output.listing(caller.server.items("users", limit=limit), _COLUMNS, empty="no users")


@users.command("create")
@click.argument("name")
@click.option("--display-name", default="", metavar="TEXT")
@click.option("--server-admin", is_flag=True, help="May manage accounts and read the whole audit log.")
@connected_to_server
def create_user(caller: Caller, *, name: str, display_name: str, server_admin: bool) -> None:
    """Create a person. `lineal users link` then lets them in; no password exists."""
    body = {"name": name, "display_name": display_name, "is_server_admin": server_admin}
    user = caller.server.post("users", body)
    caller.output.done(user, f"created user {name}")


@users.command("link")
@click.argument("name")
@connected_to_server
def link_user(caller: Caller, *, name: str) -> None:
    """Make a one-time link that signs this person in, in a browser or by `lineal login LINK`."""
    link = caller.server.post("login-links", {"account": name})
    if not caller.output.as_json:
        say(f"works once, until {shown_time(link['expires_at'])}")
    caller.output.done(link, link["url"])


@users.command("deactivate")
@click.argument("name")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit log.")
@connected_to_server
def deactivate_user(caller: Caller, *, name: str, reason: str) -> None:
    """End a person's access: tokens and sessions stop working, the record stays."""
    user = caller.server.post(path("users", name, "deactivate"), {"reason": reason})
    caller.output.done(user, f"deactivated user {name}")


@click.group("service-accounts")
def service_accounts() -> None:
    """Accounts of pipelines and jobs."""


@service_accounts.command("list")
@limited
@connected_to_server
def list_service_accounts(caller: Caller, *, limit: int) -> None:
    """List service accounts."""
    rows = caller.server.items("service-accounts", limit=limit)
    caller.output.listing(rows, _COLUMNS, empty="no service accounts")


@service_accounts.command("create")
@click.argument("name")
@click.option("--display-name", default="", metavar="TEXT")
@connected_to_server
def create_service_account(caller: Caller, *, name: str, display_name: str) -> None:
    """Create an account for a pipeline. It proposes and reports, and can never approve."""
    account = caller.server.post("service-accounts", {"name": name, "display_name": display_name})
    caller.output.done(account, f"created service account {name}")
