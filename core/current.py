"""What is being worked on: the request or the job at hand, for logs, problems, traces and the ledger.

Kept free of Django, so that processes without it log in the same form.
"""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """`traceparent` is the caller's, as sent, or the span's that this request runs in; empty where there is none."""

    id: str
    ip: str
    user_agent: str
    route: str
    trace_id: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class JobContext:
    """`request_id` and `traceparent` are of the request that promised the job, or empty."""

    id: int
    name: str
    request_id: str = ""
    trace_id: str = ""
    traceparent: str = ""


part: ContextVar[str] = ContextVar("part", default="")
"""Which part of the server speaks, where several share a process; else empty. Threads begin with the part of none."""

request: ContextVar[RequestContext | None] = ContextVar("request", default=None)
job: ContextVar[JobContext | None] = ContextVar("job", default=None)


def cause() -> tuple[str, str]:
    """Request id and traceparent that work promised now stems from. Of a job, those of the request behind it."""
    if (asked := request.get()) is not None:
        return asked.id, asked.traceparent
    if (running := job.get()) is not None:
        return running.request_id, running.traceparent
    return "", ""
