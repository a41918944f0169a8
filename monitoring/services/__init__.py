"""Writes of the monitoring room."""

from monitoring.services.evidence import receive_verdict
from monitoring.services.hooks import create_hook, delete_hook, renew_hook_secret, take_message, update_hook

__all__ = ["create_hook", "delete_hook", "receive_verdict", "renew_hook_secret", "take_message", "update_hook"]
