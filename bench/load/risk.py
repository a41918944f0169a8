"""Risk: reads pages and trails, searches runs, traces a version back to its run, exports what the ledger says of it."""

import random
from typing import Any
from urllib.parse import quote

import orjson
from gevent.lock import Semaphore
from locust import between, task
from locust.exception import RescheduleTask

from bench.load.answers import Caller

PAGE = {"Accept": "text/html"}
_signing_in = Semaphore()


class Risk(Caller):
    weight = 2
    wait_time = between(0.5, 2.0)

    def on_start(self) -> None:
        """All share the one session of the browser that the server's link signs in: a link is good once."""
        with _signing_in:
            if self.environment.session is None:
                self.environment.session = self._sign_in()

    def _sign_in(self) -> str:
        page = self.client.get("/login", name="sign in", headers=PAGE)
        csrf = self._cookie("lineal_csrf")
        link = self.environment.link.partition("#")[2]
        self.client.post(
            "/login/exchange",
            name="sign in",
            data=orjson.dumps({"secret": link}),
            headers={"Content-Type": "application/json", "X-CSRFToken": csrf, "Origin": self.host},
        )
        session = self._cookie("lineal_session")
        if not session:
            raise RuntimeError(f"no session: {page.status_code}")
        return session

    def _cookie(self, name: str) -> str:
        return next((cookie.value for cookie in self.client.cookiejar if cookie.name == name), "")

    @task(4)
    def read_pages(self) -> None:
        run, _ = self._any(self.environment.finished)
        self._page("/projects/default/runs", "page: runs", "load")
        self._page(f"/projects/default/runs/{run}", "page: run", run[:8])
        if self.environment.registered:
            model, number, _ = random.choice(self.environment.registered)
            self._page(f"/projects/default/models/{model}", "page: model", model)
            self._page(f"/projects/default/models/{model}/versions/{number}", "page: version", model)
        self._page("/projects/default/promotions", "page: promotions", "production")
        self._page("/projects/default/audit", "page: trail", "run.")

    @task(4)
    def search(self) -> None:
        run, _ = self._any(self.environment.finished)
        filters = {"filter": f"params.seed = '{run[:8]}' AND metrics.m0 >= 0", "limit": 5}
        self.ask("POST", "runs/search", "search by param", json=filters, check=lambda body: _finds(body, run))
        # of finished ones alone: a value of the others may change between its place in the order and its reading
        latest = {"filter": "metrics.m1 < 2 AND status = 'finished'", "order_by": ["metrics.m1 DESC"], "limit": 100}
        self.ask("POST", "runs/search", "search by metric", json=latest, check=_is_ordered)

    @task(3)
    def trace(self) -> None:
        model, number, run = self._any(self.environment.registered)
        of = quote(f"model:{model}/{number}")
        self.ask("GET", f"lineage/trace?of={of}", "trace", check=lambda body: _leads_to(body, run))

    @task(2)
    def read_trail(self) -> None:
        model, _, _ = self._any(self.environment.registered)
        self.ask(
            "GET",
            f"audit/events?q={model}&limit=50",
            "read trail",
            check=lambda body: None if body["items"] else f"nothing on the ledger of {model}",
        )

    @task(1)
    def export(self) -> None:
        self._any(self.environment.registered)
        path = "audit/export?filtered=true&project=default&action=promotion.request"
        self.ask("GET", path, "export trail", check=_is_export)

    def _page(self, path: str, name: str, holds: str) -> None:
        headers = {**PAGE, "Cookie": f"lineal_session={self.environment.session}"}
        with self.client.get(path, name=name, headers=headers, catch_response=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {str(answer.text)[:200]}")
            elif holds not in str(answer.text):
                answer.failure(f"the page does not show {holds!r}")

    def _any(self, known: list[Any]) -> Any:
        """One of those; where there is none yet, the task waits for its next turn."""
        if not known:
            raise RescheduleTask
        return random.choice(known)


def _finds(body: Any, run: str) -> str | None:
    found = [item["id"] for item in body["items"]]
    return None if found == [run] else f"expected {run}, found {found}"


def _is_ordered(body: Any) -> str | None:
    values = [item["metrics"]["m1"]["last"] for item in body["items"]]
    if not values:
        return "nothing found"
    return None if values == sorted(values, reverse=True) else "the runs are not in order"


def _leads_to(body: Any, run: str) -> str | None:
    runs = [node["key"] for node in body["nodes"] if node["kind"] == "run"]
    return None if any(run in key.replace("-", "") for key in runs) else f"it leads to {runs}, not to {run}"


def _is_export(body: Any) -> str | None:
    lines = [orjson.loads(line) for line in body.splitlines()]
    events = [line for line in lines if line["type"] == "event"]
    end = lines[-1]
    if end["type"] != "end" or end["events"] != len(events):
        return f"{len(events)} events, and its end says {end}"
    return None
