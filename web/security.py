"""What every answer tells the browser to refuse: foreign and inline script, framing, sniffing, leaking referrers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # not "no-referrer": Django's CSRF check reads it where there is no Origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

FRAMED_HEADERS = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Of a document that a stranger wrote, shown in a frame of ours: `sandbox` gives it an origin of its own, without script, forms or
popups, even where somebody opens its address by itself; and it loads nothing from anywhere.
"""


def framing() -> str:
    """The policy of a page of ours that holds such a frame."""
    return f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"


class SecurityHeadersMiddleware:
    """Sets the headers on every answer that does not bring its own: artifact content carries a stricter policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            if name not in response.headers:
                response.headers[name] = value
        return response
