"""How a dataset version is mentioned on the wire."""

from typing import Annotated, Any, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class DatasetUse(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A dataset as a run read it. `strength` says what `digest` is worth: see `tracking.models.DatasetVersion`."""

    name: str
    digest: str | None = None
    kind: Literal["file", "directory", "frame", "uri"] = "uri"
    strength: Literal["content", "snapshot", "declared", "path"] = "declared"
    context: Annotated[str, msgspec.Meta(max_length=100)] = ""
    schema: list[dict[str, Any]] | None = None
    rows: Count | None = None
    bytes: Count | None = None
    uri: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    source_version: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    profile: dict[str, Any] | None = None
