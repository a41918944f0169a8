"""What accounts and projects may be called: lower case, so that no two names look alike, and safe in paths and shells."""

import re

from core.errors import Invalid

MAX_NAME_CHARS = 64
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
RESERVED = frozenset(
    {"anonymous", "me", "system", "none", "null"}
)  # words that the ledger and the routes give a meaning


def check_name(name: str) -> None:
    """Raises Invalid unless `name` starts with a-z or 0-9 and goes on with those, '.', '_' or '-', 64 characters at
    most.
    """
    if not NAME.fullmatch(name):
        raise Invalid(
            f"A name is 1 to {MAX_NAME_CHARS} of a-z, 0-9, '.', '_' and '-', starting with a letter or digit; "
            f"{name[:80]!r} is not.",
            field="name",
        )
    if name in RESERVED:
        raise Invalid(f"The name '{name}' is reserved.", field="name")
