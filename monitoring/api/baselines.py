"""Baselines of versions."""

from base64 import b64encode
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.access import Permission
from core.api import parse
from monitoring import selectors, services
from monitoring.api.monitor_render import BaselineOut, brief_version
from monitoring.api.windows import MOST_JSON_BYTES, Base64Field
from monitoring.models import Baseline
from registry.api.base import ReasonField, RegistryView


class BaselineOfVersion(RegistryView):
    max_json_bytes = MOST_JSON_BYTES
    permissions = {"GET": Permission.PROJECT_READ, "PUT": Permission.MONITOR_WRITE}

    class Input(serializers.Serializer):
        profile = Base64Field(help_text="Base64 of the profile's bytes.")
        key = Base64Field(required=False, allow_null=True, help_text="Base64 of its hashing key, if it is its own.")
        reason = ReasonField()

    @extend_schema(responses=BaselineOut)
    def get(self, request: Request, name: str, ref: str) -> Response:
        """What its training data looked like."""
        return Response(_out(selectors.get_baseline(self.find_version(name, ref))))

    @extend_schema(request=Input, responses=BaselineOut)
    def put(self, request: Request, name: str, ref: str) -> Response:
        """Compare production with this from now on. Windows that were judged stay as they were; those that could not be, for
        want of a baseline, are judged.
        """
        data = parse(self.Input, request)
        version = self.find_version(name, ref)
        services.put_baseline(
            version=version,
            document=data["profile"],
            key=data.get("key"),
            reason=data["reason"],
            actor=self.principal,
        )
        return Response(_out(selectors.get_baseline(version)))


def _out(baseline: Baseline) -> dict[str, Any]:
    return {
        "version": brief_version(baseline.version),
        "sha256": baseline.sha256,
        "privacy": baseline.privacy,
        "rows": baseline.rows,
        "key": baseline.key_name,
        "reference": baseline.reference_id or None,
        "source": baseline.source,
        "frozen_at": baseline.frozen_at,
        "frozen_by": baseline.frozen_by,
        "profile": b64encode(bytes(baseline.document)).decode(),
    }
