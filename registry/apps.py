"""Start-up of the registry app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from registry import (  # noqa: F401, PLC0415 - registered by import, needs loaded apps
            actions,
            holding,
            lineage_kinds,
            retention_kinds,
            tasks,
            usage,
        )
        from registry.gates import (  # noqa: F401, PLC0415 - likewise
            approval,
            card,
            integrity,
            lineage,
            metric,
            stage,
        )
