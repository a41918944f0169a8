"""What models, aliases, environments, policies and reports may be called."""

import re

from core.errors import Invalid

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)  # not a number, which would be taken for a version
MODEL_BARRED = frozenset("/\\:@?#%\"'`<>|*")  # signs that paths, references, shells or other registries read otherwise
MODEL_LENGTH = 250
REPORT_LENGTH = 200
RESERVED_ALIASES = frozenset({"latest"})  # says "the newest", which an alias cannot promise


def check_model_name(name: str) -> str:
    """`name`, if a model may be called so.

    Raises:
        Invalid: empty, too long, with a sign in MODEL_BARRED, unprintable, or beginning or ending with a space.
    """
    barred = sorted(MODEL_BARRED & set(name))
    if barred:
        raise Invalid(
            f"A model's name has none of {' '.join(sorted(MODEL_BARRED))}, and {name[:80]!r} has.", field="name"
        )
    if not name or len(name) > MODEL_LENGTH or not name.isprintable() or name != name.strip() or name in {".", ".."}:
        raise Invalid(
            f"A model's name has 1 to {MODEL_LENGTH} printable characters and no space at either end.", field="name"
        )
    return name


def can_be_asked_for(name: str) -> bool:
    """Whether a model may have that name as far as the database is concerned, which cannot even look up NUL."""
    return len(name) <= MODEL_LENGTH and name.isprintable()


def check_slug(name: str, *, field: str = "name") -> str:
    """Raises Invalid unless `name` starts with a-z or 0-9 and goes on with those, '.', '_' or '-', 64 at most."""
    if not SLUG.fullmatch(name):
        raise Invalid(
            f"A name is 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit; {name[:80]!r} is not.",
            field=field,
        )
    return name


def check_report_name(name: str) -> str:
    """Raises Invalid unless `name` has 1 to 200 printable characters and no space at either end."""
    if not name or len(name) > REPORT_LENGTH or not name.isprintable() or name != name.strip():
        raise Invalid(
            f"Evidence has a name of 1 to {REPORT_LENGTH} printable characters, no space at either end; "
            f"{name[:80]!r} is not.",
            field="name",
        )
    return name


def check_alias(name: str) -> str:
    """Raises Invalid unless `name` starts with a letter and is no word with a meaning of its own."""
    if not ALIAS.fullmatch(name) or name.lower() in RESERVED_ALIASES:
        raise Invalid(
            "An alias is 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', starting with a letter, and not 'latest'; "
            f"{name[:80]!r} is not.",
            field="alias",
        )
    return name
