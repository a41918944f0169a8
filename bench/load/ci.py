"""A pipeline: registers what a run left, plans and makes the promotion, polls its result by ETag, takes the receipt."""

from base64 import b64decode
from typing import Any
from uuid import uuid4

import gevent
import orjson
from locust import between, task

from bench.load.answers import differs
from bench.load.training import Training

POLLS = 60


class Pipeline(Training):
    """It trains nothing itself; from training code it takes how a file is sent."""

    weight = 2
    wait_time = between(0.5, 2.0)

    def on_start(self) -> None:
        self.model = f"load-{uuid4().hex[:8]}"

    @task
    def train(self) -> None:  # the inherited task is replaced by this one
        run = uuid4().hex
        wish = {"id": run, "experiment": "pipelines"}
        self.ask("POST", "runs", "start run", ok=(201,), json=wish, check=differs(id=run))
        self.upload(run, "model.bin", f"build {run}".encode() * 100)
        self.ask("POST", f"runs/{run}/finish", "finish run", json={"status": "finished"})
        version = self._register(run)
        self._promote(version)
        self.environment.registered.append((self.model, version["number"], run))

    def _register(self, run: str) -> Any:
        wish = {"run": run, "artifact": "model.bin"}
        path = f"models/{self.model}/versions"
        known = differs(model=self.model, run=run)
        version = self.ask("POST", path, "register version", ok=(201,), json=wish, check=known)
        return self.ask_until(
            f"{path}/{version['number']}", "await verified bytes", lambda body: body["lifecycle"] == "verified"
        )

    def _promote(self, version: Any) -> None:
        wish = {"version": version["digest"], "environment": "production", "reason": "load", "dry_run": True}
        path = f"models/{self.model}/promotions"
        planned = differs(dry_run=True, id=None, decision="promoted", digest=version["digest"], exit_code=0)
        self.ask("POST", path, "plan promotion", json=wish, check=planned)
        wish |= {"dry_run": False, "idempotency_key": f"{self.model}/{version['number']}"}
        done = differs(decision="promoted", digest=version["digest"], exit_code=0)
        result = self.ask("POST", path, "promote", ok=(201,), json=wish, check=done)
        self.ask("POST", path, "promote again", json=wish, check=differs(id=result["id"], decision="promoted"))
        receipt = self._poll_receipt(f"promotions/{result['id']}")
        self.ask(
            "GET", receipt["uri"].removeprefix("/api/v1/"), "take receipt", check=lambda body: _is_of(body, version)
        )

    def _poll_receipt(self, path: str) -> Any:
        """As a pipeline polls: what has not changed comes as 304, without a body."""
        etag = ""
        for _ in range(POLLS):
            headers = {"Authorization": f"Bearer {self.environment.token}"}
            if etag:
                headers["If-None-Match"] = etag
            with self.client.request(
                "GET", f"/api/v1/{path}", name="poll promotion", headers=headers, catch_response=True
            ) as answer:
                if answer.status_code == 200:
                    etag, receipt = answer.headers.get("etag", ""), orjson.loads(answer.content)["receipt"]
                    if not etag:
                        answer.failure("no ETag")
                    elif receipt["status"] == "issued":
                        return receipt
                elif answer.status_code == 304 and etag:
                    answer.success()
                else:
                    answer.failure(f"{answer.status_code}: {str(answer.text)[:200]}")
            gevent.sleep(0.5)
        self.count_failure("poll promotion (in time)", "no receipt")
        raise RuntimeError(f"no receipt for {path}")


def _is_of(body: Any, version: Any) -> str | None:
    statement = orjson.loads(b64decode(body["payload"]))
    digests = [f"sha256:{subject['digest'].get('sha256')}" for subject in statement["subject"]]
    return None if version["digest"] in digests else f"a receipt of {digests}, not of {version['digest']}"
