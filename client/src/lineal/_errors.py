"""Everything that this client raises about a server or about what a server said.

LinealError
├── ServerUnreachable       no answer: refused, timed out, no such host
│   ├── OutcomeUnknown      the request may have been carried out: ask before repeating it
│   └── StorageUnreachable  no connection to the storage that the server's links lead to
├── NotConfigured           no server, no token, or a credentials file that others can read
├── ServerKeyChanged        the origin answers with another ledger key than the one it was first met with
├── DigestMismatch          bytes are not what their digest says
├── PickleRefused           a model would have to be unpickled, and that was not allowed
├── NotDelivered            something that the next step needs is still in the spool
├── InvalidProfile          bytes or JSON that are no profile, or one that contradicts itself
├── IncompatibleProfiles    two profiles that do not merge: another privacy, key, or kind of performance
├── NotPromoted             the server decided, with reasons, and nothing was promoted
└── ProblemError            the server answered with a problem (RFC 9457)
    ├── Malformed 400, Unauthorized 401, Forbidden 403, NotFound 404, Conflict 409, TooLarge 413, Invalid 422, TooMany 429
    └── ServerError 5xx
"""

import json
from collections.abc import Mapping
from typing import Any


class LinealError(Exception):
    """The root of this client's errors."""


class NotConfigured(LinealError):
    """There is no server to talk to, or no credentials that may be used."""


class ServerUnreachable(LinealError):
    """The server did not answer."""


class OutcomeUnknown(ServerUnreachable):
    """The request left, the answer did not arrive: the server may have carried it out. `idempotency_key`, where
    there is one, repeats it safely."""

    idempotency_key: str | None = None


class StorageUnreachable(ServerUnreachable):
    """This machine gets no connection to the server's storage, as in a closed network; the server may pass the bytes on."""


class ServerKeyChanged(LinealError):
    """The origin shows another ledger key than the pinned one. Nothing was sent to it."""


class DigestMismatch(LinealError):
    """Bytes that do not have the digest they are named by."""


class PickleRefused(LinealError):
    """Loading would run code from a pickle, and nobody vouched for it."""


class NotDelivered(LinealError):
    """Records are still in the spool, where `lineal sync` finds them."""


class InvalidProfile(LinealError):
    """Not a profile or reference: the message says what was wrong, and where."""


class IncompatibleProfiles(LinealError):
    """Profiles that have no profile together."""


class NotPromoted(LinealError):
    """The server answered that nothing was promoted; `result` is its document, with gates and reasons."""

    def __init__(self, message: str, result: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.result = result


class ProblemError(LinealError):
    """The server's own words: `type` for programs, `detail` for people, `request_id` for support, `extra` for the rest."""

    def __init__(
        self, *, status: int, body: Mapping[str, Any], request_id: str | None = None, retry_after: str | None = None
    ) -> None:
        self.status = status
        self.retry_after = retry_after
        self.type = str(body.get("type") or "about:blank")
        self.title = str(body.get("title") or f"HTTP {status}")
        self.detail = str(body.get("detail") or self.title)
        self.request_id = str(body.get("request_id") or request_id or "")
        self.errors: list[dict[str, Any]] = [error for error in body.get("errors") or [] if isinstance(error, dict)]
        known = {"type", "title", "status", "detail", "request_id", "errors"}
        self.extra = {key: value for key, value in body.items() if key not in known}
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        fields = "; ".join(f"{error.get('field')}: {error.get('detail')}" for error in self.errors)
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.detail}{f' [{fields}]' if fields else ''}{request}"


class Malformed(ProblemError):
    """400 and 415: the request could not be read."""


class Unauthorized(ProblemError):
    """401: no token, or one that is not valid any more."""


class Forbidden(ProblemError):
    """403: the account may see the object and not do this."""


class NotFound(ProblemError):
    """404: no such thing, or none that this account may see."""


class Conflict(ProblemError):
    """409: the state of things does not allow it; `type` says why."""


class TooLarge(ProblemError):
    """413: the body is larger than the server takes."""


class Invalid(ProblemError):
    """422: fields are wrong; `errors` names them."""


class TooMany(ProblemError):
    """429: too many requests for now."""


class ServerError(ProblemError):
    """5xx: the server failed."""


_FAMILIES: dict[int, type[ProblemError]] = {
    400: Malformed,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: Malformed,
    422: Invalid,
    429: TooMany,
}


def problem(status: int, body: bytes, request_id: str | None = None, retry_after: str | None = None) -> ProblemError:
    """The error for an answer that is none of 2xx. A body that is no problem document is quoted, shortened."""
    family = _FAMILIES.get(status, ServerError if status >= 500 else ProblemError)
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        text = body[:200].decode("utf-8", "replace").strip()
        document = {"detail": f"The server answered {status}{f': {text}' if text else ''}"}
    return family(status=status, body=document, request_id=request_id, retry_after=retry_after)
