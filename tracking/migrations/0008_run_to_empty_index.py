"""Built beside the writers of a large table."""

from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tracking", "0007_run_bin_index")]

    operations = [
        AddIndexLive(
            model_name="run",
            index=models.Index(
                condition=models.Q(("emptied_at__isnull", True), ("lifecycle", "purged")),
                fields=["id"],
                name="tracking_run_to_empty",
            ),
        ),
    ]
