"""Start-up of the retention app: its ledger actions and jobs."""

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "retention"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from retention import actions, tasks  # noqa: F401, PLC0415 - registered by import, which needs loaded apps
