"""A profile as people hold it: what it says of each column, how it merges, and how it is written down and read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lineal._profiles import envelope
from lineal._profiles.columns import ColumnProfile
from lineal._profiles.needed import require

if TYPE_CHECKING:
    from lineal._profiles.embeddings import Embedding
    from lineal._profiles.performance import Performance
    from lineal._profiles.reference import Reference


@dataclass(frozen=True, eq=False)
class Profile:
    """What a table holds, without its rows. `lineal.profile` makes one, `merge` makes one of two, `to_bytes` is what is stored and sent.

    Equal profiles have equal documents.
    """

    privacy: str
    key: str  # names the hashing key
    rows: int
    columns: Mapping[str, ColumnProfile]
    performance: "Performance | None" = None
    embeddings: "Mapping[str, Embedding]" = field(default_factory=dict)
    secret: bytes | None = field(
        default=None, repr=False
    )  # the hashing key itself, where it is known; never written down

    def merge(self, other: "Profile") -> "Profile":
        """The profile of the rows of both. Counts, values, distinct values and histograms come out the same in any order.

        Raises:
            IncompatibleProfiles: another privacy, key, or kind of performance.
        """
        from lineal._profiles.merging import merge

        return merge(self, other)

    def reference(self, key: bytes | None = None) -> "Reference":
        """Edges and categories that later profiles of such tables count over.

        `key` is needed only for a profile that was read back and was not made with the public key.

        Raises:
            ValueError: the key is not known, or not this profile's.
        """
        from lineal._profiles.hashing import PUBLIC_KEY, key_id
        from lineal._profiles.pinning import pinned_columns
        from lineal._profiles.reference import Reference

        known = key or self.secret or PUBLIC_KEY
        if key_id(known) != self.key:
            raise ValueError(
                f"the key of this profile (id {self.key}) is {'another one' if key else 'not known here: give it'}"
            )
        projections = {name: embedding.projection for name, embedding in self.embeddings.items()}
        return Reference(known, pinned_columns(self.columns, known), projections)

    def to_bytes(self) -> bytes:
        """As it is stored and sent: checksummed and compressed, about 10 KB a column."""
        return envelope.pack(self.to_json())

    @staticmethod
    def from_bytes(data: bytes) -> "Profile":
        """Read what `to_bytes` wrote.

        Raises:
            InvalidProfile: the bytes are of something else or another version, were changed or cut off, or contradict themselves.
        """
        return Profile.from_json(envelope.unpack(bytes(data)))

    def to_json(self) -> dict[str, Any]:
        """The document (docs/profiles.md), for `json.dumps`."""
        from lineal._profiles.document_json import to_json

        return to_json(self)

    @staticmethod
    def from_json(document: Any) -> "Profile":
        """Read a document. Raises InvalidProfile as `from_bytes` does; the message names the member that is wrong."""
        require("numpy")
        from lineal._profiles.document_json import from_json

        return from_json(document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.privacy, self.key, self.rows, frozenset(self.columns)))

    def __repr__(self) -> str:
        return f"<lineal.Profile of {self.rows} rows, {len(self.columns)} columns, {self.privacy}>"
