"""Waits for a trigger's message and starts the training that it asks for: what a CI system does, in sixty lines.

    LINEAL_TRIGGER_SECRET=whsec_… python examples/retrain_on_alert.py PORT COMMAND…

Messages are signed as Standard Webhooks has it; one without a good signature is answered 401 and starts nothing. The
command runs once for each cause, with LINEAL_CAUSED_BY set, so the run that it logs leads back to the alert.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

FRESH_S = 300  # an older message is somebody's copy


def is_signed(headers: Any, body: bytes, secret: str) -> bool:
    """Does the signature cover the id, the time and these bytes, and is the time near?"""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > FRESH_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    covered = f"{headers.get('webhook-id')}.{sent_at}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(key, covered, hashlib.sha256)).decode()
    return any(hmac.compare_digest(wanted, each) for each in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    """Answers at once and trains after that: a sender does not wait for a training."""

    started: set[str] = set()
    training: list[str] = []
    secret = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        signed = is_signed(self.headers, body, self.secret)
        self.send_response(202 if signed else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if signed:
            self.retrain(json.loads(body)["data"])

    def retrain(self, data: dict[str, Any]) -> None:
        cause = data["caused_by"]
        if cause in self.started:
            return
        self.started.add(cause)
        print(f"asked to retrain because of: {data['cause']['label']}", flush=True)
        subprocess.run(self.training, env=os.environ | {"LINEAL_CAUSED_BY": cause}, check=False)

    def log_message(self, *_: Any) -> None:
        """Silent: what matters is printed above."""


if __name__ == "__main__":
    Receiver.secret, Receiver.training = os.environ["LINEAL_TRIGGER_SECRET"], sys.argv[2:]
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
