"""`lineal login`, `logout`, `whoami` and `doctor`: whose token is kept where, and what it is sent to."""

import json
import stat

import pytest

from tests.cli.conftest import VKEY, Reply, problem

ME = {
    "account": {"name": "alice", "kind": "user", "is_server_admin": False},
    "auth": {"method": "token", "scopes": ["*"], "project": None},
    "projects": [{"name": "default", "role": "admin"}],
}


@pytest.fixture
def credentials(cli_home):
    """The file's path, and a reader of its origins."""
    path = cli_home / "config" / "credentials.json"
    return path, lambda: json.loads(path.read_text())["origins"]


def test_login_tries_the_token_and_keeps_it_for_this_origin_alone(server, lineal, credentials):
    path, origins = credentials
    server.answer("GET", "/me", ME)

    result = lineal("login", server.url, "--token-stdin", stdin="lnl_secret\n")

    assert result.exit_code == 0, result.output
    assert origins() == {server.url: {"token": "lnl_secret", "user": "alice", "vkey": VKEY}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "lnl_secret" not in result.output


def test_a_token_that_is_not_accepted_is_not_kept(server, lineal, credentials):
    server.answer("GET", "/me", (401, problem(401, "unauthenticated", "no such token")))

    result = lineal("login", server.url, "--token-stdin", stdin="lnl_wrong\n")

    assert result.exit_code == 31
    assert "token" not in credentials[1]().get(server.url, {})


def test_a_server_with_another_key_is_not_given_the_token(server, lineal, credentials):
    """A look-alike on the same port must not learn the token."""
    server.answer("GET", "/me", ME)
    lineal("login", server.url, "--token-stdin", stdin="lnl_first\n")
    server.answer("GET", "/server", {"name": "lineal", "version": "1", "vkey": "other+1+A", "origin": "o"})
    server.requests.clear()

    result = lineal("login", server.url, "--token-stdin", stdin="lnl_second\n")

    assert result.exit_code == 1
    assert "--accept-new-key" in result.stderr
    assert all("Authorization" not in request.headers for request in server.requests)
    assert credentials[1]()[server.url]["token"] == "lnl_first"


def test_a_new_key_is_pinned_where_it_is_accepted(server, lineal, credentials):
    server.answer("GET", "/me", ME)
    lineal("login", server.url, "--token-stdin", stdin="lnl_first\n")
    server.answer("GET", "/server", {"name": "lineal", "version": "1", "vkey": "other+1+A", "origin": "o"})

    result = lineal("login", server.url, "--token-stdin", "--accept-new-key", stdin="lnl_second\n")

    assert result.exit_code == 0
    assert credentials[1]()[server.url] == {"token": "lnl_second", "user": "alice", "vkey": "other+1+A"}


def test_a_one_time_link_signs_its_account_in_from_a_terminal(server, lineal, credentials):
    """The link becomes a page session, the session makes a token, the session ends; the link's secret is kept nowhere."""
    server.answer("GET", "/login", Reply(b"<html>", (("Set-Cookie", "lineal_csrf=c1; Path=/; SameSite=Lax"),)))
    cookies = (
        ("Set-Cookie", "lineal_csrf=c2; Path=/"),
        ("Set-Cookie", "lineal_session=s1; expires=Fri, 01 Jan 2027 00:00:00 GMT; HttpOnly; Path=/"),
    )
    server.answer("POST", "/login/exchange", Reply({"next": "/"}, cookies))
    server.answer("POST", "/tokens", (201, {"token": "lnl_made"}))
    server.answer("DELETE", "/session", (204, b""))
    server.answer("GET", "/me", ME)

    result = lineal("login", f"{server.url}/login#the-secret")

    assert result.exit_code == 0, result.output
    assert server.asked("POST", "/login/exchange")[0].body == {"secret": "the-secret", "next": ""}
    assert server.asked("POST", "/login/exchange")[0].headers["X-CSRFToken"] == "c1"
    made = server.asked("POST", "/tokens")[0]
    assert made.headers["Cookie"] == "lineal_csrf=c2; lineal_session=s1"
    assert made.headers["X-CSRFToken"] == "c2"
    assert made.headers["Origin"] == server.url
    assert len(server.asked("DELETE", "/session")) == 1
    assert credentials[1]()[server.url]["token"] == "lnl_made"
    assert "the-secret" not in credentials[0].read_text()


def test_a_used_link_is_refused_in_one_line(server, lineal):
    server.answer("GET", "/login", Reply(b"<html>", (("Set-Cookie", "lineal_csrf=c1; Path=/"),)))
    server.answer("POST", "/login/exchange", (401, problem(401, "link-used", "The link was used before.")))
    server.answer("DELETE", "/session", (204, b""))

    result = lineal("login", f"{server.url}/login#the-secret")

    assert result.exit_code == 1
    assert "The link was used before." in result.stderr
    assert server.asked("POST", "/tokens") == []


def test_a_browser_link_is_printed_for_pipes(signed_in, lineal):
    signed_in.answer("POST", "/login-links", (201, {"url": "http://h/login#s", "expires_at": "2026-11-21T03:14:27Z"}))

    result = lineal("login", "--browser")

    assert result.stdout == "http://h/login#s\n"
    assert signed_in.asked("POST", "/login-links")[0].body == {}


def test_logout_forgets_the_token(server, lineal, credentials):
    server.answer("GET", "/me", ME)
    lineal("login", server.url, "--token-stdin", stdin="lnl_secret\n")

    assert lineal("logout", server.url).exit_code == 0
    assert credentials[1]() == {}
    assert lineal("logout", server.url).exit_code == 1


def test_whoami_names_account_and_roles(signed_in, lineal):
    signed_in.answer("GET", "/me", ME)

    lines = lineal("whoami").stdout.splitlines()

    assert lines[0].split() == ["account", "alice"]
    assert lines[-1].split() == ["role", "in", "default", "admin"]


def test_a_healthy_set_up_passes_the_doctor(signed_in, lineal):
    signed_in.answer("GET", "/me", ME)

    result = lineal("doctor", "--json")

    found = {row["check"]: row["state"] for row in json.loads(result.stdout)}
    assert result.exit_code == 0, result.output
    assert {found[check] for check in ("server", "ledger key", "clock", "token", "credentials")} == {"ok"}


def test_the_doctor_finds_an_open_credentials_file(server, lineal, credentials):
    server.answer("GET", "/me", ME)
    lineal("login", server.url, "--token-stdin", stdin="lnl_secret\n")
    credentials[0].chmod(0o644)

    result = lineal("doctor")

    assert result.exit_code == 1
    assert "chmod 600" in result.stdout


def test_the_doctor_finds_a_clock_that_is_off(signed_in, lineal):
    signed_in.answer("GET", "/me", ME)
    info = {"name": "lineal", "version": "1", "vkey": VKEY, "origin": "o"}
    signed_in.answer("GET", "/server", Reply(info, (("Date", "Sat, 21 Nov 2020 03:14:27 GMT"),)))

    found = {row["check"]: row for row in json.loads(lineal("doctor", "--json").stdout)}

    assert found["clock"]["state"] == "warn"
    assert "behind" in found["clock"]["detail"]


def test_the_doctor_names_a_server_that_is_down(lineal):
    result = lineal("doctor", "--url", "http://127.0.0.1:9")

    assert result.exit_code == 1
    assert "cannot be reached" in result.stdout
