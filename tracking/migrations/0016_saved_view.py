"""Searches that people saved under a name."""

import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_accounts_projects_and_secrets"),
        ("tracking", "0015_run_code_folder_and_untracked"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("name", models.CharField(max_length=250)),
                ("description", models.TextField(blank=True, default="")),
                ("filter", models.TextField(blank=True, default="")),
                ("lifecycle", models.CharField(default="active", max_length=8)),
                ("order_by", models.CharField(blank=True, default="", max_length=600)),
                ("columns", models.TextField(blank=True, default="")),
                ("differing", models.BooleanField(default=False)),
                ("created_by_id", models.UUIDField()),
                ("created_by", models.CharField(max_length=128)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=core.clock.now)),
                (
                    "experiment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tracking.experiment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "name"), name="tracking_view_name"),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="tracking_view_named"),
                ],
            },
        ),
    ]
