"""The load itself, in a process of its own, since gevent changes what sockets and threads are: `python -m bench.load.swarm`.

Reads its orders as JSON from stdin, `{"url", "token", "link", "users", "seconds"}`; writes what it met to stdout.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - after the patch
import logging  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from locust import events  # noqa: E402
from locust.env import Environment  # noqa: E402

from bench.load.ci import Pipeline  # noqa: E402
from bench.load.risk import Risk  # noqa: E402
from bench.load.training import Training  # noqa: E402

USERS = [Training, Pipeline, Risk]
GRACE_S = 60  # in which users that are stopped finish what they are at


def main() -> int:
    logging.basicConfig(level=logging.WARNING)
    orders = json.load(sys.stdin)
    environment = Environment(user_classes=USERS, events=events, host=orders["url"], stop_timeout=GRACE_S)
    environment.token, environment.link, environment.session = orders["token"], orders["link"], None
    environment.logged, environment.finished, environment.registered = {}, [], []
    broken: list[str] = []
    environment.events.user_error.add_listener(lambda exception, **_: broken.append(repr(exception)[:300]))
    runner = environment.create_local_runner()
    runner.start(orders["users"], spawn_rate=max(1, orders["users"] / 5))
    gevent.sleep(orders["seconds"])
    runner.stop()
    json.dump(_met(environment, broken), sys.stdout)
    return 0


def _met(environment: Environment, broken: list[str]) -> dict[str, Any]:
    stats = environment.stats
    kinds = [
        {
            "name": each.name,
            "count": each.num_requests,
            "failures": each.num_failures,
            "per_s": each.total_rps,
            "p50_ms": each.get_response_time_percentile(0.5),
            "p95_ms": each.get_response_time_percentile(0.95),
            "p99_ms": each.get_response_time_percentile(0.99),
        }
        for each in [*sorted(stats.entries.values(), key=lambda entry: entry.name), stats.total]
    ]
    return {
        "kinds": kinds,
        "errors": [f"{each.name}: {each.error} ({each.occurrences} times)" for each in stats.errors.values()],
        "broken": broken,
        "runs": [
            [run, logged.writer, logged.acknowledged, logged.in_flight] for run, logged in environment.logged.items()
        ],
        "registered": len(environment.registered),
    }


if __name__ == "__main__":
    sys.exit(main())
