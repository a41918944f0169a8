"""The spans themselves. Imported by `tracing` alone, and only where traces are wanted: this is the one module that knows the SDK."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Self

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from core import current
from core.current import JobContext, RequestContext

Answer = Callable[[HttpRequest], HttpResponseBase]
_w3c = TraceContextTextMapPropagator()


@dataclass(slots=True)
class _SqlTime:
    """Counts and times the queries of one request or job. A span for each would cost more than most of them."""

    seconds: float = 0.0
    queries: int = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - begun
            self.queries += 1

    def tell(self, span: Span) -> None:
        span.set_attribute("lineal.sql.duration_ms", round(self.seconds * 1_000, 3))
        span.set_attribute("lineal.sql.queries", self.queries)


class Spans:
    """Makes spans and hands them to a processor, which sends them from a thread of its own."""

    def __init__(self, processor: SpanProcessor) -> None:
        defaults = {SERVICE_NAME: "lineal", SERVICE_VERSION: version("lineal-server")}
        if role := settings.PROCESS:
            defaults["service.instance.id"] = f"{role}-{os.getpid()}"
        resource = Resource.create().merge(Resource(defaults)).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("lineal", version("lineal-server"))

    @classmethod
    def from_environment(cls) -> Self:
        """Where to, with which headers, sampling and limits: the SDK reads the OTEL_* variables itself."""
        if os.environ.get("OTEL_TRACES_EXPORTER") == "console":
            return cls(BatchSpanProcessor(ConsoleSpanExporter()))
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an import of its own size
            OTLPSpanExporter,
        )

        return cls(BatchSpanProcessor(OTLPSpanExporter()))

    def flush(self) -> None:
        self._provider.force_flush()

    def around_requests(self, answer: Answer, route_of: Callable[[HttpRequest], str]) -> Answer:
        def traced(request: HttpRequest) -> HttpResponseBase:
            given = {
                "traceparent": request.headers.get("traceparent", ""),
                "tracestate": request.headers.get("tracestate", ""),
            }
            parent = _w3c.extract(given)
            sql = _SqlTime()
            with (
                self._tracer.start_as_current_span(request.method or "", context=parent, kind=SpanKind.SERVER) as span,
                _request_in(span),
                connection.execute_wrapper(sql),
            ):
                response = answer(request)
                _describe(span, request, route_of(request), response.status_code)
                sql.tell(span)
                return response

        return traced

    @contextmanager
    def around_job(self, job: JobContext) -> Iterator[None]:
        sql = _SqlTime()
        with (
            self._tracer.start_as_current_span(
                f"job {job.name}",
                context=trace.set_span_in_context(trace.INVALID_SPAN),
                kind=SpanKind.CONSUMER,
                links=_links(job.traceparent),
                attributes=_plain(job_id=job.id, job=job.name, request_id=job.request_id),
            ) as span,
            connection.execute_wrapper(sql),
        ):
            token = current.job.set(replace(job, trace_id=_trace_id(span)))
            try:
                yield
            finally:
                current.job.reset(token)
                sql.tell(span)

    @contextmanager
    def around_call(self, method: str, host: str, headers: dict[str, str]) -> Iterator[Callable[[int], None]]:
        attributes = {"http.request.method": method, "server.address": host}
        with self._tracer.start_as_current_span(method, kind=SpanKind.CLIENT, attributes=attributes) as span:
            _w3c.inject(headers, context=trace.set_span_in_context(span))
            yield lambda status: span.set_attribute("http.response.status_code", status)


@contextmanager
def _request_in(span: Span) -> Iterator[None]:
    """Logs and jobs of this request name the span's trace, which goes on from the caller's if there is one."""
    context = current.request.get()
    if context is None:
        yield
        return
    token = current.request.set(_with_trace(context, span))
    try:
        yield
    finally:
        current.request.reset(token)


def _with_trace(context: RequestContext, span: Span) -> RequestContext:
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, context=trace.set_span_in_context(span))
    return replace(context, trace_id=_trace_id(span), traceparent=carrier.get("traceparent", ""))


def _trace_id(span: Span) -> str:
    return trace.format_trace_id(span.get_span_context().trace_id)


def _describe(span: Span, request: HttpRequest, route: str, status: int) -> None:
    """By OpenTelemetry's semantic conventions for HTTP servers. The pattern of the route, never the path."""
    span.update_name(f"{request.method} {route}")
    span.set_attribute("http.request.method", request.method or "")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("url.scheme", request.scheme or "")
    if (context := current.request.get()) is not None:
        span.set_attribute("lineal.request_id", context.id)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def _links(traceparent: str) -> list[Link]:
    found = trace.get_current_span(_w3c.extract({"traceparent": traceparent})).get_span_context()
    return [Link(found)] if found.is_valid else []


def _plain(**values: object) -> dict[str, str]:
    return {f"lineal.{name}": str(value) for name, value in values.items() if value}
