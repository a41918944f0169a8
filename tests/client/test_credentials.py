"""Credentials belong to one exact origin, and a file that others can read is not used."""

import json
import os
import stat
from pathlib import Path

import pytest
from lineal import _credentials
from lineal._errors import NotConfigured

ALPHA = "https://alpha.example"
LOCAL = "http://127.0.0.1:8765"


@pytest.fixture
def credentials(client_home: Path) -> Path:
    """The file as `lineal up` writes it."""
    path = client_home / "config" / "credentials.json"
    path.parent.mkdir(parents=True)
    origins = {
        LOCAL: {"token": "lnl_local", "user": "owner", "vkey": "local+1+key"},
        ALPHA: {"token": "lnl_alpha", "user": "alice", "vkey": "alpha+1+key"},
    }
    path.write_text(json.dumps({"schema": "lineal-credentials/1", "default": LOCAL, "origins": origins}))
    path.chmod(0o600)
    return path


def test_the_default_origin_is_used_when_nothing_is_said(credentials: Path) -> None:
    target = _credentials.get_target()

    assert (target.origin, target.token, target.vkey, target.user) == (LOCAL, "lnl_local", "local+1+key", "owner")


def test_a_named_server_gets_its_own_token_and_no_other(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _credentials.get_target(f"{ALPHA}/lineal/").token == "lnl_alpha"
    monkeypatch.setenv("LINEAL_URL", "https://stranger.example")
    assert _credentials.get_target().token is None


@pytest.mark.parametrize(
    "look_alike",
    ["http://alpha.example", "https://alpha.example:8443", "https://alpha.example.evil.test", "https://xalpha.example"],
)
def test_a_look_alike_origin_gets_no_token(credentials: Path, look_alike: str) -> None:
    assert _credentials.get_target(look_alike).token is None


def test_environment_token_follows_environment_url(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAL_URL", "https://env.example")
    monkeypatch.setenv("LINEAL_TOKEN", "lnl_env")

    assert _credentials.get_target().token == "lnl_env"
    assert _credentials.get_target(ALPHA).token == "lnl_alpha"
    assert _credentials.get_target("https://stranger.example").token is None


def test_records_on_disk_do_not_draw_a_token_without_an_address(
    credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spool names its server itself, so a token that names none may not follow it."""
    monkeypatch.setenv("LINEAL_TOKEN", "lnl_env")

    assert _credentials.stored_target("https://from-spool.example").token is None
    assert _credentials.stored_target(LOCAL).token == "lnl_local"
    monkeypatch.setenv("LINEAL_URL", "https://from-spool.example")
    assert _credentials.stored_target("https://from-spool.example").token == "lnl_env"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused_with_the_cure(credentials: Path, mode: int) -> None:
    credentials.chmod(mode)

    with pytest.raises(NotConfigured, match="chmod 600"):
        _credentials.get_target()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(credentials, 4242, 4242)

    with pytest.raises(NotConfigured, match="another user"):
        _credentials.get_target()


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"schema": "lineal-credentials/1", "origins": []}'])
def test_a_file_in_another_form_is_refused(credentials: Path, text: str) -> None:
    credentials.write_text(text)

    with pytest.raises(NotConfigured, match="lineal login"):
        _credentials.get_target()


def test_without_url_and_file_there_is_no_target() -> None:
    assert _credentials.find_target() is None
    with pytest.raises(NotConfigured, match="LINEAL_URL"):
        _credentials.get_target()


@pytest.mark.parametrize(
    ("url", "base_url", "origin"),
    [
        ("HTTPS://Alpha.Example/", ALPHA, ALPHA),
        ("https://alpha.example:443/x/", f"{ALPHA}/x", ALPHA),
        ("http://[::1]:8765", "http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_addresses_are_normalised(url: str, base_url: str, origin: str) -> None:
    assert _credentials.normalised(url) == (base_url, origin)


@pytest.mark.parametrize(
    "url", ["alpha.example", "ftp://alpha", "https://", "https://u:p@alpha", "https://a?x", "https://a#x", "http://a:b"]
)
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(NotConfigured):
        _credentials.normalised(url)


def test_remembering_keeps_what_is_there_and_stays_private(credentials: Path) -> None:
    _credentials.remember(ALPHA, vkey="alpha+2+key")
    _credentials.remember("https://new.example", token="lnl_new", user="alice", vkey="new+1+key")

    document = json.loads(credentials.read_text())
    assert document["default"] == LOCAL
    assert document["origins"][ALPHA] == {"token": "lnl_alpha", "user": "alice", "vkey": "alpha+2+key"}
    assert document["origins"]["https://new.example"]["token"] == "lnl_new"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert [path.name for path in credentials.parent.iterdir()] == ["credentials.json"]


def test_a_new_file_and_its_folder_are_private(client_home: Path) -> None:
    before = os.umask(0)
    try:
        _credentials.remember(ALPHA, default=True, token="lnl_a")
    finally:
        os.umask(before)

    path = client_home / "config" / "credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert _credentials.get_target().origin == ALPHA


def test_forgetting_drops_the_entry_and_the_default(credentials: Path) -> None:
    assert _credentials.forget(LOCAL)
    assert not _credentials.forget(LOCAL)
    assert _credentials.find_target() is None
