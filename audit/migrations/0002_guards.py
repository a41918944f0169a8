"""Makes the ledger append-only by triggers, so that a mistake in our own code cannot rewrite it."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from audit import guards


def install(_apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    guards.install(schema_editor.connection)


def remove(_apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    guards.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
