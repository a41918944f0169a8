"""A command line with a home of its own, and a small real HTTP server that answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from lineal.cli import main

DIGEST = "sha256:" + "9f2c" * 16
OTHER_DIGEST = "sha256:" + "77aa" * 16
VKEY = "localhost/audit/default+12345678+AAAA"


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Drop:
    """An answer that never comes: the connection is closed once the request is in."""


class Reply(NamedTuple):
    """An answer with headers of its own."""

    document: Any
    headers: tuple[tuple[str, str], ...]
    status: int = 200


class FakeServer:
    """Answers `(method, path)` from a queue, whose last entry stays; what was asked is in `requests`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[tuple[str, str], list[Any]] = {}
        self.answer("GET", "/server", {"name": "lineal", "version": "1.0.0", "vkey": VKEY, "origin": "localhost"})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, method: str, path: str, *answers: Any) -> None:
        """Each answer is a JSON document (200), `(status, document)`, bytes, a `Reply`, or a `Drop`."""
        self._answers[method, path] = list(answers)

    def asked(self, method: str, path: str) -> list[Request]:
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _next(self, method: str, path: str) -> Any:
        queue = self._answers.get((method, path))
        if queue is None:
            return 404, problem(404, "not-found", f"no {method} {path} here")
        return queue.pop(0) if len(queue) > 1 else queue[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                path = parts.path.removeprefix("/api/v1")
                query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
                body = _json_or_bytes(raw, self.headers.get("Content-Type"))
                fake.requests.append(Request(self.command, path, query, dict(self.headers), body))
                answer = fake._next(self.command, path)
                if isinstance(answer, Drop):
                    self.close_connection = True
                    return
                self._reply(answer)

            def _reply(self, answer: Any) -> None:
                headers: tuple[tuple[str, str], ...] = ()
                if isinstance(answer, Reply):
                    document, headers, status = answer
                else:
                    status, document = answer if isinstance(answer, tuple) else (200, answer)
                payload = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response_only(status)
                if "Date" not in dict(headers):
                    self.send_header("Date", self.date_time_string())
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: Any) -> None:
                pass

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._serve)
        return Handler


def _json_or_bytes(raw: bytes, content_type: str | None) -> Any:
    return json.loads(raw) if raw and content_type == "application/json" else raw


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    return {"type": f"/problems/{code}", "title": code, "status": status, "detail": detail, "request_id": "r1", **extra}


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.close()


@pytest.fixture(autouse=True)
def cli_home(tmp_path, monkeypatch):
    """Nothing of the machine's own: no CI variables, no credentials, no delays between attempts."""
    home = tmp_path / "cli-home"
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "JENKINS_URL", "TF_BUILD", "GITHUB_STEP_SUMMARY",
                 "GITHUB_OUTPUT", "LINEAL_URL", "LINEAL_TOKEN", "LINEAL_PROJECT", "LINEAL_DEBUG"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LINEAL_SPOOL_DIR", str(home / "spool"))
    monkeypatch.setenv("LINEAL_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("LINEAL_CREDENTIALS_FILE", str(home / "config" / "credentials.json"))
    monkeypatch.setattr("lineal.cli.promotion_requests.RETRY_DELAYS_S", (0.0, 0.0))
    monkeypatch.setattr("lineal.cli.promotion_requests.FIRST_POLL_S", 0.01)
    return home


@pytest.fixture
def lineal() -> Callable[..., Result]:
    """`lineal("promote", …)`: run the command line; environment by keyword."""

    def run(*args: str, stdin: str | None = None, **environ: str) -> Result:
        return CliRunner().invoke(main, list(args), input=stdin, env=environ)

    return run


@pytest.fixture
def signed_in(server, monkeypatch) -> FakeServer:
    """The fake server, named by the environment and given a token."""
    monkeypatch.setenv("LINEAL_URL", server.url)
    monkeypatch.setenv("LINEAL_TOKEN", "lnl_test")
    return server


@pytest.fixture
def make_result() -> Callable[..., dict[str, Any]]:
    """`make_result("waiting")`: a result document as the server sends it."""

    def make(decision: str = "promoted", *, exit_code: int = 0, **changes: Any) -> dict[str, Any]:
        return {
            "schema": "/schemas/promotion/v1.json",
            "id": "0192a0b0-0000-7000-8000-000000000001",
            "decision": decision,
            "exit_code": exit_code,
            "idempotency_key": "k",
            "dry_run": False,
            "model": "fraud",
            "version": 42,
            "digest": DIGEST,
            "environment": "production",
            "previous": None,
            "gates": [{"id": "auc", "kind": "metric", "status": "pass", "observed": 0.934, "limit": 0.929}],
            "approvals": [],
            "receipt": {"uri": "/api/v1/receipts/1", "sha256": "ab"},
            **changes,
        }

    return make
