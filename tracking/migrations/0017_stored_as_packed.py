"""Packed points lie as they are, outside their row: PostgreSQL tried to compress what zstd had compressed, each time one was written."""

from typing import Any

from django.db import migrations

COLUMNS = [("tracking_batch", "payload"), ("tracking_chunk", "payload")]


def _store(how: str) -> Any:
    def alter(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for table, column in COLUMNS:
                schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {how}")

    return alter


class Migration(migrations.Migration):
    dependencies = [("tracking", "0016_saved_view")]

    operations = [migrations.RunPython(_store("EXTERNAL"), _store("EXTENDED"))]
