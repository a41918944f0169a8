"""Start-up of the ledger: its own actions, its jobs, and the record of denied attempts."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit import denials, figures, ledger_actions, tasks  # noqa: F401, PLC0415 - registered by import, which needs loaded apps
