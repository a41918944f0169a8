"""`audit_grants ROLE`: lets a PostgreSQL role serve without being able to change the ledger. Run by the role that migrates."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from audit import guards


class Command(BaseCommand):
    help = "Grant a PostgreSQL role what the server needs, and on the ledger's tables no more than adding and reading."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="an existing role, the one in LINEAL_DATABASE_URL")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("SQLite has no roles; its guards are triggers alone.")
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in guards.grants(role):
                    cursor.execute(statement)
        except DatabaseError as exc:
            raise CommandError(f"The grants were refused: {exc}") from exc
        self.stdout.write(f"{role} may serve; on the ledger it may add and read.")
