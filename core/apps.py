"""Start-up of the core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.conf import settings  # noqa: PLC0415 - as below

        from core import checks, figures, jobs, roster  # noqa: F401, PLC0415 - registered by import, which needs loaded apps

        if settings.PROCESS != roster.SUPERVISOR:
            begin_process()


def begin_process() -> None:
    """What each process starts for itself, once: threads, which no fork of it would have."""
    from core import lone, tracing  # noqa: PLC0415 - needs settings

    tracing.start()
    lone.start()
