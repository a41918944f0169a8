"""The OpenAPI document: made once in a process's life, with good requests beside the operations that people begin with.
A test sends each of those.
"""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from core.api import ApiView
from core.codec import json_bytes

MEDIA_TYPE = "application/vnd.oai.openapi+json"

RUN = "0193e5c2a7b47f3c9d1e5a60b2c4d8f1"
DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

EXAMPLES: dict[tuple[str, str], tuple[str, Any]] = {
    ("post", "/api/v1/experiments"): ("An experiment with a tag", {"name": "churn/weekly", "tags": {"team": "risk"}}),
    ("post", "/api/v1/runs"): (
        "A run with its code",
        {
            "id": RUN,
            "experiment": "churn",
            "params": {"lr": 0.0003, "layers": 4, "optimizer": "adam"},
            "tags": {"team": "risk"},
            "code": {"repository": "git@example.org:risk/churn.git", "commit": "4f2a9c1d", "dirty": False},
        },
    ),
    ("post", "/api/v1/runs/{id}/batches"): (
        "Two points of one metric, and where they came from",
        {
            "writer": "0193e5c2b1d27c4e8f0a1b2c3d4e5f60",
            "sequence": 1,
            "metrics": [
                {
                    "key": "loss",
                    "steps": [0, 1],
                    "times": [1767225600000000, 1767225601000000],
                    "values": [0.71, 0.52],
                }
            ],
            "tags": {"stage": "warm-up"},
            "inputs": [{"name": "train", "digest": DIGEST, "kind": "file", "strength": "content", "rows": 7043}],
        },
    ),
    ("post", "/api/v1/runs/{id}/finish"): ("It went well", {"status": "finished"}),
    ("post", "/api/v1/runs/{id}/artifacts"): (
        "One file",
        {"files": [{"path": "model.onnx", "size": 20, "sha256": DIGEST.removeprefix("sha256:")}]},
    ),
    ("post", "/api/v1/runs/search"): (
        "The best of those trained with adam",
        {
            "filter": "metrics.loss < 0.6 AND params.optimizer = 'adam'",
            "order_by": ["metrics.loss ASC"],
            "limit": 20,
            "columns": ["metrics.loss", "params.lr"],
        },
    ),
    ("post", "/api/v1/models/{name}/versions"): ("A file of a run", {"run": RUN, "artifact": "model.onnx"}),
    ("post", "/api/v1/models/{name}/promotions"): (
        "A plan, which changes nothing",
        {
            "version": DIGEST,
            "environment": "production",
            "reason": "Beats version 7 on the holdout.",
            "idempotency_key": "github:4711:1:churn:production",
            "dry_run": True,
        },
    ),
    ("post", "/api/v1/promotions/{uuid}/approvals"): (
        "Yes",
        {"decision": "approve", "reason": "The bias audit is fine."},
    ),
    ("post", "/api/v1/deployments"): (
        "Serving code says what it loaded",
        {"model": "churn", "version": 8, "environment": "production", "target": "eu-1"},
    ),
    ("post", "/api/v1/subscriptions"): (
        "A webhook for alerts",
        {"name": "on-call", "kind": "webhook", "target": "https://ops.example.org/hook", "events": ["alert.*"]},
    ),
    ("post", "/api/v1/tokens"): ("For a pipeline", {"name": "ci", "scopes": ["read", "log"], "expires_in_days": 90}),
}


def with_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The document, with each example at its operation. Raises KeyError for one whose operation is not there."""
    for (verb, path), (summary, value) in EXAMPLES.items():
        body = result["paths"][path][verb]["requestBody"]["content"]["application/json"]
        body["examples"] = {"example": {"summary": summary, "value": value}}
    return result


@cache
def document() -> bytes:
    """The same for every caller, and a second's work to make."""
    return json_bytes(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]  # theirs is untyped


class Document(ApiView):
    @extend_schema(operation_id="get_api_schema", responses={(200, MEDIA_TYPE): OpenApiTypes.OBJECT}, tags=["schema"])
    def get(self, request: Request) -> HttpResponse:
        """This document: OpenAPI 3.1 of all routes, the same for every caller."""
        return HttpResponse(
            document(),
            content_type=MEDIA_TYPE,
            headers={
                "Content-Disposition": 'inline; filename="lineal-openapi.json"',
                "Cache-Control": "private, no-cache",
            },
        )
