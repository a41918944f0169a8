from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False  # built beside the writers

    dependencies = [
        ("core", "0003_jobs_know_their_request"),
    ]

    operations = [
        AddIndexLive(
            model_name="job",
            index=models.Index(
                condition=models.Q(("failed_at__isnull", False)), fields=["failed_at"], name="job_failed"
            ),
        ),
    ]
