"""Start-up of the ledger: its own actions, its jobs, and the record of denied attempts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import denials, figures, ledger_actions, serving, tasks  # noqa: F401, PLC0415 - registered by import, which needs loaded apps

        post_migrate.connect(serving.grant_after_migration, sender=self, dispatch_uid="audit.serving")
