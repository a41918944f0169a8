"""Checks of the database: that it answers, that its tables are of this release, guarded, indexed, and not the server's to alter."""

from collections.abc import Iterator

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model, UniqueConstraint

from audit import serving
from audit.guards import missing
from config.findings import Finding, fail, ok, shown_age, warn
from core import clock, schema

OLDEST_POSTGRESQL = 140_000  # as server_version_num; Django 5.2 serves 14 and later
LARGEST_SKEW_S = 5.0
CONNECT_LIMIT_S = 5

LARGE_ROWS = 10_000  # below, whatever way is chosen is quick
STALE_SHARE = 0.5  # of the rows changed since they were looked at; autovacuum looks after a tenth
STALE = """
SELECT relname FROM pg_stat_user_tables
WHERE schemaname = ANY (current_schemas(false)) AND relname = ANY (%(tables)s) AND n_live_tup >= %(large)s
  AND (coalesce(last_analyze, last_autoanalyze) IS NULL OR n_mod_since_analyze > %(share)s * n_live_tup)
ORDER BY relname"""


def connects() -> Iterator[Finding]:
    """Straight, without the pool: it tries for long, and then says only that it could not."""
    options = connection.settings_dict["OPTIONS"]
    if options.pop("pool", None) is not None:
        options.setdefault("connect_timeout", CONNECT_LIMIT_S)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT sqlite_version()")
            said = str(cursor.fetchone()[0])
            cursor.execute("PRAGMA journal_mode")
            mode = str(cursor.fetchone()[0])
            if mode.lower() == "wal":
                yield ok("database", f"SQLite {said}, {connection.settings_dict['NAME']}")
            else:
                yield warn(
                    "database",
                    f"SQLite {said} journals in mode '{mode}'",
                    "Put the home on a local disk: WAL needs one.",
                )
            return
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int, clock_timestamp()"
        )
        said, number, there = cursor.fetchone()
    detail = f"PostgreSQL {said}"
    skew_s = abs((there - clock.now()).total_seconds())
    if number < OLDEST_POSTGRESQL:
        yield fail("database", f"{detail} is older than what is supported", "Move to PostgreSQL 14 or later.")
    elif skew_s > LARGEST_SKEW_S:
        yield warn("database", f"{detail}; its clock is {shown_age(skew_s)} off this machine's", "Run NTP on both.")
    else:
        yield ok("database", detail)


def migrations() -> Iterator[Finding]:
    misfit, missing_ones = schema.find_misfit(), schema.missing_migrations()
    if misfit is not None and not misfit.may_pass:
        yield fail("migrations", misfit.detail, "Start the newer release, or bring back a backup from before.")
        return
    if missing_ones:
        yield fail(
            "migrations", f"{len(missing_ones)} are not applied, {missing_ones[0]} first", "Run: lineal migrate."
        )
        return
    loader = MigrationExecutor(connection).loader
    newer = sorted(
        key for key in loader.applied_migrations if key[0] in loader.migrated_apps and key not in loader.graph.nodes
    )
    if newer:
        names = ", ".join(".".join(key) for key in newer[:3])
        yield warn(
            "migrations",
            f"the database knows {names}, of a newer release",
            "Fine while releases roll; else update here.",
        )
    else:
        yield ok("migrations", f"all {len(loader.applied_migrations)} applied")


def guards() -> Iterator[Finding]:
    gone = missing(connection)
    if gone:
        yield fail(
            "ledger guards",
            f"do not stand: {', '.join(gone)}",
            "Somebody could have changed entries: verify the ledger, then `audit.guards.install` as the migrating role.",
        )
    else:
        yield ok("ledger guards", "all stand")


def indexes() -> Iterator[Finding]:
    """Every index and unique constraint that the models declare, by name. Without one nothing fails, it only gets slow."""
    absent = []
    counted = 0
    with connection.cursor() as cursor:
        for model in apps.get_models():
            declared = _declared(model)
            counted += len(declared)
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)  # noqa: SLF001 - Django's documented API of models
            absent += sorted(declared - set(found))
        broken = _invalid()
    if absent or broken:
        said = [f"missing: {', '.join(absent)}"] * bool(absent) + [f"invalid: {', '.join(broken)}"] * bool(broken)
        yield fail(
            "indexes",
            "; ".join(said),
            "Make them again, as the migration of that name does (REINDEX mends invalid ones).",
        )
    else:
        yield ok("indexes", f"all {counted} that the models declare")


def _declared(model: type[Model]) -> set[str]:
    meta = model._meta  # noqa: SLF001 - likewise
    return {index.name for index in meta.indexes} | {
        constraint.name for constraint in meta.constraints if isinstance(constraint, UniqueConstraint)
    }


def _invalid() -> list[str]:
    """Indexes that PostgreSQL keeps and does not use, as a CREATE INDEX CONCURRENTLY that broke off leaves them."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def statistics() -> Iterator[Finding]:
    """What PostgreSQL's planner knows of large tables. SQLite's plans follow from how our questions are put."""
    if connection.vendor != "postgresql":
        yield ok("statistics", "SQLite needs none")
        return
    ours = [model._meta.db_table for model in apps.get_models()]  # noqa: SLF001 - likewise
    with connection.cursor() as cursor:
        cursor.execute(STALE, {"tables": ours, "large": LARGE_ROWS, "share": STALE_SHARE})
        stale = [name for (name,) in cursor.fetchall()]
    if stale:
        yield warn(
            "statistics",
            f"missing or old: {', '.join(stale)}",
            "Searches may choose slow ways. Run VACUUM ANALYZE as the tables' owner, and see that autovacuum is on.",
        )
    else:
        yield ok("statistics", "the planner knows the large tables")


def roles() -> Iterator[Finding]:
    """Who owns a table can take its triggers away, so the role that serves should own none of the ledger's."""
    if connection.vendor != "postgresql":
        yield ok("roles", "SQLite has none; whoever can write the file can write the ledger")
        return
    excess = serving.warnings(connection)
    if not excess:
        yield ok("roles", "the role that serves may add to the ledger and read it, no more")
    for what, advice in excess:
        yield warn("roles", what, advice)
