"""From a database URL to Django's settings: SQLite in the home folder, or PostgreSQL."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.environment import BadSetting

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an acknowledged batch survives a power cut
    "PRAGMA recursive_triggers=ON",  # else INSERT OR REPLACE slips past the ledger's guards
    "PRAGMA busy_timeout=20000",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
)


def settings_for(url: str, home: Path) -> dict[str, Any]:
    """Django's DATABASES entry for `url`; SQLite in `home` when it is empty.

    Raises:
        BadSetting: the URL names a database we do not speak, or lacks its name.
    """
    if not url:
        return sqlite(home / "db.sqlite3")
    parts = urlsplit(url)
    if parts.scheme in ("postgres", "postgresql"):
        return _postgresql(url)
    if parts.scheme == "sqlite" and parts.path:
        return sqlite(Path(unquote(parts.path)))
    raise BadSetting("LINEAL_DATABASE_URL has to look like postgresql://user:password@host:port/name.")


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"init_command": "; ".join(SQLITE_PRAGMAS), "transaction_mode": "IMMEDIATE", "timeout": 20},
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise BadSetting("LINEAL_DATABASE_URL lacks the database's name: postgresql://user:password@host:port/name.")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", unquote(parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": 20, "timeout": 10},
            "options": "-c statement_timeout=30000 -c lock_timeout=20000 -c timezone=UTC",
            **query,
        },
    }
