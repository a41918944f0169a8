"""Style sheets and scripts, compressed: a first view is mostly made of them. They hold no secrets, and pages, which may, are left alone."""

import gzip
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

LEVEL = 9  # each file once in a process
LEAST_BYTES = 1_000  # below it the headers weigh more
COMPRESSIBLE = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")
_packed: dict[tuple[str, str], bytes] = {}  # by path and date; as many as there are files


class StaticCompressionMiddleware:
    """Stands above what serves static files. A browser that asks for a part, or takes no gzip, gets the file itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/") and _is_compressible(response):
            patch_vary_headers(response, ["Accept-Encoding"])
            if "gzip" in request.headers.get("Accept-Encoding", "") and "Range" not in request.headers:
                return _compressed(request.path, response)
        return response


def _is_compressible(response: HttpResponseBase) -> bool:
    return (
        response.status_code == 200
        and bool(getattr(response, "streaming", False))
        and response.headers.get("Content-Type", "").partition(";")[0] in COMPRESSIBLE
        and int(response.headers.get("Content-Length") or 0) >= LEAST_BYTES
    )


def _compressed(path: str, response: HttpResponseBase) -> HttpResponse:
    key = (path, response.headers.get("Last-Modified", ""))
    if key not in _packed:
        _packed[key] = gzip.compress(b"".join(response), LEVEL, mtime=0)
    response.close()
    headers = {name: value for name, value in response.items() if name != "Content-Length"}
    return HttpResponse(
        _packed[key], headers={**headers, "Content-Encoding": "gzip", "Content-Length": str(len(_packed[key]))}
    )
