"""From the options of `lineal triggers add` and `set` to what the server is asked for."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from lineal.cli.options import Function

_CONDITIONS = {"cron": "calendar", "dataset": "dataset_version", "alert": "alert"}
_DESTINATIONS = ("webhook", "github", "gitlab", "airflow")
_BELONG = {
    "timezone": "cron",
    "kinds": "alert",
    "severity": "alert",
    "model": "alert",
    "environment": "alert",
    "event_type": "github",
    "ref": "gitlab",
    "api": "airflow",
}


def conditions(function: Function) -> Function:
    for option in (
        click.option("--cron", metavar="FIELDS", help="A calendar, as '0 3 * * MON'."),
        click.option("--timezone", metavar="ZONE", help="Of the calendar; UTC by default."),
        click.option("--dataset", metavar="NAME", help="A version of this dataset that was not known."),
        click.option("--alert", is_flag=True, help="An alert, narrowed by the next four."),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help="May be repeated."),
        click.option("--severity", type=click.Choice(["warn", "critical"]), help="At least."),
        click.option("--model", metavar="NAME"),
        click.option("--environment", "--env", "environment", metavar="NAME"),
    ):
        function = option(function)
    return function


def destinations(function: Function) -> Function:
    for option in (
        click.option("--webhook", metavar="URL", help="A signed message to this address."),
        click.option("--github", metavar="OWNER/NAME", help="A repository_dispatch event."),
        click.option("--event-type", metavar="TEXT", help="Of the event; `lineal` by default."),
        click.option("--gitlab", metavar="PROJECT", help="A pipeline; by number or path."),
        click.option("--ref", metavar="BRANCH", help="Of the pipeline; `main` by default."),
        click.option("--airflow", metavar="DAG", help="A run of this DAG."),
        click.option("--api", type=click.Choice(["v1", "v2"]), help="v1 for Airflow 2; v2, the default, for 3."),
        click.option("--address", metavar="URL", help="Of Airflow, or of a GitHub or GitLab of your own."),
        click.option("--credential-stdin", is_flag=True, help="Read a token, secret or USER:PASSWORD from stdin."),
    ):
        function = option(function)
    return function


def wish_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The body that makes a trigger. Raises click.UsageError for options that do not go together."""
    condition = _only(options, tuple(_CONDITIONS), "condition")
    destination = _only(options, _DESTINATIONS, "destination")
    _refuse_strays(options, {condition, destination})
    body: dict[str, Any] = {
        "on": _CONDITIONS[condition],
        "filter": _filter(options, condition),
        "action": destination,
        **_destination(options, destination),
        **_common(options),
    }
    if options["credential_stdin"]:
        body["credentials"] = _credentials(destination)
    if options["disabled"]:
        body["enabled"] = False
    return body


def changes_of(options: Mapping[str, Any], trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The body that changes `trigger`. Raises click.UsageError if nothing is to change."""
    changes = _common(options) | _named(options, "enabled", "address")
    if options["cron"] or options["timezone"]:
        if trigger["on"] != "calendar":
            raise click.UsageError(f"{trigger['name']} waits for no calendar, so it has no --cron and --timezone")
        changes["filter"] = {**trigger["filter"], **_named(options, "cron", "timezone")}
    if options["credential_stdin"]:
        changes["credentials"] = _credentials(trigger["action"])
    if not changes:
        raise click.UsageError("say what to change, as --disable or --cool-down 6h")
    return changes


def _only(options: Mapping[str, Any], names: tuple[str, ...], what: str) -> str:
    given = [name for name in names if options[name]]
    if len(given) != 1:
        listed = ", ".join(f"--{name}" for name in names)
        raise click.UsageError(f"give one {what} of {listed}; {len(given) or 'none'} given")
    return given[0]


def _refuse_strays(options: Mapping[str, Any], chosen: set[str]) -> None:
    for name, owner in _BELONG.items():
        if options[name] and owner not in chosen:
            spelled = {"kinds": "kind"}.get(name, name).replace("_", "-")
            raise click.UsageError(f"--{spelled} goes with --{owner}")


def _filter(options: Mapping[str, Any], condition: str) -> dict[str, Any]:
    if condition == "cron":
        return _named(options, "cron", "timezone")
    if condition == "dataset":
        return _named(options, "dataset")
    kinds = {"kinds": list(options["kinds"])} if options["kinds"] else {}
    return kinds | _named(options, "severity", "model", "environment")


def _destination(options: Mapping[str, Any], destination: str) -> dict[str, Any]:
    address = _named(options, "address")
    if destination == "webhook":
        if address:
            raise click.UsageError("--webhook has the address; --address is for the others")
        return {"address": options["webhook"]}
    settings = {
        "github": {"repository": options["github"], **_named(options, "event_type")},
        "gitlab": {"project": options["gitlab"], **_named(options, "ref")},
        "airflow": {"dag": options["airflow"], **_named(options, "api")},
    }[destination]
    return {"settings": settings, **address}


def _common(options: Mapping[str, Any]) -> dict[str, Any]:
    cool_down = options["cool_down"]
    seconds = {"cool_down_s": int(cool_down.total_seconds())} if cool_down is not None else {}
    return seconds | _named(options, "owner")


def _named(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if options[name] is not None}


def _credentials(action: str) -> dict[str, str]:
    """One line from stdin: a webhook's secret, else a token; for Airflow USER:PASSWORD is told by its colon."""
    text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        raise click.UsageError("--credential-stdin: nothing came from stdin")
    if action == "webhook":
        return {"secret": text}
    user, colon, password = text.partition(":")
    return {"username": user, "password": password} if action == "airflow" and colon else {"token": text}
