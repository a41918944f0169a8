"""Built beside the writers of a large table."""

from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tracking", "0013_run_creator_index")]

    operations = [
        AddIndexLive(
            model_name="run",
            index=models.Index(fields=["experiment", "name", "id"], name="tracking_run_name"),
        ),
    ]
