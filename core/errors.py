"""The families of domain errors. Rooms subclass these; only `core.problems` knows which HTTP status each becomes.

LinealError
 ├─ Malformed         the body is not what its content type says
 ├─ Invalid           understood, and not acceptable
 ├─ Unauthenticated   who are you?
 ├─ Forbidden         known, and not allowed
 ├─ NotFound          missing, or not for this caller to know of
 ├─ Gone              was there, and never will be again
 ├─ Conflict          true now, and in the way
 ├─ TooLarge          more than one request may carry
 ├─ TooMany           slower, please
 └─ Unavailable       a part we stand on does not answer
"""

from collections.abc import Mapping, Sequence
from typing import Any


class LinealError(Exception):
    """An error with words for people (`detail`), a code for programs, and data that helps (`extra`)."""

    code = "error"
    title = "Error"

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: Mapping[str, Any] = extra


class Malformed(LinealError):
    code = "malformed"
    title = "Malformed request"


class UnsupportedType(LinealError):
    code = "unsupported-media-type"
    title = "Unsupported content type"


class Invalid(LinealError):
    """Raised with `field="a.b"` for one field, or `errors=[{"field", "detail"}, …]` for several at once."""

    code = "invalid"
    title = "Invalid input"

    def __init__(
        self, detail: str, *, field: str | None = None, errors: Sequence[Mapping[str, str]] | None = None, **extra: Any
    ) -> None:
        if field is not None:
            errors = [{"field": field, "detail": detail}]
        if errors is not None:
            extra["errors"] = list(errors)
        super().__init__(detail, **extra)


class Unauthenticated(LinealError):
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(LinealError):
    code = "forbidden"
    title = "Not allowed"


class NotFound(LinealError):
    code = "not-found"
    title = "Not found"


class Gone(LinealError):
    code = "gone"
    title = "Gone for good"


class Conflict(LinealError):
    code = "conflict"
    title = "Conflict"


class TooLarge(LinealError):
    code = "too-large"
    title = "Too large"


class TooMany(LinealError):
    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s


class RangeNotSatisfiable(LinealError):
    code = "range-not-satisfiable"
    title = "Range not satisfiable"


class Unavailable(LinealError):
    """`retry_after_s` where it is known when asking again may help."""

    code = "unavailable"
    title = "Not available now"

    def __init__(self, detail: str, *, retry_after_s: int | None = None, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s
