"""The transport sends the token to one origin alone, once that origin has shown its key, and says truly what became of a request."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from lineal import _credentials, _errors
from lineal._credentials import Target
from lineal._http import Transport, backoff_s, call

TOKEN = "lnl_secret_canary"


class Recorder(ThreadingHTTPServer):
    """Answers what it is told to, and remembers what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, Callable[[Any], None]] = {}
        self.vkey: str | None = "log+1+key"
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def authorised(self) -> list[str]:
        return [path for _, path, headers, _ in self.seen if TOKEN in str(headers)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        path = self.path.split("?")[0]
        if path == "/api/v1/server" and path not in self.server.answers:
            self.answer(200, {"name": "x", "vkey": self.server.vkey})
        else:
            self.server.answers.get(path, lambda handler: handler.answer(200, {"ok": True}))(self)

    def do_GET(self) -> None:
        self.handle_any()

    def do_POST(self) -> None:
        self.handle_any()

    def do_PUT(self) -> None:
        self.handle_any()

    def answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *arguments: Any) -> None:
        pass


def serving() -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture
def other() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture
def transport(server: Recorder) -> Iterator[Transport]:
    found = Transport(_credentials.get_target(server.url, TOKEN))
    yield found
    found.close()


def answering(status: int, document: Any, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(status, document, {name.replace("_", "-"): v for name, v in headers.items()})


def test_json_goes_out_and_comes_back(server: Recorder, transport: Transport) -> None:
    answer = transport.request("POST", "/runs", params={"project": "a b", "none": None}, json={"name": "ö"})

    method, path, headers, body = server.seen[-1]
    assert answer.json() == {"ok": True}
    assert (method, path, json.loads(body)) == ("POST", "/api/v1/runs?project=a+b", {"name": "ö"})
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"].startswith("lineal/")


def test_the_server_shows_its_key_before_it_sees_the_token(server: Recorder, transport: Transport) -> None:
    transport.request("GET", "/me")

    assert [path for _, path, _, _ in server.seen] == ["/api/v1/server", "/api/v1/me"]
    assert server.authorised() == ["/api/v1/me"]


def test_the_key_is_pinned_at_first_contact_and_another_one_refused(server: Recorder, transport: Transport) -> None:
    """Another user of this machine may have taken the port first."""
    transport.request("GET", "/me")
    server.seen.clear()
    server.vkey = "log+2+other"

    with pytest.raises(_errors.ServerKeyChanged, match=r"log\+1\+key"):
        Transport(_credentials.get_target(server.url, TOKEN)).request("GET", "/me")
    assert server.authorised() == []


def test_a_server_that_shows_no_key_any_more_is_refused(server: Recorder, transport: Transport) -> None:
    transport.request("GET", "/me")
    server.vkey = None

    with pytest.raises(_errors.ServerKeyChanged):
        Transport(_credentials.get_target(server.url, TOKEN)).request("GET", "/me")


def test_redirects_are_not_followed(server: Recorder, other: Recorder, transport: Transport) -> None:
    server.answers["/api/v1/me"] = answering(307, b"", Location=f"{other.url}/api/v1/me")

    with pytest.raises(_errors.LinealError, match="redirects"):
        transport.request("GET", "/me")
    assert other.seen == []


def test_a_download_follows_to_another_origin_without_the_token(
    server: Recorder, other: Recorder, transport: Transport
) -> None:
    server.answers["/api/v1/content"] = answering(302, b"", Location=f"{other.url}/bucket/key?signature=x")
    other.answers["/bucket/key"] = answering(200, b"bytes")

    with transport.download("/content") as pieces:
        assert b"".join(pieces) == b"bytes"
    assert server.authorised() == ["/api/v1/content"]
    assert other.authorised() == []


@pytest.mark.parametrize(
    ("status", "family"),
    [(403, _errors.ServerUnreachable), (503, _errors.ServerUnreachable), (404, _errors.LinealError)],
)
def test_a_link_that_leads_to_no_bytes_is_the_storages_trouble(
    server: Recorder, other: Recorder, transport: Transport, status: int, family: type[Exception]
) -> None:
    """A refusal of the storage is none of Lineal's: nobody is told that they may not read their own file."""
    server.answers["/api/v1/content"] = answering(302, b"", Location=f"{other.url}/bucket/key?signature=x")
    other.answers["/bucket/key"] = answering(status, b"<Code>Trouble</Code>")

    with pytest.raises(family, match="the storage at") as raised, transport.download("/content"):
        pass
    assert not isinstance(raised.value, _errors.ProblemError)
    assert "signature" not in str(raised.value)


def test_an_upload_to_another_origin_carries_no_token(server: Recorder, other: Recorder, transport: Transport) -> None:
    transport.request("PUT", f"{other.url}/bucket/key", body=b"part")

    assert [path for _, path, _, _ in other.seen] == ["/bucket/key"]
    assert other.authorised() == []


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (400, _errors.Malformed),
        (401, _errors.Unauthorized),
        (403, _errors.Forbidden),
        (404, _errors.NotFound),
        (409, _errors.Conflict),
        (413, _errors.TooLarge),
        (422, _errors.Invalid),
        (429, _errors.TooMany),
        (500, _errors.ServerError),
        (503, _errors.ServerError),
    ],
)
def test_a_problem_keeps_its_words(
    server: Recorder, transport: Transport, status: int, family: type[_errors.ProblemError]
) -> None:
    document = {
        "type": "/problems/sequence-gap",
        "detail": "Expected 4.",
        "request_id": "7f31",
        "errors": [{"field": "a.b", "detail": "missing"}],
        "expected": 4,
    }
    server.answers["/api/v1/me"] = answering(status, document)

    with pytest.raises(family) as caught:
        transport.request("GET", "/me")
    error = caught.value
    assert (error.status, error.type, error.detail) == (status, "/problems/sequence-gap", "Expected 4.")
    assert (error.request_id, error.extra, error.errors[0]["field"]) == ("7f31", {"expected": 4}, "a.b")
    assert str(error) == "Expected 4. [a.b: missing] (request 7f31)"


