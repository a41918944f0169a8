"""The `lineal` command: its table of commands, each loaded when it is called, and what happens to an error at the top."""

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from lineal.cli.exits import EXIT_TABLE, ExitCode


class Entry(NamedTuple):
    """Where a command lives, and its line in `lineal --help` (kept here so that help imports no command)."""

    target: str
    summary: str


THE_SERVER = "lineal-server"
"""Where commands live that come with the server's distribution."""

SECTIONS: dict[str, dict[str, Entry]] = {
    "Start": {
        "up": Entry(THE_SERVER, "Start a server on this machine, on embedded defaults."),
        "login": Entry("lineal.cli.sessions:login", "Store a token for a server, or open its pages in a browser."),
        "logout": Entry("lineal.cli.sessions:logout", "Forget the stored token of a server."),
        "whoami": Entry("lineal.cli.sessions:whoami", "Show who the server takes you for."),
        "doctor": Entry(
            "lineal.cli.doctor:doctor",
            "Check server, credentials, spool and clock; with --home a server and all it stands on.",
        ),
        "completion": Entry("lineal.cli.completion:completion", "Print the completion script of a shell."),
    },
    "Training": {
        "runs": Entry("lineal.cli.runs:runs", "List, search, show and put away runs."),
        "experiments": Entry("lineal.cli.experiments:experiments", "List experiments."),
        "artifacts": Entry("lineal.cli.artifacts:artifacts", "List and download the files of a run."),
        "profile": Entry("lineal.cli.profiles:profile", "Say what files of rows hold, without their rows."),
        "sync": Entry("lineal.cli.spool:sync", "Send what earlier jobs could not deliver."),
    },
    "Models": {
        "models": Entry("lineal.cli.models:models", "Models, versions and aliases."),
        "policy": Entry("lineal.cli.policies:policy", "Show and set the promotion policies."),
        "plan": Entry("lineal.cli.promotions:plan", "Say what would block a promotion; change nothing."),
        "promote": Entry("lineal.cli.promotions:promote", "Move a model version to an environment."),
        "approve": Entry("lineal.cli.approvals:approve", "Approve a waiting promotion."),
        "refuse": Entry("lineal.cli.approvals:refuse", "Refuse a waiting promotion."),
        "promotions": Entry("lineal.cli.approvals:promotions", "List and show promotions."),
        "rollback": Entry("lineal.cli.rollbacks:rollback", "Return an environment to its last good version."),
        "report-deployment": Entry("lineal.cli.deployments:report_deployment", "Record what really runs somewhere."),
        "deployments": Entry("lineal.cli.deployments:deployments", "List what runs, or ran at a given time."),
    },
    "Keeping": {
        "deletions": Entry("lineal.cli.keeping:deletions", "Follow and cancel deletions of many things."),
        "holds": Entry("lineal.cli.keeping:holds", "Keep things, and what they came from, from being deleted."),
        "gc": Entry("lineal.cli.keeping:gc", "Delete stored objects that nothing refers to."),
        "usage": Entry("lineal.cli.keeping:usage", "Show how much each project holds."),
    },
    "Production": {
        "monitors": Entry(
            "lineal.cli.monitor_inputs:monitors", "How versions are watched in production, and how they do."
        ),
        "alerts": Entry("lineal.cli.alerts:alerts", "What is wrong in production, and who looks after it."),
        "triggers": Entry("lineal.cli.triggers:triggers", "Start a job elsewhere when something happens here."),
        "webhooks": Entry(
            "lineal.cli.webhooks:webhooks", "Tell a webhook, Slack, Teams or mailboxes what happens here."
        ),
    },
    "Evidence": {
        "trace": Entry("lineal.cli.lineage:trace", "From a deployment, model or run back to its data and code."),
        "impact": Entry("lineal.cli.lineage:impact", "From a dataset or commit forward to what stands on it."),
        "verify": Entry(
            "lineal.cli.receipts:verify", "Check a promotion receipt offline, and that files are the promoted bytes."
        ),
        "evidence": Entry("lineal.cli.evidence:evidence", "Verdicts of other tools on a model version."),
        "intake": Entry("lineal.cli.intake:intake", "Addresses to which other tools send signed verdicts."),
        "audit": Entry("lineal.cli.audit_follow:audit", "Read, export and verify the audit log."),
    },
    "Operation": {
        "serve": Entry(THE_SERVER, "Answer HTTP: pages, REST, health."),
        "worker": Entry(THE_SERVER, "Do what requests leave for later."),
        "beat": Entry(THE_SERVER, "Promise the periodic jobs when their turns come."),
        "sequencer": Entry(THE_SERVER, "Number, hash and sign the ledger's events."),
        "migrate": Entry(THE_SERVER, "Bring the database up to this release."),
        "owner-link": Entry(THE_SERVER, "Make a one-time link that signs a browser in as the owner."),
        "backup": Entry(THE_SERVER, "Copy all that a server owns, while it runs."),
        "restore": Entry(THE_SERVER, "Bring a backup back into an empty home and an empty database."),
        "rotate-key": Entry(THE_SERVER, "Give the ledger a new signing key."),
    },
    "People": {
        "users": Entry("lineal.cli.accounts:users", "People who may sign in."),
        "service-accounts": Entry("lineal.cli.accounts:service_accounts", "Accounts of pipelines and jobs."),
        "projects": Entry("lineal.cli.projects:projects", "Projects and their members."),
        "tokens": Entry("lineal.cli.tokens:tokens", "Access tokens."),
    },
}


class RootGroup(click.Group):
    """The top of the command line: finds commands by `SECTIONS`, then among installed plug-ins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for section in SECTIONS.values():
            if cmd_name in section:
                entry = section[cmd_name]
                return _of_the_server(cmd_name, entry) if entry.target is THE_SERVER else _load(entry.target)
        return _plugin(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()], col_max=20)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        """Run and leave by `SystemExit`; every error becomes one line on stderr (`LINEAL_DEBUG=1` shows where it arose)."""
        _print_anyhow()
        extra["standalone_mode"] = False
        sys.exit(_run(lambda: super(RootGroup, self).main(args, prog_name or "lineal", **extra)))


def _print_anyhow() -> None:
    """A terminal without our signs gets question marks: a promotion that was carried out must not end in an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _load(target: str) -> click.Command:
    module, _, name = target.partition(":")
    command = getattr(import_module(module), name)
    assert isinstance(command, click.Command)  # noqa: S101 - a typing aid; tests load every entry
    return command


def _of_the_server(name: str, entry: Entry) -> click.Command:
    from lineal.cli.plugins import missing

    return _plugin(name) or missing(name, entry.summary)


def _plugin(name: str) -> click.Command | None:
    from lineal.cli.plugins import find_plugin

    return find_plugin(name)


def _run(call: Any) -> int:
    debug = os.environ.get("LINEAL_DEBUG", "") not in {"", "0"}
    try:
        result = call()
    except Exception as error:
        if debug:
            raise
        from lineal.cli.failures import report

        return report(error)
    return result if isinstance(result, int) else ExitCode.OK


@click.group("lineal", cls=RootGroup, epilog=EXIT_TABLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lineal", message="lineal %(version)s")
def main() -> None:
    """Lineal: experiments, models, and the line from every deployment back to its data.

    Most commands take --url, --project and --json. The server and the token come from LINEAL_URL and LINEAL_TOKEN, or
    from the credentials that `lineal login` stored.
    """
