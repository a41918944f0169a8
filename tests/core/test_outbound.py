"""The one outbound client: it goes where it was told, and never into the server's own network."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import outbound
from core.outbound import ANSWER_BYTES, OutboundFailed, OutboundRefused, send
from tests.rooms import rooms


@pytest.fixture
def echo(settings):
    """A server on loopback, which is listed for this test; what it was asked is in `.asked`."""
    settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            status = int(self.path[1:4])
            self.send_response(status)
            self.send_header("X-Answer", "yes")
            if status == 302:
                self.send_header("Location", "/200")
            self.end_headers()
            self.wfile.write(b"x" * (ANSWER_BYTES + 10))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def post(url):
    return send("POST", url, headers={"X-Ours": "1"}, body=b"hello", timeout_s=2)


def test_a_request_is_sent_and_its_answer_bounded(echo):
    answer = post(f"{echo.url}/200/path?query=1")

    (path, headers, body) = echo.asked[0]
    assert (path, headers["X-Ours"], headers["User-Agent"], body) == ("/200/path?query=1", "1", "lineal", b"hello")
    assert headers["Host"] == echo.url.removeprefix("http://")
    assert (answer.status, answer.headers["X-Answer"], len(answer.body)) == (200, "yes", ANSWER_BYTES)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_error_is_an_answer_and_a_redirect_is_not_followed(echo, status):
    assert post(f"{echo.url}/{status}").status == status
    assert len(echo.asked) == 1


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "::10.0.0.1",
    "2002:a00:1::", "2001:0:a00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(settings, monkeypatch, address):
    settings.OUTBOUND_ALLOW = []
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it connected"))

    with pytest.raises(OutboundRefused, match=r"jobs\.example\.org"):
        post("http://jobs.example.org/")


def test_one_inner_address_among_public_ones_is_enough_to_refuse(settings, monkeypatch):
    settings.OUTBOUND_ALLOW = []
    found = [(socket.AF_INET, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(OutboundRefused):
        post("http://jobs.example.org/")


def test_the_connection_is_made_to_the_address_that_was_checked(settings, monkeypatch):
    """A name server that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    settings.OUTBOUND_ALLOW = []
    asked, connected = [], []

    def resolve(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", port))]

    def connect(address, timeout):
        connected.append(address)
        raise ConnectionRefusedError("as far as it goes")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)

    with pytest.raises(OutboundFailed, match="ConnectionRefusedError"):
        post("http://jobs.example.org/")

    assert (asked, connected) == (["jobs.example.org"], [("93.184.216.34", 80)])


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost"])
def test_listed_hosts_and_networks_may_be_reached(echo, settings, entry):
    settings.OUTBOUND_ALLOW = [entry]
    port = echo.server_address[1]

    assert post(f"http://localhost:{port}/200").status == 200


@pytest.mark.parametrize(
    "url",
    [
        "", "jobs.example.org", "//jobs.example.org", "ftp://example.org/", "file:///etc/passwd", "gopher://x/",
        "http://", "http://user:pw@example.org/", "http://example.org:99999/", "http://example.org:x/", "http://[::1/",
        "http://exa mple.org/", "http://example.org\\@127.0.0.1/", "http://example.org/\r\nHost: x", "http://ex\u0430mple.org/",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(OutboundRefused):
        post(url)


def test_a_name_without_an_address_has_failed(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(OutboundFailed, match="has no address"):
        post("http://absent.example/")


def test_silence_has_an_end(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(OutboundFailed, match=r"timed out|longer than"):
            send("POST", f"http://127.0.0.1:{silent.getsockname()[1]}/", headers={}, body=b"", timeout_s=0.1)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_an_answer_that_trickles_has_an_end(settings, said):
    """A byte now and then keeps a socket's own time-out from ever passing."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    over = threading.Event()
    with socket.socket() as slow:
        slow.bind(("127.0.0.1", 0))
        slow.listen()

        def trickle():
            connection, _ = slow.accept()
            with connection:
                connection.sendall(said)
                while not over.wait(0.05):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(OutboundFailed, match=r"longer than 0\.4 s"):
            send("POST", f"http://127.0.0.1:{slow.getsockname()[1]}/", headers={}, body=b"", timeout_s=0.4)
        over.set()
        thread.join(timeout=5)

    assert time.monotonic() - begun < 3


def test_the_module_has_no_other_way_out():
    """One choke point: nothing else in the server imports a client of HTTP."""
    import ast
    from pathlib import Path

    root = Path(outbound.__file__).parents[1]
    clients = {"http.client", "urllib.request", "urllib3", "requests", "httpx", "aiohttp"}
    for room in rooms(but="config"):  # whose commands ask the server that they have just started
        for path in (root / room).rglob("*.py"):
            names = {
                alias.name if isinstance(node, ast.Import) else node.module
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            assert path.name == "outbound.py" or not names & clients, path
