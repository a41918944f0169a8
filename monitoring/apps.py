"""Start-up of the monitoring room."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from monitoring import actions, figures, lineage_kinds, monitor_tasks, tasks  # noqa: F401, PLC0415 - registered by import, needs loaded apps
