"""Triggers that keep the ledger append-only, on both databases: what installs them, and the check that they stand.

They stop mistakes and every role that may not alter tables. Whoever owns the tables can drop a trigger; that is
what the verifier and the anchors are for.
"""

from collections.abc import Mapping, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

APPEND_ONLY: Mapping[str, Sequence[str]] = {
    "audit_event": ("id", "uuid"),
    "audit_leaf": ("seq", "event_id"),
    "audit_checkpoint": ("size",),
    "audit_tile": ("id",),
    "audit_anchor": ("id",),
    "audit_verification": ("id",),
}
"""Each table with its unique columns, which SQLite's INSERT OR REPLACE would otherwise overwrite by."""

ERASE_ONLY: Mapping[str, Sequence[str]] = {"audit_private": ("id",)}
"""Rows may be deleted one by one, never changed."""

REFUSAL = "the ledger is append-only"
_FUNCTION = "audit_refuse_change"
_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every guard in place, renewing those that stand. Belongs after any migration that rebuilds a table."""
    _execute(connection, _uninstall_sql(connection) + _install_sql(connection))


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every guard away. For migrations backwards, and for tests that empty their tables."""
    _execute(connection, _uninstall_sql(connection))


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of guards that should stand and do not, or stand disabled; sorted. One query."""
    return sorted(set(_expected(connection)) - _standing(connection))


def grants(role: str) -> list[str]:
    """SQL that lets a PostgreSQL role serve: everything on every table, but only adding and reading on the ledger's."""
    name = '"' + role.replace('"', '""') + '"'
    append_only, erase_only = ", ".join(APPEND_ONLY), ", ".join(ERASE_ONLY)
    return [
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {name}",  # before PostgreSQL 15 everybody could make tables there
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {append_only} FROM {name}",
        f"REVOKE UPDATE, TRUNCATE ON {erase_only} FROM {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON django_migrations, core_schemafloor FROM {name}",
    ]


def _install_sql(connection: BaseDatabaseWrapper) -> list[str]:
    return _postgresql_guards() if connection.vendor == "postgresql" else _sqlite_guards()


def _uninstall_sql(connection: BaseDatabaseWrapper) -> list[str]:
    if connection.vendor == "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name} ON {_table_of(name)}" for name in _expected(connection)]
    return [f"DROP TRIGGER IF EXISTS {name}" for name in _expected(connection)]


def _expected(connection: BaseDatabaseWrapper) -> list[str]:
    """Trigger names, each `<table>_no_<act>`."""
    acts = ("change", "truncate") if connection.vendor == "postgresql" else ("update", "delete", "replace")
    names = [f"{table}_no_{act}" for table in [*APPEND_ONLY, *ERASE_ONLY] for act in acts]
    return [name for name in names if name != "audit_private_no_delete"]


def _table_of(trigger: str) -> str:
    return trigger.partition("_no_")[0]


def _standing(connection: BaseDatabaseWrapper) -> set[str]:
    if connection.vendor == "postgresql":  # 'A' is ENABLE ALWAYS
        sql = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A' AND tgname LIKE 'audit%'"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'"
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {name for (name,) in cursor.fetchall()}


def _postgresql_guards() -> list[str]:
    """ENABLE ALWAYS: they fire under session_replication_role = replica too."""
    statements = [_POSTGRESQL_FUNCTION]
    for table in [*APPEND_ONLY, *ERASE_ONLY]:
        acts = "UPDATE OR DELETE" if table in APPEND_ONLY else "UPDATE"
        for name, when in [
            (f"{table}_no_change", f"BEFORE {acts} ON {table} FOR EACH ROW"),
            (f"{table}_no_truncate", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"),
        ]:
            statements.append(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {_FUNCTION}()")
            statements.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return statements


def _sqlite_guards() -> list[str]:
    statements = []
    for table, unique in [*APPEND_ONLY.items(), *ERASE_ONLY.items()]:
        taken = " OR ".join(f"{column} = NEW.{column}" for column in unique)
        exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken})"  # noqa: S608 - names from the tables above
        statements.append(_sqlite_guard(table, "update", "BEFORE UPDATE"))
        statements.append(_sqlite_guard(table, "replace", "BEFORE INSERT", exists))
        if table in APPEND_ONLY:
            statements.append(_sqlite_guard(table, "delete", "BEFORE DELETE"))
    return statements


def _sqlite_guard(table: str, act: str, when: str, condition: str = "") -> str:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}: {act.upper()} on {table} refused'); END"
    return f"CREATE TRIGGER {table}_no_{act} {when} ON {table} {condition} {refuse}"


def _execute(connection: BaseDatabaseWrapper, statements: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
