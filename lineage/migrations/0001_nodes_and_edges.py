"""Nodes and edges of the graph."""

import django.db.models.deletion
from django.db import migrations, models

import core.clock
import lineage.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_accounts_projects_and_secrets"),
    ]

    operations = [
        migrations.CreateModel(
            name="Node",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", lineage.fields.NodeKindField()),
                ("key", models.CharField(max_length=200)),
                ("live", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=core.clock.now)),
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
        ),
        migrations.CreateModel(
            name="Edge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", lineage.fields.EdgeKindField()),
                ("run_key", models.CharField(max_length=64, null=True)),
                ("created_at", models.DateTimeField(default=core.clock.now)),
                (
                    "dst",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="edges_in",
                        to="lineage.node",
                    ),
                ),
                (
                    "src",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="edges_out",
                        to="lineage.node",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="node",
            constraint=models.UniqueConstraint(fields=("project", "kind", "key"), name="lineage_node_identity"),
        ),
        migrations.AddIndex(
            model_name="edge",
            index=models.Index(fields=["dst", "src"], name="lineage_edge_upstream"),
        ),
        migrations.AddConstraint(
            model_name="edge",
            constraint=models.UniqueConstraint(fields=("src", "dst", "kind"), name="lineage_edge_identity"),
        ),
    ]
