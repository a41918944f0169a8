"""Training code: a run with params, batches of metrics by exact-once numbers, a small file, an end; and the run read back."""

import random
from hashlib import sha256
from typing import Any
from uuid import uuid4

import gevent
from locust import between, task

from bench.load.answers import Caller, differs
from bench.load.metrics import BATCHES, KEYS, STEPS, Logged, batch, columns

PACKED = {"Content-Type": "application/x-msgpack"}
REPEATED = 0.15  # of batches are sent again, as after an answer that was lost
SKIPPED = 0.05  # of batches come first with a number that is not their turn


class Training(Caller):
    weight = 6
    wait_time = between(0.2, 1.0)

    @task
    def train(self) -> None:
        run, writer = uuid4().hex, uuid4().hex
        wish = {"id": run, "experiment": "load", "params": {"lr": 0.01, "seed": run[:8]}, "tags": {"by": "load"}}
        self.ask("POST", "runs", "start run", ok=(201,), json=wish, check=differs(id=run, status="running"))
        logged = self.environment.logged[run] = Logged(writer)
        for sequence in range(1, BATCHES + 1):
            self._log(run, logged, sequence)
            gevent.sleep(random.uniform(0.05, 0.3))
        digest = self.upload(run, "model.bin", f"weights of {run}".encode() * 40)
        self.ask("POST", f"runs/{run}/finish", "finish run", json={"status": "finished"}, check=_is_sealed)
        self.ask("GET", f"runs/{run}", "read run", check=lambda body: _is_whole(body, logged))
        self.environment.finished.append((run, digest))

    def _log(self, run: str, logged: Logged, sequence: int) -> None:
        path, body = f"runs/{run}/batches", batch(logged.writer, sequence)
        if random.random() < SKIPPED:
            ahead = batch(logged.writer, sequence + 1)
            gap = differs(expected=sequence)
            self.ask("POST", path, "log batch out of turn", ok=(409,), data=ahead, headers=PACKED, check=gap)
        logged.in_flight = sequence
        stored = differs(last_sequence=sequence, repeated=False, rejected=[])
        self.ask("POST", path, "log batch", data=body, headers=PACKED, check=stored)
        logged.acknowledged = sequence
        if random.random() < REPEATED:
            again = differs(last_sequence=sequence, repeated=True)
            self.ask("POST", path, "log batch again", data=body, headers=PACKED, check=again)

    def upload(self, run: str, path: str, content: bytes) -> str:
        digest = sha256(content).hexdigest()
        wish = {"files": [{"path": path, "size": len(content), "sha256": digest}]}
        answer = self.ask("POST", f"runs/{run}/artifacts", "announce file", json=wish)
        ticket = answer["files"][0]["upload"]
        self.ask(
            "PUT",
            f"uploads/{ticket['id']}?offset=0",
            "send file",
            data=content,
            headers={"Content-Type": "application/octet-stream"},
            check=differs(offset=len(content)),
        )
        self.ask("POST", f"uploads/{ticket['id']}/commit", "commit file", check=differs(path=path, sha256=digest))
        return digest


def _is_sealed(body: Any) -> str | None:
    if body["status"] != "finished":
        return f"the run is {body['status']}"
    return None if body["sealed"] and body["seal"]["number"] == 1 else f"seal: {body['seal']}, sealed: {body['sealed']}"


def _is_whole(body: Any, logged: Logged) -> str | None:
    count = BATCHES * STEPS
    last = columns(logged.writer, BATCHES, KEYS[-1])[2][-1]
    found = body["metrics"].get(KEYS[-1], {})
    if set(body["metrics"]) != set(KEYS) or found["count"] != count or found["last"] != last:
        return f"metrics {sorted(body['metrics'])}, of {KEYS[-1]} {found}; expected {count} points up to {last}"
    return None if body["params"]["lr"] == 0.01 else f"params: {body['params']}"
