"""Profiles as the server reads them (docs/profiles.md): checked strictly, merged, never built from rows here."""

from monitoring.profiles.errors import IncompatibleProfiles, InvalidProfile, InvalidSketch
from monitoring.profiles.hashing import DEFAULT_KEY, KEY_SIZE, key_id
from monitoring.profiles.kll import Kll
from monitoring.profiles.merging import merge
from monitoring.profiles.parts import (
    Classification,
    ColumnProfile,
    Embedding,
    Histogram,
    Regression,
    Scores,
    ValueCounts,
)
from monitoring.profiles.profile import Profile
from monitoring.profiles.reading import profile_from_json, read_profile
from monitoring.profiles.reference import Reference, reference_of

__all__ = [
    "DEFAULT_KEY",
    "KEY_SIZE",
    "Classification",
    "ColumnProfile",
    "Embedding",
    "Histogram",
    "IncompatibleProfiles",
    "InvalidProfile",
    "InvalidSketch",
    "Kll",
    "Profile",
    "Reference",
    "Regression",
    "Scores",
    "ValueCounts",
    "key_id",
    "merge",
    "profile_from_json",
    "read_profile",
    "reference_of",
]
