"""A profile: what a table holds, without its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitoring.profiles import envelope
from monitoring.profiles.parts import ColumnProfile, Embedding, Performance, Privacy
from monitoring.profiles.writing import column_document, embedding_document, performance_document

SCHEMA = "lineal-profile/1"


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """`key` names the hashing key (16 hex digits). Two profiles are equal when their documents are."""

    privacy: Privacy
    key: str
    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    performance: Performance | None = None
    embeddings: Mapping[str, Embedding] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document of docs/profiles.md."""
        return {
            "schema": SCHEMA,
            "privacy": self.privacy,
            "key": self.key,
            "rows": self.rows,
            "columns": {name: column_document(column) for name, column in self.columns.items()},
            "performance": performance_document(self.performance),
            "embeddings": {name: embedding_document(embedding) for name, embedding in self.embeddings.items()},
        }

    def to_bytes(self) -> bytes:
        """The document as it travels: signature, SHA-256, zlib stream."""
        return envelope.seal(self.to_json())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # equal by document, and too large to hash
