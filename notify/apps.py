"""Start-up of the notify room."""

from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "notify"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from notify import actions, figures, tasks  # noqa: F401, PLC0415 - registered by import, which needs loaded apps
