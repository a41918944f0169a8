"""How the rows of an outline belong together. Chunks written before have none, and are decoded in full."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracking", "0008_run_to_empty_index")]

    operations = [
        migrations.AddField(model_name="chunk", name="stretches", field=models.BinaryField(null=True)),
    ]
