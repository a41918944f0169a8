"""The published JSON Schema of the result document. It says nothing about anybody, so anybody may read it."""

from functools import cache
from importlib.resources import files

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def promotion_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_text(), content_type="application/schema+json")


@cache
def _text() -> bytes:
    return (files("registry") / "schemas" / "promotion-v1.json").read_bytes()
