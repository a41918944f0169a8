"""What every REST view shares: the caller, and input that is either clean or refused as a whole."""

from functools import lru_cache
from hashlib import sha256
from typing import Any, cast

from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.access import Principal
from core.codec import json_bytes
from core.errors import Invalid, Unauthenticated


class ApiView(APIView):
    """A REST endpoint. `self.principal` is the caller; the anonymous never get this far unless the route allows it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_nul(request)

    @property
    def principal(self) -> Principal:
        principal = getattr(self.request, "principal", None)
        if principal is None:
            principal = getattr(getattr(self.request, "_request", None), "principal", None)
        if principal is None:
            raise Unauthenticated("Sign in, or send a token as 'Authorization: Bearer …'.")
        return cast("Principal", principal)


def refuse_nul(request: Request | HttpRequest) -> None:
    """Raises Invalid for an address that holds NUL, which no name holds and PostgreSQL cannot even look up."""
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        raise Invalid("The address holds a NUL character.")


def polled(request: Request, body: Any) -> Response:
    """`body` with an ETag over all of it; 304 without it where If-None-Match names that tag (RFC 9110, 13.1.2)."""
    etag = f'"{sha256(json_bytes(body)).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status=304, headers=headers)
    return Response(body, headers=headers)


def parse(serializer_class: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """The request's body through `serializer_class`.

    Raises:
        Invalid: unknown keys, missing keys, wrong types; all of them at once, under `errors`.
    """
    return parse_data(serializer_class, request.data)


def parse_query(serializer_class: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """The request's query parameters through `serializer_class`; unknown parameters are let be (links carry extras)."""
    return dict(_ready(serializer_class).run_validation(request.query_params))


def parse_data(serializer_class: type[serializers.Serializer], data: Any) -> dict[str, Any]:
    """As `parse`, of a body that has been read."""
    serializer = _ready(serializer_class)
    if not isinstance(data, dict):
        raise Invalid(f"The body has to be a JSON object, and is {_kind(data)}.")
    unknown = sorted(set(data) - set(serializer.fields))
    if unknown:
        known = ", ".join(sorted(serializer.fields))
        raise Invalid(
            f"Unknown: {', '.join(unknown)}.",
            errors=[{"field": key, "detail": f"Unknown key; known are: {known}."} for key in unknown],
        )
    return dict(serializer.run_validation(data))


@lru_cache(1_000)
def _ready(serializer_class: type[serializers.Serializer]) -> serializers.Serializer:
    """One for all requests: it copies its fields when it is made, and keeps nothing of what it validates."""
    return serializer_class()


def _kind(data: Any) -> str:
    names = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}
    return names.get(type(data), "something else")
