"""Start-up of the core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import checks, figures, jobs, lone, tracing  # noqa: F401, PLC0415 - registered by import, which needs loaded apps

        tracing.start()
        lone.start()
