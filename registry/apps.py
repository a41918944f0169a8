"""Start-up of the registry app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core import metrics  # noqa: PLC0415 - needs settings
        from registry import (  # noqa: F401, PLC0415 - registered by import, needs loaded apps
            actions,
            figures,
            holding,
            lineage_kinds,
            retention_kinds,
            tasks,
            usage,
        )
        from registry.counts import gate_failures  # noqa: PLC0415 - likewise
        from registry.gates import (  # noqa: F401, PLC0415 - likewise
            approval,
            card,
            integrity,
            kinds,
            lineage,
            metric,
            stage,
        )

        metrics.start_at_zero(gate_failures, kinds())
