"""What the registry's routes share: finding what the path names, pages of short lists, and fields of their inputs."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api.base import ProjectView
from core import clock
from core.errors import Invalid
from core.pagination import decode_cursor, encode_cursor, parse_limit
from registry import selectors, services
from registry.models import Environment, Model, ModelVersion

REASON_LENGTH = 2_000  # characters
DELETED = OpenApiParameter("deleted", bool, description="true: those in the bin instead.")
JSON_BYTES = 256 * 1024  # a model card or signature; larger things are artifacts
TAGS = 200  # on one version

T = TypeVar("T")


class RegistryView(ProjectView):
    """A route of the registry. What the path names is looked up in the request's project alone."""

    def find_model(self, name: str) -> Model:
        return selectors.get_model(project=self.project, name=name)

    def find_version(self, name: str, ref: str | int) -> ModelVersion:
        return selectors.get_version(model=self.find_model(name), ref=ref)

    def find_environment(self, name: str) -> Environment:
        services.ensure_environments(project=self.project)
        return selectors.get_environment(project=self.project, name=name)


def wants_deleted(request: Request) -> bool:
    return request.query_params.get("deleted", "").lower() == "true"


def short_page(
    rows: Sequence[T], request: Request, *, key: Callable[[T], str], render: Callable[[T], dict[str, Any]]
) -> dict[str, Any]:
    """A page of a list that is short and in memory already: what follows the row that the cursor names.

    Raises:
        Invalid: a limit out of range, or a cursor of no row here.
    """
    limit = parse_limit(request.query_params.get("limit"))
    cursor = request.query_params.get("cursor")
    start = _after(rows, decode_cursor(cursor, length=1)[0], key) if cursor else 0
    shown = rows[start : start + limit]
    more = start + limit < len(rows)
    return {
        "items": [render(row) for row in shown],
        "next_cursor": encode_cursor([key(shown[-1])]) if more else None,
    }


def latest_page(
    rows: QuerySet[Any], request: Request, *, column: str, render: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """A page of `rows`, latest `column` (a time) first. The cursor carries the time in µs and the id.

    Raises:
        Invalid: a limit out of range, or a cursor that is not of such a listing.
    """
    limit = parse_limit(request.query_params.get("limit"))
    cursor = request.query_params.get("cursor")
    if cursor:
        moment, last_id = _moment(cursor)
        rows = rows.filter(Q(**{f"{column}__lt": moment}) | Q(**{column: moment, "id__lt": last_id}))
    found = list(rows.order_by(f"-{column}", "-id")[: limit + 1])
    shown = found[:limit]
    last = [clock.to_micros(getattr(shown[-1], column)), shown[-1].pk] if len(found) > limit else None
    return {"items": [render(row) for row in shown], "next_cursor": encode_cursor(last) if last else None}


def _moment(cursor: str) -> tuple[datetime, int]:
    values = decode_cursor(cursor, length=2)
    try:
        if all(type(value) is int and abs(value) < 2**63 for value in values):
            return clock.from_micros(values[0]), values[1]
    except OverflowError:
        pass
    raise Invalid("This cursor belongs to another listing.", field="cursor")


def _after(rows: Iterable[T], last: Any, key: Callable[[T], str]) -> int:
    for index, row in enumerate(rows):
        if key(row) == last:
            return index + 1
    raise Invalid("This cursor belongs to another listing.", field="cursor")


class ReasonField(serializers.CharField):
    """Why, in the words of who does it; never empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=REASON_LENGTH, **options)


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "example": "sha256:9f2c…"}]})
class VersionRefField(serializers.Field):
    """A version's number, or its digest."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool) or not isinstance(data, int | str) or not 1 <= len(str(data)) <= 80:
            raise serializers.ValidationError("Expected a version's number, or its digest as sha256:….")
        return str(data)

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": True})
class JsonObjectField(serializers.Field):
    """A free JSON object of at most 256 KiB."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("Expected a JSON object.")
        try:
            text = orjson.dumps(data)
        except orjson.JSONEncodeError as exc:  # nested too deep, or an integer beyond 64 bits
            raise serializers.ValidationError(f"This object cannot be stored: {exc}.") from exc
        if len(text) > JSON_BYTES:
            raise serializers.ValidationError(f"At most {JSON_BYTES} bytes as JSON; these are {len(text)}.")
        if rb"\u0000" in text.replace(rb"\\", b""):
            raise serializers.ValidationError("No text in it may hold the character NUL.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class TagsField(serializers.DictField):
    """Short words by key."""

    child = serializers.CharField(max_length=8_000, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict):
            self._check_keys(data)
        tags: dict[str, str] = super().to_internal_value(data)
        return tags

    def _check_keys(self, data: dict[Any, Any]) -> None:
        if len(data) > TAGS:
            raise serializers.ValidationError(f"At most {TAGS} tags.")
        bad = [key for key in data if not isinstance(key, str) or not 1 <= len(key) <= 250 or "\0" in key]
        if bad:
            raise serializers.ValidationError(
                f"A tag's key is a text of 1 to 250 characters, not {str(bad[0])[:80]!r}."
            )
