"""A web process that is about to stop: `/readyz` says so, and every answer closes its connection, so that clients that keep
connections open ask the next time another process.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from core import roster

LOOK_S = 0.05  # between two looks for the flag
VARIABLE = "LINEAL_DRAIN_FLAG"  # set by `config.serve` for its workers; no setting for people


def flag_of(folder: Path, pid: int) -> Path:
    """Of this host: in containers each web process has the same number, and they may share the folder."""
    return folder / f"web-{roster.host()}-{pid}.draining"


class _Flag:
    seen, looked_at = False, 0.0


def is_draining() -> bool:
    """As of the last look, which is at most `LOOK_S` ago: each answer asks, and a look at a file lets go of the interpreter's lock."""
    now = time.monotonic()
    if now - _Flag.looked_at > LOOK_S:
        path = os.environ.get(VARIABLE)
        _Flag.seen, _Flag.looked_at = path is not None and Path(path).exists(), now
    return _Flag.seen


class DrainMiddleware:
    """Not used where nobody would set the flag."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if VARIABLE not in os.environ:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if is_draining():
            response["Connection"] = "close"
        return response