def test_an_answer_of_something_else_is_quoted(server: Recorder, transport: Transport) -> None:
    server.answers["/api/v1/me"] = answering(502, b"<html>Bad gateway</html>")

    with pytest.raises(_errors.ServerError, match="Bad gateway"):
        transport.request("GET", "/me")


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

    with pytest.raises(_errors.ServerUnreachable, match="cannot be reached") as caught:
        Transport(_credentials.get_target(url, TOKEN)).request("POST", "/runs", json={})
    assert not isinstance(caught.value, _errors.OutcomeUnknown)


def test_a_lost_answer_to_an_act_has_an_unknown_outcome(server: Recorder, transport: Transport) -> None:
    """The act may have been carried out, so nobody may repeat it blindly."""
    server.answers["/api/v1/models/m/promotions"] = Handler.hang_up

    with pytest.raises(_errors.OutcomeUnknown):
        call(transport, "POST", "/models/m/promotions", json={})
    assert len([path for _, path, _, _ in server.seen if path.endswith("promotions")]) == 1


def test_a_lost_answer_to_a_question_is_asked_for_again(server: Recorder, transport: Transport) -> None:
    def once(handler: Handler) -> None:
        del server.answers["/api/v1/me"]
        handler.hang_up()

    server.answers["/api/v1/me"] = once

    assert call(transport, "GET", "/me").json() == {"ok": True}


def test_a_busy_server_is_waited_for_as_it_asks(server: Recorder, transport: Transport) -> None:
    def once(handler: Handler) -> None:
        del server.answers["/api/v1/me"]
        handler.answer(429, {"detail": "later"}, {"Retry-After": "0"})

    server.answers["/api/v1/me"] = once

    assert call(transport, "POST", "/me", json={}).json() == {"ok": True}


def test_patience_ends_with_the_servers_own_words(server: Recorder, transport: Transport) -> None:
    server.answers["/api/v1/me"] = answering(429, {"detail": "later"}, Retry_After="3600")

    with pytest.raises(_errors.TooMany, match="later"):
        call(transport, "GET", "/me", patience_s=1)


def test_backoff_grows_to_its_bound() -> None:
    assert 0.125 <= backoff_s(1) <= 0.5
    assert all(backoff_s(attempt) <= 60 for attempt in (5, 50, 5000))


def test_numbers_that_json_cannot_spell_are_not_sent(transport: Transport) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        transport.request("POST", "/runs", json={"lr": float("nan")})


@pytest.mark.parametrize(("method", "error"), [("POST", _errors.OutcomeUnknown), ("PUT", _errors.ServerError)])
def test_a_database_lost_at_commit_is_an_unknown_outcome_unless_asking_again_is_safe(
    server: Recorder, transport: Transport, method: str, error: type[Exception]
) -> None:
    """The server's 503 says that the change may have been made: sending it again by itself could make it twice."""
    document = {"type": "/problems/outcome-unknown", "status": 503, "detail": "it may have been made or not"}
    server.answers["/api/v1/runs"] = answering(503, document, Retry_After="2")

    with pytest.raises(error, match="may have been made"):
        transport.request(method, "/runs", json={})


def test_a_storage_at_an_address_that_begins_like_the_servers_is_none_of_its_own():
    """`…:90` is another host's address than `…:9`, with a proxy of its own, and errors are about it."""
    transport = Transport(Target("http://127.0.0.1:9", "http://127.0.0.1:9", "lnl_token", None, None))

    with pytest.raises(_errors.StorageUnreachable, match=r"the storage at http://127\.0\.0\.1:90 cannot"):
        transport.store("http://127.0.0.1:90/bucket/key", body=b"", headers={}, timeout_s=1.0)
    assert list(transport._pools) == ["http://127.0.0.1:90"]
