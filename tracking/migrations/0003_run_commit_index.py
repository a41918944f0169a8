"""Runs are found by their commit, which each trace asks for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracking", "0002_run_caused_by"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["project", "code_commit"], name="tracking_run_commit"),
        ),
    ]
