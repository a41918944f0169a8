"""`lineal projects`: projects and the roles people have in them."""

import click

from lineal.cli.options import Caller, connected_to_server, limited
from lineal.cli.server import path
from lineal.cli.text import shown_time

ROLES = ("viewer", "contributor", "approver", "maintainer", "admin")


@click.group()
def projects() -> None:
    """Projects and their members."""


@projects.command("list")
@limited
@connected_to_server
def list_projects(caller: Caller, *, limit: int) -> None:
    """List the projects that you may see."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("role", lambda row: row.get("role")),
        ("description", lambda row: row.get("description")),
        ("since", lambda row: shown_time(row.get("created_at"))),
    ]
    caller.output.listing(caller.server.items("projects", limit=limit), columns, empty="no projects")


@projects.command("create")
@click.argument("name")
@click.option("--description", default="", metavar="TEXT")
@connected_to_server
def create_project(caller: Caller, *, name: str, description: str) -> None:
    """Create a project."""
    project = caller.server.post("projects", {"name": name, "description": description})
    caller.output.done(project, f"created project {name}")


@projects.group()
def members() -> None:
    """Who has which role in a project."""


@members.command("list")
@click.argument("project")
@limited
@connected_to_server
def list_members(caller: Caller, *, project: str, limit: int) -> None:
    """List a project's members."""
    columns = [
        ("account", lambda row: row.get("account")),
        ("kind", lambda row: row.get("kind")),
        ("role", lambda row: row.get("role")),
    ]
    rows = caller.server.items(path("projects", project, "members"), limit=limit)
    caller.output.listing(rows, columns, empty="no members")


@members.command("set")
@click.argument("project")
@click.argument("account")
@click.argument("role", type=click.Choice(ROLES))
@connected_to_server
def set_member(caller: Caller, *, project: str, account: str, role: str) -> None:
    """Give an account a role in a project, in place of the one it had."""
    member = caller.server.put(path("projects", project, "members", account), {"role": role})
    caller.output.done(member, f"{account} is {role} in {project}")


@members.command("remove")
@click.argument("project")
@click.argument("account")
@connected_to_server
def remove_member(caller: Caller, *, project: str, account: str) -> None:
    """Take an account out of a project."""
    caller.server.delete(path("projects", project, "members", account))
    caller.output.done({"project": project, "account": account, "role": None}, f"{account} left {project}")
