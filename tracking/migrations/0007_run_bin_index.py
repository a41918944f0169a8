"""Built beside the writers of a large table."""

from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tracking", "0006_blob_marked_index")]

    operations = [
        AddIndexLive(
            model_name="run",
            index=models.Index(
                condition=models.Q(("lifecycle", "deleted")), fields=["deleted_at"], name="tracking_run_bin"
            ),
        ),
    ]
