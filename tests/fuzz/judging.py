"""What has to be true of every answer, whoever asked for whatever. A complaint is a line; a test collects them all."""

import gzip
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import orjson
from django.core.signals import got_request_exception
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks as spec

from tests.fuzz.cases import Sent
from tests.fuzz.document import is_of_project, raw
from tests.fuzz.prepared import CANARY, Prepared, taken_back

CONFORMS = [
    spec.status_code_conformance,
    spec.content_type_conformance,
    spec.response_headers_conformance,
    spec.response_schema_conformance,
]
REFUSED = frozenset({400, 401, 403, 404, 405, 413, 415})  # what may stop a caller before it is known who it is
PROBLEM_FIELDS = {"type": str, "title": str, "status": int, "detail": str, "request_id": str}


class Complaints:
    """Different things that were wrong, each with the first request that showed it."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def add(self, what: str, sent: Sent, caller: str, response: Response | None, more: str = "") -> None:
        self.found.setdefault(what, f"{what}\n    as {caller}: {_request(sent)}\n    {_answer(response)}{more}")

    def __str__(self) -> str:
        return "\n\n".join(self.found.values())


def try_as(caller: str, sent: Sent, prepared: Prepared, complaints: Complaints) -> Response:
    """Send it as `caller`, in a transaction of its own that is taken back, and judge the answer."""
    with taken_back():
        return judged_call(caller, sent, prepared, complaints)


def judged_call(caller: str, sent: Sent, prepared: Prepared, complaints: Complaints) -> Response:
    with _broken() as broken:
        response = send(sent, prepared.tokens[caller])
    where = sent.case.operation.label
    for what in (*judge(sent, response), *judge_caller(caller, sent, response)):
        complaints.add(f"{where}: {what}", sent, caller, response, _trace(broken))
    return response


def send(sent: Sent, token: str | None) -> Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body: dict[str, Any] = {}
    if sent.raw is not None:
        body["data"] = sent.raw
        headers["Content-Type"] = sent.content_type if sent.content_type is not None else "application/json"
    response = sent.case.call(headers=headers | sent.headers, **body)
    if response.headers.get("content-encoding") == ["gzip"]:  # as every client unpacks it, but not the one of WSGI
        response.content = gzip.decompress(response.content)
        del response.headers["content-encoding"]
    return response


def judge(sent: Sent, response: Response) -> Iterator[str]:
    """What is wrong with the answer by itself."""
    documented = sent.case.operation.responses.status_codes
    if response.status_code >= 500 and str(response.status_code) not in documented:
        yield f"answered {response.status_code}"
        return
    if response.status_code >= 400:
        yield from _judge_problem(response)
    if response.status_code == 204 and response.content:
        yield "a 204 has a body"
    if response.headers.get("x-content-type-options") != ["nosniff"]:
        yield "no nosniff"
    if "x-injected" in response.headers:
        yield "a header was injected"
    if sent.case.method.lower() == sent.case.operation.method.lower() and not leads_elsewhere(sent, response):
        yield from conformity(sent, response)


def leads_elsewhere(sent: Sent, response: Response) -> bool:
    """A name of dots or slashes makes the address that of another operation, which may not have this verb."""
    names = [unquote(str(value)) for value in (sent.case.path_parameters or {}).values()]
    return response.status_code == 405 and any(set(name) <= {".", "/"} or "/" in name for name in names)


def conformity(sent: Sent, response: Response) -> Iterator[str]:
    """Where the answer is none of those that the document tells of."""
    try:
        sent.case.validate_response(response, checks=CONFORMS)
    except FailureGroup as group:
        for failure in group.exceptions:
            yield _short(failure)


def _short(failure: Any) -> str:
    message = failure.message if isinstance(failure, Failure) else str(failure)
    return f"{getattr(failure, 'title', type(failure).__name__)}: {' '.join(message.split())[:300]}"


def _judge_problem(response: Response) -> Iterator[str]:
    if response.headers.get("content-type") != ["application/problem+json"]:
        yield f"{response.status_code} is no problem+json"
        return
    if response.request.method == "HEAD":
        return
    body = orjson.loads(response.content)
    for name, kind in PROBLEM_FIELDS.items():
        if not isinstance(body.get(name), kind) or body[name] == "":
            yield f"a problem's {name} is {body.get(name)!r}"
    if body.get("status") != response.status_code:
        yield "a problem's status is not the answer's"
    if [body.get("request_id")] != response.headers.get("x-request-id"):
        yield "a problem's request_id is not the answer's"
    if response.status_code == 401 and "www-authenticate" not in response.headers:
        yield "a 401 without WWW-Authenticate"
    if response.status_code == 405 and "allow" not in response.headers:
        yield "a 405 without Allow"


def judge_caller(caller: str, sent: Sent, response: Response) -> Iterator[str]:
    """What this caller should not have got."""
    if caller in ("owner", "contributor"):
        return
    if CANARY.encode() in response.content:
        yield f"told {caller} of what is in the project"
    if caller == "anonymous" and not is_open(sent) and response.status_code not in REFUSED:
        yield f"answered nobody with {response.status_code}"
    if caller == "stranger" and is_about_shared(sent) and response.status_code < 400:
        yield f"answered a stranger with {response.status_code}"


def is_open(sent: Sent) -> bool:
    return {} in raw()["paths"][sent.case.operation.path][sent.case.operation.method.lower()]["security"]


def is_about_shared(sent: Sent) -> bool:
    """Whether it is of one project, which is the shared one; elsewhere `project` is a filter, which may find nothing."""
    return is_of_project(sent.case.operation) and (sent.case.query or {}).get("project") == "shared"


@contextmanager
def _broken() -> Iterator[list[BaseException]]:
    """Exceptions that the application did not answer for."""
    import sys

    met: list[BaseException] = []

    def note(**kwargs: Any) -> None:
        met.append(sys.exc_info()[1])

    got_request_exception.connect(note)
    try:
        yield met
    finally:
        got_request_exception.disconnect(note)


def _trace(broken: list[BaseException]) -> str:
    return "".join("\n" + "".join(traceback.format_exception(each)[-8:]) for each in broken)


def _request(sent: Sent) -> str:
    case = sent.case
    told = {"path": case.path_parameters, "query": case.query, "headers": {**(case.headers or {}), **sent.headers}}
    body = sent.raw if sent.raw is not None else case.body
    return f"{case.method} {case.operation.path} {told} {sent.content_type or case.media_type} {repr(body)[:400]}"


def _answer(response: Response | None) -> str:
    return "" if response is None else f"{response.status_code} {response.content[:400]!r}"
