"""From an error to an HTTP answer: problem+json (RFC 9457) for programs, an error page for people. The only table of statuses."""

import logging
import math
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core import access, database_errors, errors
from core.codec import json_bytes
from core.context import current_request

log = logging.getLogger(__name__)

STATUS: dict[type[errors.LinealError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.RangeNotSatisfiable: 416,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
CONTENT_TYPE = "application/problem+json"


def status_of(error: errors.LinealError) -> int:
    return next((status for family, status in STATUS.items() if isinstance(error, family)), 500)


def problem_body(error: errors.LinealError) -> dict[str, Any]:
    context = current_request()
    return {
        **error.extra,
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": status_of(error),
        "detail": error.detail,
        "request_id": context.id if context else None,
    }


def problem_headers(error: errors.LinealError) -> dict[str, str]:
    if isinstance(error, errors.TooMany | errors.Unavailable) and error.retry_after_s is not None:
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="lineal"'}
    return {}


def problem_response(error: errors.LinealError) -> HttpResponse:
    """The error as a plain Django response, for middleware and views outside the REST framework."""
    return HttpResponse(
        json_bytes(problem_body(error)),
        status=status_of(error),
        content_type=CONTENT_TYPE,
        headers=problem_headers(error),
    )


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The REST framework's exception handler. What it does not know it leaves to Django, as a bug."""
    error = translate(exc)
    if error is None:
        return None
    set_rollback()
    tell_denied(error)
    return Response(
        problem_body(error), status=status_of(error), content_type=CONTENT_TYPE, headers=problem_headers(error)
    )


def tell_denied(error: errors.LinealError) -> None:
    """Hand a refused attempt to those who keep record of it (`audit` does)."""
    if isinstance(error, access.NotAllowed):
        for hook in access.on_denied:
            hook(error.principal, error.permission, error.project)


def translate(exc: Exception) -> errors.LinealError | None:
    """Our error for a foreign one, met at the edge; None for a bug."""
    if isinstance(exc, errors.LinealError):
        return exc
    if isinstance(exc, drf.ValidationError):
        return errors.Invalid("The request has fields that cannot be accepted.", errors=list(field_errors(exc.detail)))
    if isinstance(exc, Http404 | drf.NotFound):
        return errors.NotFound("There is nothing here.")
    if isinstance(exc, RequestDataTooBig):
        return errors.TooLarge(f"A request body holds at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes.")
    unavailable = database_errors.translate(exc)
    if unavailable is not None:
        log.warning("The database did not answer (%s): %s", unavailable.code, exc)
        return unavailable
    return next((make(exc) for kinds, make in _FOREIGN if isinstance(exc, kinds)), None)


class MethodNotAllowed(errors.LinealError):
    code = "method-not-allowed"
    title = "Method not allowed"


class NotAcceptable(errors.LinealError):
    code = "not-acceptable"
    title = "Not acceptable"


STATUS[MethodNotAllowed] = 405
STATUS[NotAcceptable] = 406


_FOREIGN: list[tuple[tuple[type[Exception], ...], Callable[[Any], errors.LinealError]]] = [
    ((drf.ParseError,), lambda exc: errors.Malformed(str(exc.detail))),
    ((drf.UnsupportedMediaType,), lambda exc: errors.UnsupportedType(str(exc.detail))),
    ((drf.NotAuthenticated, drf.AuthenticationFailed), lambda exc: errors.Unauthenticated(str(exc.detail))),
    ((drf.PermissionDenied, PermissionDenied), lambda _: errors.Forbidden("You may not do this.")),
    (
        (drf.Throttled,),
        lambda exc: errors.TooMany("Too many requests.", retry_after_s=max(1, math.ceil(exc.wait or 1))),
    ),
    ((drf.MethodNotAllowed,), lambda exc: MethodNotAllowed(str(exc.detail))),
    ((drf.NotAcceptable,), lambda _: NotAcceptable("None of the content types in Accept can be given.")),
    ((BadRequest, SuspiciousOperation), lambda _: errors.Malformed("The request could not be understood.")),
]


def field_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    """The REST framework's nested error detail as a flat list of `{"field": "a.0.b", "detail": …}`."""
    if isinstance(detail, dict):
        return [row for key, value in detail.items() for row in field_errors(value, _joined(path, str(key)))]
    if isinstance(detail, list):
        rows: list[dict[str, str]] = []
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            rows += field_errors(value, _joined(path, str(index)) if nested else path)
        return rows
    return [{"field": path, "detail": str(detail)}]


def _joined(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    return f"{path}.{key}" if path else key


def wants_page(request: HttpRequest) -> bool:
    """A person's browser outside the API gets a page; everything else a problem."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def answer(request: HttpRequest, error: errors.LinealError) -> HttpResponse:
    """The error in the form the caller reads: a page made by `settings.PROBLEM_PAGE`, or problem+json."""
    if wants_page(request):
        page: HttpResponse = import_string(settings.PROBLEM_PAGE)(request, problem_body(error))
        for name, value in problem_headers(error).items():
            page[name] = value
        return page
    return problem_response(error)


class ProblemMiddleware:
    """Turns domain errors raised by plain Django views into answers, so that no view needs a try."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        error = translate(exception)
        if error is None:
            return None
        tell_denied(error)
        return answer(request, error)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, errors.Malformed("The request could not be understood."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, errors.NotFound("There is nothing here."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, errors.Forbidden("You may not do this."))


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug: the body carries only the request's id, the log has the rest."""
    return answer(request, errors.LinealError("Something broke on our side. The log has it under this request id."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(
        request, errors.Forbidden("This form was not sent from a page of this server. Reload the page and try again.")
    )
