"""The whole document of a profile: written, and read strictly."""

from typing import Any

from lineal._errors import InvalidProfile
from lineal._profiles import column_json
from lineal._profiles.document import Profile
from lineal._profiles.embeddings import Embedding
from lineal._profiles.envelope import SCHEMA
from lineal._profiles.members import Member
from lineal._profiles.performance import read_performance

PRIVACIES = ("standard", "strict")


def to_json(profile: Profile) -> dict[str, Any]:
    performance = profile.performance
    return {
        "schema": SCHEMA,
        "privacy": profile.privacy,
        "key": profile.key,
        "rows": profile.rows,
        "columns": {name: column_json.to_json(column) for name, column in profile.columns.items()},
        "performance": performance.to_json() if performance is not None else None,
        "embeddings": {name: embedding.to_json() for name, embedding in profile.embeddings.items()},
    }


def from_json(document: Any) -> Profile:
    whole = Member(document, "profile")
    schema = whole.mapping().get("schema", Member(None, "profile.schema"))
    if schema.value != SCHEMA:
        raise InvalidProfile(f"profile.schema: {schema.value!r}, where this client reads {SCHEMA}")
    found = whole.members("schema", "privacy", "key", "rows", "columns", "performance", "embeddings")
    privacy = found["privacy"].one_of(*PRIVACIES)
    performance = found["performance"]
    profile = Profile(
        privacy=privacy,
        key=found["key"].hex(16),
        rows=found["rows"].count(),
        columns={
            name: column_json.from_json(member, strict=privacy == "strict")
            for name, member in found["columns"].mapping().items()
        },
        performance=None if performance.is_null else read_performance(performance),
        embeddings={name: Embedding.from_json(member) for name, member in found["embeddings"].mapping().items()},
    )
    for name, column in profile.columns.items():
        if column.n > profile.rows:
            raise found["columns"].wrong(f"{name!r} has {column.n} rows of {profile.rows}")
    return profile
