"""OpenAPI's view of what `render` gives."""

from typing import Any

from rest_framework import serializers

from retention.api.schemas import PurgedOut
from tracking.limits import BATCH_ITEMS, BATCH_KEYS, BATCHES_AT_ONCE
from tracking.models import Run
from tracking.search.selection import LIFECYCLES

STATUSES = ["running", "finished", "failed", "killed"]
BLOB_STATES = ["unverified", "verified", "quarantined", "missing"]


class ExperimentOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    tags = serializers.DictField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    deleted = serializers.BooleanField()
    deleted_at = serializers.DateTimeField(allow_null=True)
    purge_at = serializers.DateTimeField(allow_null=True, help_text="When the bin lets go of it.")


class RunSealOut(serializers.Serializer):
    number = serializers.IntegerField()
    digest = serializers.CharField(help_text="sha256: and 64 hex digits, over the run's logical content.")
    sealed_at = serializers.DateTimeField()
    event_id = serializers.UUIDField(help_text="The ledger's entry of this seal.")


class SummaryOut(serializers.Serializer):
    count = serializers.IntegerField()
    last = serializers.JSONField(help_text='A number, or "NaN", "Infinity", "-Infinity".')
    last_step = serializers.IntegerField()
    min = serializers.JSONField(help_text="As `last`; null where every value was NaN.")
    min_step = serializers.IntegerField(allow_null=True)
    max = serializers.JSONField(help_text="As `last`; null where every value was NaN.")
    max_step = serializers.IntegerField(allow_null=True)


class CodeOut(serializers.Serializer):
    repository = serializers.CharField(allow_blank=True)
    commit = serializers.CharField()
    branch = serializers.CharField(allow_blank=True)
    dirty = serializers.BooleanField(allow_null=True)
    folder = serializers.CharField(allow_null=True, allow_blank=True)
    untracked = serializers.IntegerField(allow_null=True)
    diff_sha256 = serializers.CharField(allow_null=True)


class LockOut(serializers.Serializer):
    digest = serializers.CharField()
    python = serializers.CharField(allow_blank=True)
    platform = serializers.CharField(allow_blank=True)


class RunDatasetOut(serializers.Serializer):
    name = serializers.CharField()
    digest = serializers.CharField(allow_null=True)
    kind = serializers.CharField()
    strength = serializers.CharField()
    context = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # the REST framework has a property of this name
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True)
    uri = serializers.CharField(allow_null=True)


class RunOut(serializers.Serializer):
    id = serializers.CharField(help_text="32 hex digits.")
    project = serializers.CharField()
    experiment = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    lifecycle = serializers.ChoiceField(Run.Lifecycle.values)
    deleted_at = serializers.DateTimeField(allow_null=True)
    purge_at = serializers.DateTimeField(allow_null=True, help_text="When the bin lets go of it.")
    purged = PurgedOut(allow_null=True)
    caused_by = serializers.UUIDField(allow_null=True)
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # the REST framework has a property of this name
    description = serializers.CharField(allow_blank=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(help_text="The server's clock.")
    client_started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="The server's clock.")
    client_ended_at = serializers.DateTimeField(allow_null=True)
    host = serializers.CharField(allow_blank=True)
    user = serializers.CharField(allow_blank=True)
    entry_point = serializers.CharField(allow_blank=True)
    code = CodeOut(allow_null=True)
    environment = LockOut(allow_null=True)
    params = serializers.DictField(child=serializers.JSONField())
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True))
    metrics = serializers.DictField(child=SummaryOut())
    inputs = RunDatasetOut(many=True)
    outputs = RunDatasetOut(many=True)
    seal = RunSealOut(allow_null=True)
    sealed = serializers.BooleanField(help_text="Whether the latest seal covers all there is.")
    url = serializers.CharField()


class RejectedOut(serializers.Serializer):
    kind = serializers.ChoiceField(["metric", "param", "tag", "input"])
    key = serializers.CharField()
    detail = serializers.CharField()
    stored = serializers.JSONField(allow_null=True)
    given = serializers.JSONField(allow_null=True)


