"""Start-up of the registry app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from registry import actions, lineage_kinds, tasks  # noqa: F401, PLC0415 - registered by import, needs loaded apps
        from registry.gates import (  # noqa: F401, PLC0415 - likewise
            approval,
            card,
            integrity,
            lineage,
            metric,
            stage,
        )
