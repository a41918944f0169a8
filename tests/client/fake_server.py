"""A small Lineal server in this process: tracking's routes with their sequences, gaps and repeats, and trouble on request."""

import hashlib
import json
import re
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

TOKEN = "lnl_fake"
VKEY = "fake.example+00000000+AAAA"

Point = tuple[int, int, float]


class Problem(Exception):
    def __init__(self, status: int, code: str, headers: dict[str, str] | None = None, **extra: Any) -> None:
        self.status, self.code, self.headers, self.extra = status, code, headers or {}, extra


@dataclass
class Answer:
    """Of a route that says more than a document."""

    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Drop(Exception):
    """The connection breaks without an answer."""


@dataclass
class FakeRun:
    body: dict[str, Any]
    status: str = "running"
    points: dict[str, list[Point]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    writers: dict[str, int] = field(default_factory=dict)
    finishes: list[dict[str, Any]] = field(default_factory=list)

    def values(self, key: str) -> list[float]:
        return [value for _, _, value in self.points.get(key, [])]


@dataclass
class Fault:
    """Trouble for the next `times` requests whose "METHOD path" matches `route`; `after`: once the request was carried out."""

    route: str
    act: Callable[[], None]
    times: int
    after: bool = False


class FakeServer:
    """Start it with `with FakeServer() as server`; what was stored is in `runs`, what was asked in `requests`."""

    def __init__(self) -> None:
        self.more_routes: list[tuple[str, str, Callable[..., Any]]] = []
        self.runs: dict[str, FakeRun] = {}
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.batch_sizes: list[int] = []
        self.packs = False  # whether small files may come together
        self.lock = threading.RLock()
        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._httpd.daemon_threads = True
        self._httpd.block_on_close = False
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._httpd.server_address[1]}"

    def __enter__(self) -> "FakeServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()

    # -- trouble ------------------------------------------------------------------------------------------------------

    def refuse(self, route: str, status: int, code: str = "trouble", *, times: int = 1, **headers: str) -> None:
        """Answer with a problem; `retry_after="0"` becomes a header."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        def act() -> None:
            raise Problem(status, code, sent)

        self.faults.append(Fault(route, act, times))

    def drop(self, route: str, *, times: int = 1, after: bool = True) -> None:
        """Break the connection, by default between commit and answer."""

        def act() -> None:
            raise Drop

        self.faults.append(Fault(route, act, times, after))

    def meet_faults(self, request: str, *, after: bool) -> None:
        with self.lock:
            for fault in self.faults:
                if fault.after == after and fault.times > 0 and re.search(fault.route, request):
                    fault.times -= 1
                    fault.act()

    # -- routes -------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, headers: Mapping[str, str]) -> Any:
        for verb, pattern, route in [*self.more_routes, *ROUTES]:
            found = re.fullmatch(f"/api/v1{pattern}", path)
            if verb == method and found:
                with self.lock:
                    self.headers = headers
                    return route(self, *found.groups(), query=query, body=body)
        raise Problem(404, "no-such-route", path=path)

    def run(self, run: str) -> FakeRun:
        if run not in self.runs:
            raise Problem(404, "run-not-found")
        return self.runs[run]

    def create(self, *, query: dict[str, str], body: bytes) -> Any:
        given = json.loads(body)
        known = given["id"] in self.runs
        run = self.runs.setdefault(given["id"], FakeRun(given))
        return {"id": given["id"], "status": run.status, "known": known}

    def show(self, run: str, *, query: dict[str, str], body: bytes) -> Any:
        found = self.run(run)
        ended = found.finishes[-1].get("ended_at") if found.finishes and found.status != "running" else None
        return {"id": run, "status": found.status, "client_ended_at": ended}

    def resume(self, run: str, *, query: dict[str, str], body: bytes) -> Any:
        self.run(run).status = "running"
        return {"id": run, "status": "running"}

    def batch(self, run: str, *, query: dict[str, str], body: bytes) -> Any:
        found, batch = self.run(run), msgspec.msgpack.decode(body)
        writer, sequence = batch["writer"], batch["sequence"]
        last = found.writers.get(writer, 0)
        if sequence <= last:
            return {"last_sequence": last, "repeated": True, "rejected": []}
        if sequence != last + 1:
            raise Problem(409, "sequence-gap", expected=last + 1)
        found.writers[writer] = sequence
        self.batch_sizes.append(len(body))
        for columns in batch.get("metrics", []):
            found.points.setdefault(columns["key"], []).extend(_points(columns))
        rejected = [
            {"kind": "param", "key": key, "detail": "conflict", "stored": found.params[key], "given": value}
            for key, value in batch.get("params", {}).items()
            if found.params.get(key, value) != value
        ]
        found.params = {**batch.get("params", {}), **found.params}
        found.tags |= batch.get("tags", {})
        found.inputs += batch.get("inputs", [])
        return {"last_sequence": sequence, "repeated": False, "rejected": rejected}

    def finish(self, run: str, *, query: dict[str, str], body: bytes) -> Any:
        found, given = self.run(run), json.loads(body)
        found.status = given["status"]
        found.finishes.append(given)
        return {"id": run, "status": found.status}

    def announce(self, run: str, *, query: dict[str, str], body: bytes) -> Any:
        found = self.run(run)
        files = json.loads(body)["files"]
        assert len(files) <= 1000
        if any(file["path"].startswith("bad") for file in files):
            raise Problem(422, "invalid")
        answers = []
        for file in files:
            if file["sha256"] in self.blobs:
                found.artifacts[file["path"]] = self.blobs[file["sha256"]]
                answers.append({"path": file["path"], "state": "have", "upload": None})
                continue
            number = hashlib.sha256(f"{run} {file['path']} {file['sha256']}".encode()).hexdigest()[:32]
            upload = self.uploads.setdefault(number, {**file, "run": run, "data": b""})
            ticket = {"id": number, "url": f"/api/v1/uploads/{number}", "offset": len(upload["data"])}
            answers.append({"path": file["path"], "state": "upload", "upload": ticket})
        pack = {"url": f"/api/v1/runs/{run}/artifacts/pack", "file_bytes": 256 << 10, "bytes": 4 << 20}
        return {"files": answers, **({"pack": pack} if self.packs else {})}

    def receive_pack(self, run: str, *, query: dict[str, str], body: bytes) -> Any:
        files = msgspec.msgpack.decode(body)["files"]
        for file in files:
            self.uploads[file["upload"]]["data"] = file["data"]
            self.commit(file["upload"], query=query, body=b"")
        return {"files": [{"upload": file["upload"], "detail": None} for file in files]}

    def receive(self, number: str, *, query: dict[str, str], body: bytes) -> Any:
        upload, offset = self.uploads[number], int(query["offset"])
        if offset > len(upload["data"]):
            raise Problem(409, "upload-offset", offset=len(upload["data"]))
        upload["data"] = upload["data"][:offset] + body
        return {"offset": len(upload["data"])}

    def commit(self, number: str, *, query: dict[str, str], body: bytes) -> Any:
        upload = self.uploads[number]
        if len(upload["data"]) != upload["size"]:
            raise Problem(409, "upload-incomplete", offset=len(upload["data"]))
        if hashlib.sha256(upload["data"]).hexdigest() != upload["sha256"]:
            upload["data"] = b""
            raise Problem(422, "checksum-mismatch")
        self.blobs[upload["sha256"]] = upload["data"]
        self.runs[upload["run"]].artifacts[upload["path"]] = upload["data"]
        return {"path": upload["path"], "state": "unverified"}

    def register(self, model: str, *, query: dict[str, str], body: bytes) -> Any:
        given = json.loads(body)
        found = self.run(given["run"])
        below = {
            path.removeprefix(f"{given['artifact']}/"): data
            for path, data in found.artifacts.items()
            if path == given["artifact"] or path.startswith(f"{given['artifact']}/")
        }
        if not below:
            raise Problem(422, "no-such-artifact")
        lines = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(below.items()))
        digest = f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
        return {
            "model": model,
            "number": 1,
            "digest": digest,
            "lifecycle": "candidate",
            "run": given["run"],
            "url": f"/models/{model}/versions/1",
            "signature": given.get("signature"),
        }


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("POST", "/runs", FakeServer.create),
    ("GET", "/runs/([^/]+)", FakeServer.show),
    ("POST", "/runs/([^/]+)/resume", FakeServer.resume),
    ("POST", "/runs/([^/]+)/batches", FakeServer.batch),
    ("POST", "/runs/([^/]+)/finish", FakeServer.finish),
    ("POST", "/runs/([^/]+)/artifacts", FakeServer.announce),
    ("POST", "/runs/([^/]+)/artifacts/pack", FakeServer.receive_pack),
    ("PUT", "/uploads/([^/]+)", FakeServer.receive),
    ("POST", "/uploads/([^/]+)/commit", FakeServer.commit),
    ("POST", "/models/([^/]+)/versions", FakeServer.register),
]


def _points(columns: dict[str, Any]) -> list[Point]:
    count = len(columns["steps"]) // 8
    unpacked = [struct.unpack(f"<{count}{code}", columns[name]) for name, code in _COLUMNS]
    return list(zip(*unpacked, strict=True))


_COLUMNS = (("steps", "q"), ("times", "q"), ("values", "d"))


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Tests read `requests` instead."""

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if parts.path == "/api/v1/server":
                self.send(200, {"name": "lineal", "version": "0", "vkey": VKEY, "origin": "fake.example"})
                return
            request = f"{self.command} {parts.path}"
            server.requests.append(request)
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Problem(401, "unauthenticated")
                server.meet_faults(request, after=False)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                answer = server.answer(self.command, parts.path, query, body, self.headers)
                server.meet_faults(request, after=True)
            except Drop:
                self.close_connection = True
            except Problem as problem:
                document = {"type": f"/problems/{problem.code}", "status": problem.status, **problem.extra}
                self.send(problem.status, document, problem.headers)
            else:
                found = answer if isinstance(answer, Answer) else Answer(200, answer)
                self.send(found.status, found.document, found.headers)

        do_GET = do_POST = do_PUT = handle_any

        def send(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(document).encode() if status != 304 else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    return Handler
