"""Input fields of this room."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(
    {"type": ["string", "number", "boolean"]}
)  # null is added where a field allows it, which this one does
class ScalarField(serializers.Field):
    """Text, a number, a boolean or null, kept as what it was given as."""

    default_error_messages = {"scalar": "Has to be text, a number, a boolean or null."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> str | int | float | bool | None:
        if not (data is None or isinstance(data, str | int | float | bool)):
            self.fail("scalar")
        return data

    def to_representation(self, value: Any) -> Any:
        return value
