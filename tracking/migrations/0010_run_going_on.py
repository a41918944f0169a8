"""Built beside the writers of a large table."""

from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0001_accounts_projects_and_secrets"),
        ("tracking", "0009_chunk_stretches"),
    ]

    operations = [
        AddIndexLive(
            model_name="run",
            index=models.Index(
                condition=models.Q(("lifecycle", "active"), ("status", "running")),
                fields=["id"],
                name="tracking_run_going_on",
            ),
        ),
    ]
