"""Spans for OpenTelemetry, where the standard OTEL_* variables ask for them and `lineal-server[otel]` is installed.

When they do not, nothing of OpenTelemetry is imported, and a request passes no code of its.
"""

import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponseBase

from core.current import JobContext

if TYPE_CHECKING:
    from core.spans import Spans

log = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponseBase]
Headers = dict[str, str]


class _On:
    spans: "Spans | None" = None


def are_wanted() -> bool:
    """Do the standard variables ask for traces? https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables"""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
    return any(os.environ.get(name) for name in names)


def start() -> None:
    """Begin to trace, if that is asked for. At app-ready, once a process."""
    if not are_wanted():
        return
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        log.warning(
            "OTEL_* variables ask for traces, and OpenTelemetry is not installed: pip install 'lineal-server[otel]'"
        )
        return
    from core.spans import Spans  # noqa: PLC0415 - a large import, for those who asked

    _On.spans = Spans.from_environment()


def is_on() -> bool:
    return _On.spans is not None


def around_requests(answer: Answer, route_of: Callable[[HttpRequest], str]) -> Answer:
    """`answer` with a span around each request; `answer` itself when nothing is traced."""
    return _On.spans.around_requests(answer, route_of) if _On.spans else answer


def around_job(job: JobContext) -> AbstractContextManager[None]:
    """A span for a job, linked to the request that promised it."""
    return _On.spans.around_job(job) if _On.spans else nullcontext()


def around_call(method: str, host: str, headers: Headers) -> AbstractContextManager[Callable[[int], None]]:
    """A span for an outgoing request; adds its `traceparent` to `headers`. Yields what is to be told the status."""
    return _On.spans.around_call(method, host, headers) if _On.spans else nullcontext(_unheard)


def _unheard(_status: int) -> None:
    pass
