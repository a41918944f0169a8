"""What every user of the load does with an answer: its status and its content are both looked at, and either can fail it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import gevent
import orjson
from locust import FastHttpUser
from locust.exception import RescheduleTask

JSON = ("application/json", "application/problem+json", "application/vnd.in-toto+dsse")
Check = Callable[[Any], str | None]  # of the parsed body; what is wrong with it


class Caller(FastHttpUser):
    """Speaks REST with the owner's token. A request that fails ends the task, since what follows would build on it."""

    abstract = True
    connection_timeout = 30.0
    network_timeout = 60.0

    def ask(
        self,
        method: str,
        path: str,
        name: str,
        *,
        ok: tuple[int, ...] = (200,),
        check: Check | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The parsed JSON of the answer (None where it has none), counted under `name`."""
        sent = {"Authorization": f"Bearer {self.environment.token}", **(headers or {})}
        if json is not None:
            data, sent = orjson.dumps(json), {"Content-Type": "application/json", **sent}
        with self.client.request(
            method, f"/api/v1/{path}", name=name, data=data, headers=sent, catch_response=True
        ) as answer:
            trouble = None
            if answer.status_code not in ok:
                trouble = f"{answer.status_code}: {str(answer.text)[:200]}"
            body = _parsed(answer) if trouble is None else None
            if trouble is None and check is not None:
                trouble = check(body)
            if trouble is None:
                answer.success()  # a refusal that was asked for is one
            else:
                answer.failure(trouble)
        if trouble is not None:
            raise RescheduleTask
        return body

    def ask_until(self, path: str, name: str, done: Callable[[Any], bool], limit_s: float = 40) -> Any:
        """Ask again, ever more slowly, until it is so. Fails the request kind `name (in time)` if it never is."""
        begun, pause = time.monotonic(), 0.1
        while True:
            body = self.ask("GET", path, name)
            if done(body):
                return body
            if time.monotonic() - begun > limit_s:
                self.count_failure(f"{name} (in time)", f"not after {limit_s:.0f} s")
                raise RescheduleTask
            gevent.sleep(pause)
            pause = min(2 * pause, 2)

    def count_failure(self, name: str, what: str) -> None:
        self.environment.events.request.fire(
            request_type="WAIT", name=name, response_time=0, response_length=0, exception=RuntimeError(what), context={}
        )


def _parsed(answer: Any) -> Any:
    kind = answer.headers.get("content-type", "") if answer.headers else ""
    if not answer.content or kind.partition(";")[0] not in JSON:
        return answer.content
    return orjson.loads(answer.content)


def differs(**expected: Any) -> Check:
    """A check that these fields are so."""

    def check(body: Any) -> str | None:
        wrong = {name: body.get(name) for name, value in expected.items() if body.get(name) != value}
        return f"expected {expected}, found {wrong}" if wrong else None

    return check
