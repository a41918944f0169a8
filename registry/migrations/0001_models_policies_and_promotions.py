"""Models, versions, environments, policies, promotions, deployments and receipts."""

import django.db.models.deletion
from django.db import migrations, models

import core.clock
import core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_accounts_projects_and_secrets"),
        ("tracking", "0001_experiments_runs_and_metrics"),
    ]

    operations = [
        migrations.CreateModel(
            name="Environment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("name", models.CharField(max_length=64)),
                ("position", models.PositiveIntegerField()),
                ("protected", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
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
            name="Model",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("name", models.CharField(max_length=250)),
                ("description", models.TextField(blank=True, default="")),
                ("last_number", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("created_by_id", models.UUIDField()),
                ("created_by", models.CharField(max_length=128)),
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
            name="ModelVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("number", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=71)),
                ("artifact", models.CharField(max_length=1024)),
                (
                    "lifecycle",
                    models.CharField(
                        choices=[
                            ("candidate", "Candidate"),
                            ("verified", "Verified"),
                            ("quarantined", "Quarantined"),
                            ("retired", "Retired"),
                        ],
                        default="candidate",
                        max_length=11,
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                ("tags", models.JSONField(default=dict)),
                ("card", models.JSONField(null=True)),
                ("signature", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("created_by_id", models.UUIDField()),
                ("created_by", models.CharField(max_length=128)),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="registry.model",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tracking.run"),
                ),
                (
                    "seal",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tracking.seal",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ManifestFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=1024)),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tracking.blob"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="registry.modelversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("target", models.CharField(max_length=250)),
                ("image_digest", models.CharField(default="", max_length=100)),
                ("traffic_share", models.FloatField(default=1.0)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("reported_at", models.DateTimeField(default=core.clock.now)),
                ("reported_by_id", models.UUIDField()),
                ("reported_by", models.CharField(max_length=128)),
                ("matched_slot", models.BooleanField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.project",
                    ),
                ),
                (
                    "environment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="registry.environment",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="registry.modelversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AliasChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("changed_at", models.DateTimeField(default=core.clock.now)),
                ("changed_by", models.CharField(max_length=128)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.model",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.modelversion",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.modelversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                ("set_at", models.DateTimeField(default=core.clock.now)),
                ("set_by", models.CharField(max_length=128)),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="aliases",
                        to="registry.model",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="registry.modelversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("name", models.CharField(max_length=64)),
                ("revision", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
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
        migrations.AddField(
            model_name="environment",
            name="policy",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="environments",
                to="registry.policy",
            ),
        ),
        migrations.CreateModel(
            name="PolicyRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("reason", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("created_by", models.CharField(max_length=128)),
                (
                    "policy",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="registry.policy",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("promotion", "Promotion"), ("rollback", "Rollback")],
                        default="promotion",
                        max_length=9,
                    ),
                ),
                ("expect_current", models.CharField(max_length=71, null=True)),
                ("idempotency_key", models.CharField(max_length=255)),
                ("reason", models.TextField()),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("promoted", "Promoted"),
                            ("already", "Already"),
                            ("waiting", "Waiting"),
                            ("gate_failed", "Gate Failed"),
                            ("evidence_missing", "Evidence Missing"),
                            ("refused", "Refused"),
                            ("expired", "Expired"),
                            ("holder_differs", "Holder Differs"),
                            ("frozen", "Frozen"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=16,
                    ),
                ),
                ("detail", models.TextField(blank=True, default="")),
                ("gates", models.JSONField(default=list)),
                ("lineage", models.JSONField(default=dict)),
                ("evidence_sha256", models.CharField(default="", max_length=64)),
                ("requested_by_id", models.UUIDField()),
                ("requested_by", models.CharField(max_length=128)),
                ("requested_by_kind", models.CharField(max_length=16)),
                ("requested_at", models.DateTimeField(default=core.clock.now, editable=False)),
                ("expires_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("event_id", models.UUIDField(null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to="registry.environment",
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to="registry.model",
                    ),
                ),
                (
                    "policy_revision",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.policyrevision",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.modelversion",
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
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promotions",
                        to="registry.modelversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.UUIDField()),
                ("account_name", models.CharField(max_length=128)),
                ("role", models.CharField(max_length=16)),
                ("decision", models.CharField(choices=[("approve", "Approve"), ("refuse", "Refuse")], max_length=7)),
                ("reason", models.TextField()),
                ("auth_method", models.CharField(max_length=32)),
                ("signed_digest", models.CharField(max_length=71)),
                ("evidence_sha256", models.CharField(max_length=64)),
                ("signed_at", models.DateTimeField(default=core.clock.now)),
                ("event_id", models.UUIDField()),
                (
                    "promotion",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="registry.promotion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=core.ids.uuid7, editable=False, unique=True)),
                ("envelope", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("vkey", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "promotion",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="receipt", to="registry.promotion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=core.clock.now, editable=False)),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="slots", to="registry.environment"
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="registry.model",
                    ),
                ),
                (
                    "promotion",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.promotion",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="slots",
                        to="registry.modelversion",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="model",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="registry_model_name"),
        ),
        migrations.AddConstraint(
            model_name="model",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="registry_model_named"
            ),
        ),
        migrations.AddIndex(
            model_name="modelversion",
            index=models.Index(fields=["digest"], name="registry_version_digest"),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(fields=("model", "number"), name="registry_version_number"),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(fields=("model", "digest", "run"), name="registry_version_once"),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("lifecycle__in", ["candidate", "verified", "quarantined", "retired"])),
                name="registry_version_lifecycle",
            ),
        ),
        migrations.AddConstraint(
            model_name="manifestfile",
            constraint=models.UniqueConstraint(fields=("version", "path"), name="registry_manifest_path"),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(fields=["project", "id"], name="registry_deployment_list"),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(fields=["environment", "target", "started_at"], name="registry_deployment_where"),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.CheckConstraint(
                condition=models.Q(("traffic_share__gte", 0), ("traffic_share__lte", 1)),
                name="registry_deployment_share",
            ),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), ("ended_at__gte", models.F("started_at")), _connector="OR"
                ),
                name="registry_deployment_span",
            ),
        ),
        migrations.AddIndex(
            model_name="aliaschange",
            index=models.Index(fields=["model", "name", "id"], name="registry_alias_history"),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.UniqueConstraint(fields=("model", "name"), name="registry_alias_name"),
        ),
        migrations.AddConstraint(
            model_name="policy",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="registry_policy_name"),
        ),
        migrations.AddConstraint(
            model_name="environment",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="registry_environment_name"),
        ),
        migrations.AddConstraint(
            model_name="policyrevision",
            constraint=models.UniqueConstraint(fields=("policy", "number"), name="registry_policy_revision_number"),
        ),
        migrations.AddIndex(
            model_name="promotion",
            index=models.Index(fields=["project", "id"], name="registry_promotion_list"),
        ),
        migrations.AddIndex(
            model_name="promotion",
            index=models.Index(fields=["model", "environment", "decision", "id"], name="registry_promotion_history"),
        ),
        migrations.AddIndex(
            model_name="promotion",
            index=models.Index(
                condition=models.Q(("decision", "waiting")), fields=["expires_at"], name="registry_promotion_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.UniqueConstraint(fields=("project", "idempotency_key"), name="registry_promotion_key"),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decision", "waiting"), ("finished_at__isnull", True)),
                    models.Q(models.Q(("decision", "waiting"), _negated=True), ("finished_at__isnull", False)),
                    _connector="OR",
                ),
                name="registry_promotion_finished",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                fields=("promotion", "account_id", "evidence_sha256"), name="registry_approval_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(fields=("model", "environment"), name="registry_slot_identity"),
        ),
    ]
