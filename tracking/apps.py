"""Start-up of the tracking app: its ledger actions, jobs and lineage kinds."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tracking import (  # noqa: F401, PLC0415 - registered by import, which needs loaded apps
            actions,
            figures,
            lineage_kinds,
            retention_kinds,
            tasks,
            usage,
        )
