"""Built beside the writers of a large table."""

from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tracking", "0005_run_bin_purge_and_sweeps")]

    operations = [
        AddIndexLive(
            model_name="blob",
            index=models.Index(
                condition=models.Q(("marked_at__isnull", False)),
                fields=["project", "marked_at"],
                name="tracking_blob_marked",
            ),
        ),
    ]
