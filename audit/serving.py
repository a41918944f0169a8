"""The PostgreSQL role that serves: it gets its grants after each migration, and is told when it could do too much.

Guards stop every role that may not alter tables. A server that serves as the tables' owner has none such.
"""

from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import guards

_RIGHTS = """
    SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
           bool_or(pg_has_role(ledger.relowner, 'USAGE')),
           bool_or(has_table_privilege(ledger.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER'))
    FROM pg_class ledger
    WHERE ledger.oid = ANY(ARRAY(SELECT to_regclass(name) FROM unnest(%s::text[]) AS name))
"""
_ADVICE = "Let LINEAL_DATABASE_URL name a role of its own, and LINEAL_DATABASE_MIGRATE_URL the owner."


def grant_after_migration(*, using: str, **_: Any) -> None:
    """Subscribed to Django's `post_migrate`: what a migration has made is of use to the role that serves at once."""
    role, connection = settings.DATABASE_APP_ROLE, connections[using]
    if not role or connection.vendor != "postgresql":
        return
    with transaction.atomic(using), connection.cursor() as cursor:
        for statement in guards.grants(role):
            cursor.execute(statement)


def warnings(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """What the role at hand could do to the ledger that it should not be able to do, each with what to do about it, in words.

    Empty on SQLite.
    """
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_RIGHTS, [list(guards.APPEND_ONLY)])
        role, is_super, owns, may_change = cursor.fetchone()
    if is_super:
        return [
            (f"PostgreSQL's role '{role}' is a superuser, so the server could take the ledger's guards away.", _ADVICE)
        ]
    if owns:
        return [
            (f"PostgreSQL's role '{role}' owns the ledger's tables, so the server could take its guards away.", _ADVICE)
        ]
    if may_change:
        return [
            (
                f"PostgreSQL's role '{role}' was granted changes to the ledger.",
                f"Take them back: manage.py audit_grants {role}",
            )
        ]
    return []