_INT64 = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_COUNT = {"type": ["integer", "null"], "minimum": 0, "maximum": 2**63 - 1}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_NUMBER = {"oneOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_DATASET_USES = {
    "type": "array",
    "maxItems": BATCH_ITEMS,
    "items": {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "digest": _TEXT_OR_NULL,
            "kind": {"type": "string", "enum": ["file", "directory", "frame", "uri"]},
            "strength": {"type": "string", "enum": ["content", "snapshot", "declared", "path"]},
            "context": {"type": "string", "maxLength": 100},
            "schema": {"type": ["array", "null"], "items": {"type": "object"}},
            "rows": _COUNT,
            "bytes": _COUNT,
            "uri": _TEXT_OR_NULL,
            "source_version": _TEXT_OR_NULL,
            "profile": {"type": ["object", "null"]},
        },
    },
}
BATCH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "The steps, times and values of a metric are of one length.",
    "required": ["writer", "sequence"],
    "additionalProperties": False,
    "properties": {
        "writer": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "sequence": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
        "metrics": {
            "type": "array",
            "maxItems": BATCH_KEYS,
            "items": {
                "type": "object",
                "required": ["key", "steps", "times", "values"],
                "additionalProperties": False,
                "properties": {
                    "key": {"type": "string"},
                    "steps": {"type": "array", "items": _INT64},
                    "times": {"type": "array", "items": _INT64, "description": "Microseconds since 1970, UTC."},
                    "values": {"type": "array", "items": _NUMBER},
                },
            },
        },
        "params": {"type": "object", "maxProperties": BATCH_ITEMS, "additionalProperties": _SCALAR},
        "tags": {"type": "object", "maxProperties": BATCH_ITEMS, "additionalProperties": _TEXT_OR_NULL},
        "inputs": _DATASET_USES,
        "outputs": _DATASET_USES,
    },
}


BATCHES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["batches"],
    "additionalProperties": False,
    "properties": {
        "batches": {
            "type": "array",
            "maxItems": BATCHES_AT_ONCE,
            "items": {
                **BATCH_SCHEMA,
                "required": ["run", *BATCH_SCHEMA["required"]],
                "properties": {
                    "run": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                    **BATCH_SCHEMA["properties"],
                },
            },
        }
    },
}


class BatchOut(serializers.Serializer):
    last_sequence = serializers.IntegerField()
    repeated = serializers.BooleanField(help_text="It was stored before; nothing was written now.")
    rejected = RejectedOut(many=True, help_text="What can never be stored; all else is.")


class OneOfManyOut(serializers.Serializer):
    run = serializers.CharField(help_text="As it was given.")
    writer = serializers.CharField()
    sequence = serializers.IntegerField()
    outcome = BatchOut(allow_null=True, help_text="What came of it; null where it was refused.")
    problem = serializers.DictField(
        allow_null=True, help_text="Why it was refused, as a request of its own would have been told (RFC 9457)."
    )


class BatchesOut(serializers.Serializer):
    batches = OneOfManyOut(many=True, help_text="In the order of the request.")


class SuggestionOut(serializers.Serializer):
    text = serializers.CharField()
    kind = serializers.CharField(help_text="metrics, params, tags, attribute, value, comparison, …")


class CompletionOut(serializers.Serializer):
    begin = serializers.IntegerField(help_text="From this character on, `q` is replaced by the text of an item.")
    items = SuggestionOut(many=True)


class ViewOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    experiment = serializers.CharField(allow_null=True, help_text="Null for the whole project.")
    filter = serializers.CharField()
    lifecycle = serializers.ChoiceField(LIFECYCLES)
    order_by = serializers.CharField()
    columns = serializers.CharField(help_text="metrics.auc,min(metrics.loss),params.lr")
    differing = serializers.BooleanField(help_text="Columns in which the runs of a page are alike are left out.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="The page that shows it.")


class CountOut(serializers.Serializer):
    count = serializers.IntegerField()


class SeriesOut(serializers.Serializer):
    steps = serializers.ListField(child=serializers.IntegerField())
    times = serializers.ListField(child=serializers.IntegerField(), help_text="Microseconds since 1970, UTC.")
    values = serializers.ListField(
        child=serializers.JSONField(), help_text='Numbers, or "NaN", "Infinity", "-Infinity".'
    )
    count = serializers.IntegerField(help_text="Points there are in all. Given as since, it asks for what comes later.")
    since = serializers.IntegerField(
        help_text="These points are of those that arrived after so many. 0, though more was asked for: all of them, anew."
    )
    downsampled = serializers.BooleanField(help_text="Fewer points than there are, with every spike among them.")


class RunChartsOut(serializers.Serializer):
    run = serializers.CharField()
    status = serializers.CharField()
    series = serializers.DictField(child=SeriesOut(), help_text="By metric.")


class ChartsOut(serializers.Serializer):
    items = RunChartsOut(many=True, help_text="In the order asked for.")


class LinkOut(serializers.Serializer):
    part = serializers.IntegerField()
    url = serializers.CharField(help_text="PUT the part's bytes there, without credentials of this server.")
    headers = serializers.DictField(child=serializers.CharField(), help_text="To be sent with it as they are.")


class LinksOut(serializers.Serializer):
    links = LinkOut(many=True)
    expires_in_s = serializers.IntegerField()


class DirectOut(serializers.Serializer):
    part_size = serializers.IntegerField(help_text="Bytes of each part but the last.")
    parts = serializers.IntegerField(help_text="How many there are; a file of one part is sent whole.")
    began = serializers.BooleanField(help_text="Some parts may have arrived: ask the upload which.")
    link = LinkOut(allow_null=True, help_text="For a file of one part that is too large for a pack.")


class UploadTicketOut(serializers.Serializer):
    id = serializers.UUIDField()
    url = serializers.CharField()
    offset = serializers.IntegerField(help_text="Bytes that have arrived; go on from there.")
    direct = DirectOut(allow_null=True, help_text="Where clients reach the store: how to send parts to it.")


class AnnouncedFileOut(serializers.Serializer):
    path = serializers.CharField()
    state = serializers.ChoiceField(["have", "upload"])
    upload = UploadTicketOut(allow_null=True)


class PackLimitsOut(serializers.Serializer):
    url = serializers.CharField()
    file_bytes = serializers.IntegerField(help_text="The largest file for it.")
    bytes = serializers.IntegerField(help_text="Of all files in one.")


class AnnouncedOut(serializers.Serializer):
    files = AnnouncedFileOut(many=True)
    pack = PackLimitsOut(help_text="Where small files are sent together.")


class PackedFileOut(serializers.Serializer):
    upload = serializers.UUIDField()
    state = serializers.ChoiceField(["stored", "refused"])
    detail = serializers.CharField(allow_null=True, help_text="Why it was refused.")


class PackOut(serializers.Serializer):
    files = PackedFileOut(many=True)


class OffsetOut(serializers.Serializer):
    offset = serializers.IntegerField()


class UploadOut(OffsetOut):
    part_size = serializers.IntegerField(required=False, help_text="Where clients reach the store.")
    parts = serializers.IntegerField(required=False)
    arrived = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Numbers of the parts that need not be sent again."
    )


class ArtifactOut(serializers.Serializer):
    path = serializers.CharField()
    folder = serializers.BooleanField()
    size = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(BLOB_STATES, allow_null=True)
    link = serializers.CharField(
        required=False, allow_null=True, help_text="With links=true: where to read it past this server, for a while."
    )


class DatasetOut(serializers.Serializer):
    name = serializers.CharField()
    created_at = serializers.DateTimeField()


class DatasetVersionOut(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    digest = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(["file", "directory", "frame", "uri"])
    strength = serializers.ChoiceField(["content", "snapshot", "declared", "path"])
    schema = serializers.JSONField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True)
    uri = serializers.CharField(allow_null=True)
    source_version = serializers.CharField(allow_null=True)
    profile = serializers.JSONField(allow_null=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()


def by_metric(of: type[serializers.Serializer]) -> dict[str, Any]:
    """An object whose keys are metrics, and whose values are as `of` says."""
    kinds = {
        serializers.IntegerField: {"type": "integer"},
        serializers.BooleanField: {"type": "boolean"},
        serializers.ListField: {"type": "array", "items": {}},
    }
    properties = {
        name: next((kind for field_class, kind in kinds.items() if isinstance(field, field_class)), {})
        for name, field in of().fields.items()
    }
    return {"type": "object", "additionalProperties": {"type": "object", "properties": properties}}
