"""From database URLs to Django's settings: SQLite in the home folder, or PostgreSQL with a pool, limits and a replica."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from config import environment
from config.environment import BadSetting

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an acknowledged batch survives a power cut
    "PRAGMA recursive_triggers=ON",  # else INSERT OR REPLACE slips past the ledger's guards
    "PRAGMA busy_timeout=20000",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=1073741824",
)

MOST_WEB_WORKERS = 64
SCHEMES = ("postgres", "postgresql")

Work = Literal["web", "jobs", "migration"]
work: Work = "jobs"
"""What this process does. Its entry point says so before Django reads the settings."""


def become(kind: Work) -> None:
    """Say what this process does. Where the settings have been read before, by the process that forked this one, the connections that
    it will make get its own limits; it has made none.
    """
    global work  # noqa: PLW0603 - the settings ask for it
    work = kind
    from django.conf import settings  # noqa: PLC0415 - may be read already

    if not settings.configured:
        return
    from django.db import connections  # noqa: PLC0415 - needs settings

    for alias, found in databases(settings.HOME).items():
        connections.settings[alias]["OPTIONS"] = found["OPTIONS"]


@dataclass(frozen=True)
class Limits:
    """How long PostgreSQL lets a session of ours run one statement, wait for a lock, and sit idle in a transaction.

    Seconds; 0 is for ever.
    """

    statement_s: int
    lock_s: int
    idle_s: int

    def as_options(self) -> str:
        named = {
            "statement_timeout": self.statement_s,
            "lock_timeout": self.lock_s,
            "idle_in_transaction_session_timeout": self.idle_s,
        }
        return " ".join(f"-c {name}={seconds * 1_000}" for name, seconds in named.items())


def limits_of(kind: Work) -> Limits:
    """A person waits for a request and nobody for a job; an index on a large table takes what it takes."""
    match kind:
        case "web":
            statement_s = environment.number("LINEAL_REQUEST_SECONDS")
            return Limits(statement_s, lock_s=min(10, ceil(statement_s / 2)) or 10, idle_s=60)
        case "jobs":
            return Limits(environment.number("LINEAL_JOB_SECONDS"), lock_s=20, idle_s=900)
        case "migration":  # waiting for a table's lock, it makes all who come later wait behind it
            return Limits(0, lock_s=10, idle_s=0)


def databases(home: Path) -> dict[str, Any]:
    """Django's DATABASES: `default`, and `replica` where there is one. Raises BadSetting."""
    named = {name: environment.text(f"LINEAL_DATABASE_{name}") for name in ("URL", "MIGRATE_URL", "REPLICA_URL")}
    owner = work == "migration" and named["MIGRATE_URL"]
    found = {"default": settings_for(named["MIGRATE_URL"] if owner else named["URL"], home)}
    if named["REPLICA_URL"] and work != "migration":
        found["replica"] = _replica(named["REPLICA_URL"])
    return found


def web_workers(given: int | None = None) -> int:
    """How many web processes: `given`, or as the environment says. Raises BadSetting."""
    found = given or environment.positive("LINEAL_WEB_WORKERS")
    if found > MOST_WEB_WORKERS:
        raise BadSetting(f"LINEAL_WEB_WORKERS is at most {MOST_WEB_WORKERS}, and not {found}.")
    url = environment.text("LINEAL_DATABASE_URL")
    if found > 1 and urlsplit(url).scheme not in SCHEMES:
        raise BadSetting(
            "SQLite has one writer, so there is one web process: leave --workers and LINEAL_WEB_WORKERS at 1, or set "
            "LINEAL_DATABASE_URL."
        )
    return found


def app_role() -> str:
    """The role that serves, where another one migrates: the one to be granted what serving needs. Else empty."""
    serving, migrating = environment.text("LINEAL_DATABASE_URL"), environment.text("LINEAL_DATABASE_MIGRATE_URL")
    if not serving or not migrating:
        return ""
    role = str(_parsed(serving, "LINEAL_DATABASE_URL").get("user", ""))
    return "" if role == _parsed(migrating, "LINEAL_DATABASE_MIGRATE_URL").get("user") else role


