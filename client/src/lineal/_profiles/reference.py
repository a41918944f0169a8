"""What a profile pins its histograms and embeddings to, so that every batch counts over the same cells."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from lineal._profiles.columns import FAMILIES, ROLES
from lineal._profiles.envelope import canonical
from lineal._profiles.members import Member, written
from lineal._profiles.needed import require

if TYPE_CHECKING:
    from lineal._profiles.histograms import Pin

SCHEMA = "lineal-reference/1"
LARGEST_DIM = 16_384
MOST_COLUMNS = 100_000


@dataclass(frozen=True, eq=False)
class PinnedColumn:
    """How one column is counted."""

    type: str
    role: str
    pin: "Pin"

    @property
    def family(self) -> str:
        return FAMILIES[self.type]

    def to_json(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "family": self.family,
            "role": self.role,
            "kind": self.pin.kind,
            "id": self.pin.id,
            **self.pin.to_json(),
        }


@dataclass(frozen=True)
class Projection:
    """How one embedding is summed up: its dimension, and the seed and width of the random directions."""

    dim: int
    seed: int
    sigma: float

    def to_json(self) -> dict[str, Any]:
        return {"dim": self.dim, "seed": self.seed, "sigma": written(self.sigma)}

    @classmethod
    def from_members(cls, found: Mapping[str, Member]) -> Self:
        dim, seed, sigma = found["dim"].count(), found["seed"].count(), found["sigma"].finite()
        if not 1 <= dim <= LARGEST_DIM:
            raise found["dim"].wrong(f"{dim} is no dimension between 1 and {LARGEST_DIM}")
        if sigma <= 0:
            raise found["sigma"].wrong("not above 0")
        return cls(dim, seed, sigma)


@dataclass(frozen=True, eq=False)
class Reference:
    """Edges and categories of columns, widths of embeddings, and the key of the hashes. Made by `Profile.reference` or by a server."""

    key: bytes
    columns: Mapping[str, PinnedColumn]
    embeddings: Mapping[str, Projection]

    @cached_property
    def id(self) -> str:
        """64 hex digits, which name columns and embeddings."""
        return sha256(canonical(self._content())).hexdigest()

    def _content(self) -> dict[str, Any]:
        return {
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "embeddings": {name: projection.to_json() for name, projection in self.embeddings.items()},
        }

    def to_json(self) -> dict[str, Any]:
        """The document, for `json.dumps`."""
        return {"schema": SCHEMA, "key": b64encode(self.key).decode(), "id": self.id, **self._content()}

    @classmethod
    def from_json(cls, document: Any) -> "Reference":
        """Read what `to_json` wrote, or a server.

        Raises:
            InvalidProfile: it is no reference; the message names the member that is wrong.
        """
        require("numpy")
        from lineal._profiles.hashing import KEY_BYTES
        from lineal._profiles.histograms import read_pin

        whole = Member(document, "reference")
        found = whole.members("schema", "key", "id", "columns", "embeddings")
        found["schema"].one_of(SCHEMA)
        key = found["key"].binary(most=KEY_BYTES)
        if len(key) != KEY_BYTES:
            raise found["key"].wrong(f"not {KEY_BYTES} bytes")
        reference = cls(
            key,
            {name: _pinned(member, read_pin) for name, member in found["columns"].mapping().items()},
            {
                name: Projection.from_members(member.members("dim", "seed", "sigma"))
                for name, member in found["embeddings"].mapping().items()
            },
        )
        if found["id"].hex(64) != reference.id:
            raise found["id"].wrong("not the id of these columns and embeddings")
        return reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and (self.key, self.id) == (other.key, other.id)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<lineal.Reference {self.id[:12]} of {len(self.columns)} columns>"


def _pinned(member: Member, read_pin: Any) -> PinnedColumn:
    kind = member.mapping().get("kind", Member(None, f"{member.place}.kind")).one_of("bins", "cells")
    cells = "edges" if kind == "bins" else "hashes"
    found = member.members("type", "family", "role", "kind", "id", cells)
    column = PinnedColumn(found["type"].one_of(*FAMILIES), found["role"].one_of(*ROLES), read_pin(kind, found[cells]))
    if found["family"].value != column.family:
        raise found["family"].wrong(f"{column.type} is of the family {column.family}")
    if found["id"].hex(64) != column.pin.id:
        raise found["id"].wrong(f"not the id of these {cells}")
    return column
