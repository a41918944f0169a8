"""Small real servers that stand for what triggers start. Each accepts a request only as its API's documentation has it,
and answers as that API does; what was taken is in `taken`, everything that came in `requests`.
"""

import base64
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


class Refusal(Exception):
    """The status and words that the real service would answer with."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Receiver:
    """`answers` holds statuses to give before anything else, as a service in trouble does."""

    def __init__(self):
        self.requests, self.taken, self.answers = [], [], []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def take(self, path, headers, body):
        """The status and document of the answer, or a Refusal."""
        raise NotImplementedError

    def _answer(self, path, headers, body):
        self.requests.append((path, headers, body))
        if self.answers:
            return self.answers.pop(0), {"message": "in trouble"}
        try:
            return self.take(path, headers, body)
        except Refusal as refusal:
            return refusal.status, {"message": str(refusal)}

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, document = receiver._answer(urlsplit(self.path).path, self.headers, body)
                payload = b"" if status == 204 else json.dumps(document).encode()
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.address}/elsewhere")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        return Handler


def want(condition, status, message):
    if not condition:
        raise Refusal(status, message)


class GitHub(Receiver):
    """POST /repos/{owner}/{repo}/dispatches (REST API 2022-11-28)."""

    token, repository = "ghp_canary", "acme/fraud"

    def take(self, path, headers, body):
        want(headers["Authorization"] == f"Bearer {self.token}", 401, "Bad credentials")
        want(path == f"/repos/{self.repository}/dispatches", 404, "Not Found")
        want(headers["Accept"] == "application/vnd.github+json", 415, "Unsupported 'Accept' header")
        want(headers["X-GitHub-Api-Version"] == "2022-11-28", 400, "Unsupported API version")
        want(headers["User-Agent"], 403, "Request forbidden by administrative rules")
        document = json.loads(body)
        want(set(document) <= {"event_type", "client_payload"}, 422, "Invalid request")
        want(0 < len(document["event_type"]) <= 100, 422, "event_type is too long")
        want(len(document["client_payload"]) <= 10, 422, "No more than 10 properties are allowed")
        want(len(body) < 64 * 1024, 422, "client_payload is too large")
        self.taken.append(document)
        return 204, None


class GitLab(Receiver):
    """POST /api/v4/projects/{id}/trigger/pipeline (API v4), a form."""

    token, project, ref = "glptt-canary", "acme/fraud", "main"

    def take(self, path, headers, body):
        want(headers["Content-Type"] == "application/x-www-form-urlencoded", 415, "Unsupported media type")
        prefix, suffix = "/api/v4/projects/", "/trigger/pipeline"
        want(path.startswith(prefix) and path.endswith(suffix), 404, "404 Not Found")
        project = path.removeprefix(prefix).removesuffix(suffix)
        want("/" not in project and unquote(project) == self.project, 404, "404 Project Not Found")
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        want(form.get("token") == self.token, 404, "404 Not found")
        want(form.get("ref") == self.ref, 400, "Reference not found")
        variables = {key[10:-1]: value for key, value in form.items() if key.startswith("variables[")}
        want(len(variables) == len(form) - 2, 400, "unknown parameters")
        self.taken.append(variables)
        return 201, {
            "id": len(self.taken),
            "status": "pending",
            "ref": self.ref,
            "web_url": "https://gitlab/pipelines/1",
        }


class Airflow(Receiver):
    """POST /api/v1/dags/{dag}/dagRuns (Airflow 2) and /api/v2/dags/{dag}/dagRuns with /auth/token (Airflow 3)."""

    user, password, dag = "lineal", "airflow canary:äß", "retrain fraud"
    issued = "eyJhbGciOi.canary"

    def take(self, path, headers, body):
        document = json.loads(body)
        want(headers["Content-Type"] == "application/json", 415, "Unsupported media type")
        if path == "/auth/token":
            want(document == {"username": self.user, "password": self.password}, 401, "Invalid credentials")
            return 201, {"access_token": self.issued}
        _, _, version, _, dag, last = path.split("/")
        want(last == "dagRuns" and unquote(dag) == self.dag, 404, "DAG not found")
        self._check(version, headers["Authorization"], document)
        want(document["dag_run_id"] not in [run["dag_run_id"] for run in self.taken], 409, "DAGRun already exists")
        self.taken.append(document)
        return 200, {"dag_id": self.dag, "dag_run_id": document["dag_run_id"], "state": "queued"}

    def _check(self, version, authorization, document):
        basic = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        bearer = f"Bearer {self.issued}"
        want(authorization in {bearer, basic} if version == "v1" else authorization == bearer, 401, "Unauthorized")
        known = {"dag_run_id", "conf", "logical_date", "note"} if version == "v1" else {
            "dag_run_id", "conf", "logical_date", "note", "run_after", "data_interval_start", "data_interval_end"
        }  # fmt: skip
        want(set(document) <= known, 422, "Extra inputs are not permitted")
        want(version == "v1" or "logical_date" in document, 422, "logical_date: Field required")


class Webhook(Receiver):
    """Any address, signed as the Standard Webhooks specification has it; checked here without our own code."""

    secret = "whsec_" + base64.b64encode(b"canary secret of 32 bytes or so!").decode()

    def take(self, path, headers, body):
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        want(hmac.compare_digest(headers["webhook-signature"], expected), 401, "signature")
        want(path == "/retrain", 404, "path")
        self.taken.append((headers["webhook-id"], json.loads(body)))
        return 202, {"ok": True}


@contextmanager
def running(receiver_class):
    receiver = receiver_class()
    try:
        yield receiver
    finally:
        receiver.close()
