"""A whole server with JSON logs and traces, read by a real receiver of OTLP."""

import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.server import running_server

pytestmark = pytest.mark.server

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST_ID = "0192f0c4-5d5e-7000-8000-0123456789ab"


class Receiver(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps its spans as plain dictionaries."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans = []
        self.paths = set()
        self.arrived = threading.Condition()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for(self, holds, limit_s=40):
        with self.arrived:
            found = []
            assert self.arrived.wait_for(lambda: bool(found.append(holds(self.spans)) or found[-1]), limit_s), (
                self.spans
            )
            return found[-1]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        message = ExportTraceServiceRequest.FromString(body)
        with self.server.arrived:
            self.server.paths.add(self.path)
            for resource in message.resource_spans:
                service = _plain(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.server.spans += [_span(span, service) for span in scope.spans]
            self.server.arrived.notify_all()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def _span(span, service):
    return {
        "name": span.name,
        "kind": span.kind,
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "links": [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        "attributes": _plain(span.attributes),
        "service": service,
    }


def _plain(attributes):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture(scope="module")
def telling(receiver, tmp_path_factory):
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_SERVICE_NAME": "lineal-tests",
        "LINEAL_LOG_FORMAT": "json",
    }
    with running_server(tmp_path_factory.mktemp("telling"), **settings) as server:
        body = json.dumps({"name": "told"}).encode()
        headers = {
            "Authorization": f"Bearer {server.token}",
            "Content-Type": "application/json",
            "X-Request-Id": REQUEST_ID,
            "traceparent": f"00-{TRACE_ID}-{SPAN_ID}-01",
        }
        request = urllib.request.Request(f"{server.url}/api/v1/projects", data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 201
            assert response.headers["X-Request-Id"] == REQUEST_ID
        yield server


def the_request(spans):
    return next((s for s in spans if s["attributes"].get("lineal.request_id") == REQUEST_ID and s["kind"] == 2), None)


def test_a_request_is_a_span_of_the_callers_trace(telling, receiver):
    span = receiver.wait_for(the_request)

    assert (span["trace"], span["parent"]) == (TRACE_ID, SPAN_ID)
    assert span["name"] == "POST api/v1/projects"
    told = span["attributes"]
    assert (told["http.request.method"], told["http.route"], told["http.response.status_code"]) == (
        "POST",
        "api/v1/projects",
        201,
    )
    assert told["lineal.sql.queries"] > 3
    assert 0 < told["lineal.sql.duration_ms"] < 60_000
    assert span["service"]["service.name"] == "lineal-tests"
    assert span["service"]["service.instance.id"].startswith("web-")
    assert receiver.paths == {"/v1/traces"}


def test_the_job_that_it_promised_is_linked_to_it(telling, receiver):
    span = receiver.wait_for(the_request)
    job = receiver.wait_for(
        lambda spans: next(
            (s for s in spans if s["attributes"].get("lineal.request_id") == REQUEST_ID and s["kind"] == 5), None
        )
    )

    assert job["name"] == "job registry.begin_project"
    assert job["links"] == [(TRACE_ID, span["id"])]
    assert job["trace"] != TRACE_ID, "a job may come much later, and often: it has a trace of its own"
    assert job["service"]["service.instance.id"].startswith("worker-")


def lines_of(server, name):
    return [json.loads(line) for line in (server.home / "log" / f"{name}.log").read_text().splitlines()]


def test_request_and_job_can_be_found_in_the_logs_by_one_id(telling, receiver):
    receiver.wait_for(the_request)
    end = time.monotonic() + 40
    while not (done := [line for line in lines_of(telling, "worker") if line.get("request_id") == REQUEST_ID]):
        assert time.monotonic() < end
        time.sleep(0.2)

    (asked,) = [line for line in lines_of(telling, "web") if line.get("request_id") == REQUEST_ID]
    assert (asked["logger"], asked["route"], asked["status"]) == ("lineal.access", "api/v1/projects", 201)
    assert asked["trace_id"] == TRACE_ID
    assert done[0]["job"] == "registry.begin_project"


def test_every_process_logs_one_object_a_line(telling):
    """Celery and the sequencer, too; whatever is no object fails to be read here."""
    for path in (telling.home / "log").glob("*.log"):
        for line in lines_of(telling, path.stem):
            assert {"time", "level", "logger", "message"} <= set(line), line


def test_no_secret_is_in_any_log(telling):
    everything = b"".join(path.read_bytes() for path in (telling.home / "log").iterdir()).decode()

    assert "lineal.access" in everything
    for secret in (telling.token, telling.token[-43:], telling.link.partition("#")[2]):
        assert secret not in everything