def settings_for(url: str, home: Path) -> dict[str, Any]:
    """Django's DATABASES entry for `url`; SQLite in `home` when it is empty.

    Raises:
        BadSetting: the URL names a database we do not speak, or lacks its name.
    """
    if not url:
        return sqlite(home / "db.sqlite3")
    parts = urlsplit(url)
    if parts.scheme in SCHEMES:
        return _postgresql(_parsed(url, "LINEAL_DATABASE_URL"))
    if parts.scheme == "sqlite" and parts.path:
        return sqlite(Path(unquote(parts.path)))
    raise BadSetting("LINEAL_DATABASE_URL has to look like postgresql://user:password@host:port/name.")


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "core.sqlite",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {"init_command": "; ".join(SQLITE_PRAGMAS), "transaction_mode": "IMMEDIATE", "timeout": 20},
    }


def _parsed(url: str, name: str) -> dict[str, Any]:
    """What libpq reads in the URL: several hosts, a socket's folder and every parameter it knows, too."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - SQLite does without
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        found = conninfo_to_dict(url)
    except ProgrammingError as exc:
        raise BadSetting(f"{name} cannot be read; it looks like postgresql://user:password@host:port/name.") from exc
    if not found.get("dbname"):
        raise BadSetting(f"{name} lacks the database's name: postgresql://user:password@host:port/name.")
    return dict(found)


def _postgresql(given: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(given)
    return {
        "ENGINE": "core.postgresql",
        "NAME": rest.pop("dbname"),
        "USER": rest.pop("user", ""),
        "PASSWORD": rest.pop("password", ""),
        "HOST": rest.pop("host", ""),
        "PORT": str(rest.pop("port", "")),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # the pool asks before it hands one out, so a restarted database costs no request
        "DISABLE_SERVER_SIDE_CURSORS": behind_pooler(),
        "OPTIONS": {
            "pool": _pool(environment.number("LINEAL_DATABASE_POOL_WAIT")),
            "application_name": f"lineal-{work}",
            **_network(connect_s=5),
            **({"target_session_attrs": "read-write"} if "," in str(given.get("host", "")) else {}),
            **_session(limits_of(work)),
            **rest,
        },
    }


def _replica(url: str) -> dict[str, Any]:
    """Reads only, and given up on quickly: the primary can answer as well."""
    found = _postgresql(_parsed(url, "LINEAL_DATABASE_REPLICA_URL"))
    options = found["OPTIONS"] | {"pool": _pool(wait_s=2)} | _network(connect_s=2)
    options.pop("target_session_attrs", None)
    if "options" in options:
        options["options"] += " -c default_transaction_read_only=on"
    return {**found, "OPTIONS": options, "TEST": {"MIRROR": "default"}}


def behind_pooler() -> bool:
    """PgBouncer in transaction mode: a session is lent for one transaction, so nothing may be kept in it."""
    return environment.flag("LINEAL_DATABASE_POOLER")


def _session(limits: Limits) -> dict[str, str]:
    """Set as the session starts. A pooler's sessions were started by itself: there the role has to carry the limits."""
    return {} if behind_pooler() else {"options": f"{limits.as_options()} -c jit=off -c timezone=UTC"}


def _pool(wait_s: int) -> dict[str, Any]:
    most = max(1, environment.number("LINEAL_DATABASE_POOL"))
    return {"min_size": 1, "max_size": most, "timeout": max(1, wait_s), "max_lifetime": 3_600, "max_idle": 300}


def _network(connect_s: int) -> dict[str, int]:
    """A peer that vanished without a word is noticed within a minute, instead of two hours."""
    return {
        "connect_timeout": connect_s,
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # milliseconds
    }
