"""Built beside the writers of a large table."""

from django.db import migrations, models

from core.schema import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tracking", "0010_run_going_on")]

    operations = [
        AddIndexLive(
            model_name="run",
            index=models.Index(fields=["experiment", "status", "id"], name="tracking_run_status_of"),
        ),
    ]
