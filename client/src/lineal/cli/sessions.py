"""`lineal login`, `logout` and `whoami`: the token of each server, kept in the credentials file and sent nowhere else."""

import sys
import webbrowser

import click

from lineal import _settings
from lineal._credentials import Target, forget, get_target, normalised, read_credentials, remember
from lineal._errors import ServerKeyChanged, Unauthorized
from lineal.cli.exits import CommandFailed, ExitCode, usage_error
from lineal.cli.login_links import is_login_link, token_from_link
from lineal.cli.options import Caller, connected_to_server
from lineal.cli.output import print_json, say
from lineal.cli.server import Server


@click.command()
@click.argument("url", required=False, metavar="[URL|LINK]")
@click.option("--token-stdin", is_flag=True, help="Read the token from stdin without asking.")
@click.option("--browser", is_flag=True, help="Make a one-time link that signs a browser in as you.")
@click.option("--no-open", is_flag=True, help="With --browser: print the link only.")
@click.option("--accept-new-key", is_flag=True, help="Pin the server's ledger key anew where it differs.")
def login(url: str | None, *, token_stdin: bool, browser: bool, no_open: bool, accept_new_key: bool) -> None:
    """Store a token for a server, or open its pages in a browser.

    The token is asked for, tried, and kept in the credentials file (mode 0600) for exactly this origin. The server's
    ledger key is pinned beside it: audit exports are checked with it.

    A one-time link (http://…/login#…) in place of the URL signs its account in here instead of in a browser.
    """
    if browser:
        _open_browser(url, no_open=no_open)
        return
    if url is None:
        raise click.UsageError("which server? lineal login http://127.0.0.1:8765")
    if is_login_link(url):
        _, origin = normalised(url.partition("#")[0])
        pinned = _pinned_or_new(origin, accept_new_key=accept_new_key)
        base_url, token = token_from_link(url, vkey=pinned)
    else:
        base_url, origin = normalised(url)
        pinned = _pinned_or_new(origin, accept_new_key=accept_new_key)
        token = _read_token(origin, from_stdin=token_stdin)
    _try_and_store(base_url, origin, token, pinned)


def _pinned_or_new(origin: str, *, accept_new_key: bool) -> str | None:
    """The key to hold the server to; None is taken by whatever it shows now."""
    return None if accept_new_key else read_credentials()["origins"].get(origin, {}).get("vkey")


def _try_and_store(base_url: str, origin: str, token: str, vkey: str | None) -> None:
    server = Server(target=Target(base_url, origin, token, vkey))
    try:
        name = str(server.get("me")["account"]["name"])
    except ServerKeyChanged as error:
        raise CommandFailed(
            f"{origin} shows another ledger key than the pinned one, and the token was not sent. "
            "If its keepers confirm the new key, log in with --accept-new-key"
        ) from error
    except Unauthorized as error:
        raise CommandFailed(f"{origin} does not accept this token: {error.detail}", ExitCode.NOT_IDENTIFIED) from error
    remember(origin, default=True, token=token, user=name, vkey=server.vkey)
    click.echo(f"logged in to {origin} as {name}; token kept in {_settings.credentials_file()}")
    say(f"ledger key: {server.vkey}")


def _read_token(origin: str, *, from_stdin: bool) -> str:
    if from_stdin or not sys.stdin.isatty():
        token = sys.stdin.readline().strip()
    else:
        token = click.prompt(f"Token for {origin}", hide_input=True, err=True, type=str).strip()
    if not token:
        raise usage_error("no token was given")
    return token


def _open_browser(url: str | None, *, no_open: bool) -> None:
    link = Server(url=url).post("login-links", {})
    click.echo(link["url"])
    say(f"works once, until {link['expires_at']}")
    if not no_open and sys.stdout.isatty():
        webbrowser.open(link["url"])


@click.command()
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Forget the stored token of a server. The token itself stays valid: `lineal tokens revoke` ends it."""
    origin = get_target(url).origin
    if not forget(origin):
        raise CommandFailed(f"nothing is stored for {origin}")
    click.echo(f"forgot {origin}")


@click.command()
@connected_to_server
def whoami(caller: Caller) -> None:
    """Show who the server takes you for, and what you may do there."""
    me = caller.server.get("me")
    if caller.output.as_json:
        print_json(me)
        return
    account, auth = me["account"], me.get("auth") or {}
    roles = [(f"role in {item['name']}", item["role"]) for item in me.get("projects") or []]
    facts = [
        ("account", account.get("name")),
        ("kind", account.get("kind")),
        ("server admin", account.get("is_server_admin")),
        ("signed in by", auth.get("method")),
        ("token may", auth.get("scopes") or None),
        ("only in project", auth.get("project")),
        ("server", caller.server.origin),
        *roles,
    ]
    caller.output.facts(me, facts)
