"""`lineal policy`: the documents that say what a promotion needs, and where each one applies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lineal.cli.exits import usage_error
from lineal.cli.options import Caller, connected, limited, reasoned
from lineal.cli.server import path

_CONTENT_TYPES = {
    ".toml": "application/toml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".json": "application/json",
}


@click.group()
def policy() -> None:
    """Show and set the promotion policies."""


@policy.command("list")
@limited
@connected
def list_policies(caller: Caller, *, limit: int) -> None:
    """List policies, each at its newest revision."""
    columns = [
        ("name", lambda row: row.get("name")),
        ("revision", lambda row: row.get("revision")),
        ("sha256", lambda row: str(row.get("sha256"))[:12]),
        ("gates", lambda row: [gate.get("id") for gate in _gates(row)]),
    ]
    caller.output.listing(caller.server.items("policies", limit=limit), columns, empty="no policies")


def _gates(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    gates = (row.get("document") or {}).get("gate") or []
    return [gate for gate in gates if isinstance(gate, dict)]


@policy.command("show")
@click.argument("name")
@connected
def show_policy(caller: Caller, *, name: str) -> None:
    """Show a policy: its hash, and every gate."""
    found = caller.server.get(path("policies", name))
    facts = [
        ("policy", found.get("name")),
        ("revision", found.get("revision")),
        ("sha256", found.get("sha256")),
        *((f"gate {gate.get('id')}", _gate_fact(gate)) for gate in _gates(found)),
    ]
    caller.output.facts(found, facts)


def _gate_fact(gate: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in gate.items() if key != "id"}


@policy.command("set")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--reason", metavar="TEXT", help="Why; kept in the audit log.")
@connected
def set_policy(caller: Caller, *, name: str, file: Path, reason: str | None) -> None:
    """Store FILE (TOML, YAML or JSON, by its ending) as the policy's next revision."""
    content_type = _CONTENT_TYPES.get(file.suffix.lower())
    if content_type is None:
        raise usage_error(f"{file}: a policy file ends in .toml, .yaml, .yml or .json")
    where = path("policies", name)
    stored = caller.server.put_document(where, file.read_bytes(), content_type=content_type, reason=reason)
    caller.output.done(stored, f"policy {name} revision {stored.get('revision')} sha256:{stored.get('sha256')}")


@policy.command("attach")
@click.argument("name", metavar="POLICY|none")
@click.option("--environment", "--env", "environment", required=True, metavar="NAME")
@reasoned
@connected
def attach_policy(caller: Caller, *, name: str, environment: str, reason: str) -> None:
    """Let a policy decide on promotions to an environment (`none`: no policy)."""
    wanted = None if name == "none" else name
    answer = caller.server.put(path("environments", environment, "policy"), {"policy": wanted, "reason": reason})
    caller.output.done(answer, f"{environment} is decided by {wanted or 'no policy'}")
