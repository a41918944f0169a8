"""Rate limits: a bucket of tokens per caller and kind of request, refilled steadily, in this process's memory.

Each web process counts by itself, so n processes let n times as much through; what the limits are for (a flood, a
guesser, a loop gone wild) they still stop. The number of buckets is bounded: a bucket that has filled up again is the
same as none.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.access import Principal
from core.context import current_request
from core.errors import TooMany

MOST_BUCKETS = 20_000  # about 4 MB


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` in the long run, and up to `burst` at once."""

    per_second: float
    burst: int


DEFAULTS: dict[str, Rate] = {
    "api": Rate(per_second=3_000, burst=6_000),  # above what one process answers: only a flood meets it
    "ingest": Rate(per_second=10_000, burst=20_000),  # one token may serve hundreds of live runs
    "sign_in": Rate(per_second=0.2, burst=20),  # one-time links exchanged from one address
    "failed_sign_in": Rate(per_second=0.5, burst=30),  # refused tokens and links from one address
    "intake": Rate(per_second=20, burst=200),  # signed messages from one address
    "make_secret": Rate(per_second=0.2, burst=30),  # tokens and links made by one caller
    "send_by_hand": Rate(per_second=0.2, burst=30),  # test messages and replays of one caller
}


def rate_named(name: str) -> Rate:
    """The rate `settings.LINEAL_RATE_LIMITS` gives (`{"api": (per_second, burst)}`), or the default."""
    given = getattr(settings, "LINEAL_RATE_LIMITS", {}).get(name)
    return Rate(float(given[0]), int(given[1])) if given else DEFAULTS[name]


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """Buckets by (rate name, key), the longest unused thrown away first when there are too many."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, name: str, key: str, rate: Rate, moment: float) -> float:
        """Seconds to wait until one more fits, having taken one if that is zero. `moment` is a monotonic time in
        seconds.
        """
        with self._lock:
            bucket = self._filled(name, key, rate, moment)
            if bucket.left < 1:
                return (1 - bucket.left) / rate.per_second
            bucket.left -= 1
            return 0.0

    def _filled(self, name: str, key: str, rate: Rate, moment: float) -> _Bucket:
        bucket = self._buckets.pop((name, key), None) or _Bucket(left=rate.burst, at=moment)
        bucket.left = min(float(rate.burst), bucket.left + (moment - bucket.at) * rate.per_second)
        bucket.at = moment
        while len(self._buckets) >= self._most:
            self._buckets.popitem(last=False)
        self._buckets[name, key] = bucket
        return bucket

    def clear(self) -> None:
        with self._lock:
            self._buckets.clear()


buckets = Buckets()


def take(name: str, key: str) -> None:
    """Count one request of `key` against the rate `name`.

    Raises:
        TooMany: the bucket is empty; `retry_after_s` says when one more fits.
    """
    wait_s = buckets.take(name, key, rate_named(name), time.monotonic())
    if wait_s > 0:
        retry_after_s = max(1, ceil(wait_s))
        raise TooMany(f"Too many requests; try again in {retry_after_s} s.", retry_after_s=retry_after_s)


class RequestThrottle(BaseThrottle):
    """Counts every REST request by its token, else its account, else its address. A view names its rate in
    `rate_limit`, as one name or by verb: `{"POST": "make_secret"}`; verbs left out count as "api".
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        named = getattr(view, "rate_limit", "api")
        name = named if isinstance(named, str) else named.get(request.method, "api")
        take(name, caller_key(request))
        return True


def caller_key(request: Request) -> str:
    caller = request.user
    if isinstance(caller, Principal):
        return f"token:{caller.token_id}" if caller.auth_method == "api_token" else f"account:{caller.id}"
    context = current_request()
    return f"ip:{context.ip if context else 'none'}"
