"""`lineal up` as a newcomer meets it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config.up import CannotStart, _refuse_stranger
from core import roster
from tests.installation import wait_for
from tests.server import free_port, running_server

LINEAL = Path(sys.executable).with_name("lineal")
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Begun from nothing: no home, no tables."""
    with running_server(tmp_path_factory.mktemp("server"), migrated=False) as running:
        yield running


def up(home, port, *more, **env):
    environment = os.environ | {"LINEAL_CREDENTIALS_FILE": str(Path(home).parent / "credentials.json")} | env
    return subprocess.run(
        [LINEAL, "up", "--home", home, "--port", str(port), "--no-browser", *more],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_needs_no_configuration_and_leaves_nothing_open(server):
    """Owner, token and keys are made at first start, readable by their owner alone."""
    assert server.healthy()
    names = {"owner.token", "keys", "blobs"} | (set() if "LINEAL_DATABASE_URL" in server.env else {"db.sqlite3"})
    assert names <= {path.name for path in server.home.iterdir()}
    closed = [
        server.home,
        server.home / "owner.token",
        server.home / "keys",
        Path(server.env["LINEAL_CREDENTIALS_FILE"]),
    ]
    assert [path for path in closed if path.stat().st_mode & 0o077] == []


def test_sdk_and_cli_on_this_machine_are_signed_in(server):
    assert json.loads(server.cli("whoami", "--json").stdout)["account"]["name"] == "owner"


def test_every_part_has_a_seat_of_its_own(server):
    """Processes are forks of one that has a seat, too: what each counts is told apart all the same."""
    members = {member.seat: member for member in roster.living(roster.folder(server.home / "run"))}

    assert sorted(members) == ["beat-0", "sequencer-0", "up-0", "web-0", "worker-0"]
    assert len({members[seat].pid for seat in ("up-0", "web-0", "worker-0")}) == 3
    assert {members[seat].pid for seat in ("beat-0", "sequencer-0")} == {members["worker-0"].pid}
    assert [seat for seat, member in members.items() if member.beside] == ["beat-0", "sequencer-0"]


@pytest.mark.parametrize("role", ["worker", "beat", "sequencer"])
def test_every_part_gives_signs_of_life(server, role):
    wait_for(
        lambda: (roster.freshest_s(role, roster.folder(server.home / "run")) or roster.FRESH_S) < 15,
        f"a sign of life of the {role}",
    )


def test_each_part_says_its_name_in_the_log_that_they_share(server):
    log = (server.home / "log" / "worker.log").read_text()

    for role in ("worker", "beat", "sequencer"):
        assert f"INFO lineal.process [{role}] {role}" in log


def test_a_second_server_on_the_same_home_is_refused(server):
    refused = up(server.home, free_port())

    assert refused.returncode == 1
    assert "already runs on" in refused.stderr


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = up(tmp_path / "home", port)

    assert refused.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be had" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_home_that_is_a_file_is_named(tmp_path):
    (tmp_path / "home").write_text("not a folder")

    refused = up(tmp_path / "home", free_port())

    assert refused.returncode == 1
    assert "cannot be written" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_home_that_others_may_write_to_is_refused(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o777)

    refused = up(tmp_path / "home", free_port())

    assert refused.returncode == 1
    assert "chmod go-w" in refused.stderr


def test_listening_beyond_loopback_needs_a_word(tmp_path):
    refused = up(tmp_path / "home", free_port(), "--host", "0.0.0.0")

    assert refused.returncode == 1
    assert "--insecure" in refused.stderr


def test_a_database_that_does_not_answer_is_one_plain_line(tmp_path):
    refused = up(tmp_path / "home", free_port(), LINEAL_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_a_setting_that_cannot_be_is_one_plain_line(tmp_path):
    refused = up(tmp_path / "home", free_port(), LINEAL_STOP_S="soon")

    assert refused.returncode == 1
    assert refused.stderr.strip() == "lineal: LINEAL_STOP_S has to be a whole number from 0 on, and is 'soon'."


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_it_stops_cleanly_and_starts_again_on_what_it_kept(tmp_path, number):
    with running_server(tmp_path) as server:
        token = server.token
        assert server.stop(number) == 0
        assert not server.healthy()

        server.start()

        assert server.token == token
        assert json.loads(server.cli("whoami", "--json").stdout)["account"]["name"] == "owner"


@pytest.mark.slow
def test_a_killed_part_is_started_again(tmp_path):
    with running_server(tmp_path) as server:
        children = subprocess.run(
            ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True
        ).stdout.split()
        assert len(children) == 2, "web, and worker with beat and sequencer"
        for child in children:
            os.kill(int(child), signal.SIGKILL)

        end = time.monotonic() + 30
        while time.monotonic() < end:
            now = subprocess.run(
                ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True
            ).stdout.split()
            if len(now) == 2 and not set(now) & set(children) and server.healthy():
                break
            time.sleep(0.1)
        else:
            pytest.fail("not all of them came back")


def test_a_stranger_that_shares_the_port_is_not_taken_for_this_server(tmp_path):
    """Two servers that start at once may both find the port free; the system then spreads connections over them."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "log.vkey").write_text("ours/audit/default+00000000+AA\n")

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"vkey": "theirs/audit/default+11111111+BB"}')

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        with pytest.raises(CannotStart, match="Another Lineal server answers"):
            _refuse_stranger("127.0.0.1", stranger.server_port, tmp_path)
        stranger.shutdown()


def test_the_owner_can_have_another_link_on_the_server_itself(server, tmp_path):
    """Where nobody has the owner's token at hand; it signs in once, as the link of the start does."""
    link = server.cli("owner-link", "--home", server.home, env={"LINEAL_PUBLIC_URL": server.url}).stdout.strip()
    elsewhere = {"LINEAL_CREDENTIALS_FILE": str(tmp_path / "credentials.json")}

    assert link.startswith(f"{server.url}/login#")
    server.cli("login", link, env=elsewhere)
    assert "owner" in server.cli("whoami", "--url", server.url, env=elsewhere).stdout
    assert server.cli("login", link, env=elsewhere, code=None).returncode != 0
